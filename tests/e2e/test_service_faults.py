"""The service and a CA in trouble: the fault proxy between them answers 503 and 429, hangs, cuts answers short, and
gives renewal information (ARI) of all kinds."""

import datetime
import unittest

from e2e.harness import Case, start_lab, wait_for
from e2e.serving import ServiceCase
from lab import renewal_info_id

NAME = "example.test"


def setUpModule():
    Case.lab = start_lab(nonce_reject=0, fault_proxy=True)


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def in_seconds(text):
    """How far ahead a time lies."""
    return (moment(text) - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


class FaultCase(ServiceCase):
    def setUp(self):
        super().setUp()
        self.lab.clear_faults()
        self.addCleanup(self.lab.clear_faults)

    def serve_one(self):
        """The service with one certificate, published."""
        self.host.want(NAME)
        process = self.serve()
        wait_for(lambda: self.deployed(NAME) and self.idle(), "it is published", 60)
        return process

    def ended_run(self, outcome):
        wait_for(lambda: [run for run in self.all_runs() if run["outcome"]] and self.idle(), "the run ends", 90)
        run = self.ask("GET", "/v1/runs/" + self.all_runs()[0]["run"]).json
        self.assertEqual(run["outcome"], outcome, run)
        return run

    def all_runs(self):
        return self.ask("GET", "/v1/runs").json

    def facts(self, name=NAME):
        return [line["fact"] for line in self.why(name)]

    def times(self, *words, name=NAME):
        """The times of the lines of `why` that hold all of these words."""
        return [line["when"] for line in self.why(name)
                if line["when"] and all(word in line["fact"] for word in words)]


class Trouble(FaultCase):
    def failed_with(self, failure_class):
        self.host.want(NAME)
        process = self.serve()
        run = self.ended_run("failed")
        self.assertEqual(run["failure"]["class"], failure_class, run["failure"])
        return process, run

    def recovers(self, process):
        """Nobody changes anything but the CA; a person asks, as the next rung of the ladder may be far."""
        self.lab.clear_faults()
        self.want_now(NAME, force=False)
        wait_for(lambda: self.deployed(NAME) and self.idle(), "it is published", 90)
        self.stop(process)

    def test_503_is_tried_a_second_time_at_once(self):
        self.lab.fault("status", status=503, on="newOrder", count=1)
        self.host.want(NAME)
        process = self.serve()
        run = self.ended_run("deployed")
        self.assertEqual([bool(attempt["failure"]) for attempt in run["attempts"]], [True, False])
        self.assertEqual(run["attempts"][0]["failure"]["class"], "ca_unavailable")
        self.stop(process)

    def test_503_with_retry_after_is_waited_for(self):
        self.lab.fault("status", status=503, retry_after=1800, on="newOrder")
        process, run = self.failed_with("ca_unavailable")
        self.assertEqual(len(run["attempts"]), 1, "half an hour is no second attempt at once")
        self.assertEqual(run["failure"]["retry_after_seconds"], 1800, run["failure"])
        asked = self.lab.requests()["POST newOrder"]
        ends = [in_seconds(when) for when in self.times()]
        self.assertTrue(any(1500 < end <= 1800 for end in ends), self.why(NAME))
        self.assertEqual(self.lab.requests()["POST newOrder"], asked)
        # A restart forgets neither the failure nor the time.
        self.stop(process)
        process = self.serve()
        ends = [in_seconds(when) for when in self.times()]
        self.assertTrue(any(1500 < end <= 1800 for end in ends), self.why(NAME))
        self.assertEqual(self.lab.requests()["POST newOrder"], asked)
        self.recovers(process)

    def test_429_holds_everybody_who_would_ask_the_same(self):
        self.lab.rate_limit(3600, on="newOrder", detail="too many new orders (300) in the last 3h0m0s")
        process, run = self.failed_with("rate_limited")
        self.assertEqual(len(run["attempts"]), 1)
        self.assertIn("too many new orders", run["failure"]["problem_detail"])
        asked = self.lab.requests()["POST newOrder"]
        # A person's wish is held too, --force included: it would count against the limit.
        done = self.host.run("issue", "--force", NAME)
        self.assertNotEqual(done.code, 0, str(done))
        self.assertEqual(self.lab.requests()["POST newOrder"], asked)
        ends = [in_seconds(when) for when in self.times()]
        self.assertTrue(any(3300 < end <= 3600 for end in ends), self.why(NAME))
        self.stop(process)

    def test_a_ca_that_hangs_is_given_up(self):
        self.lab.fault("hang", on="newOrder")
        self.host.settings["certbot"] = {"timeout": "8s", "grace": "3s"}
        process, run = self.failed_with("certbot_timeout")
        self.assertEqual(self.certbots(), [])
        self.recovers(process)

    def test_answers_cut_short(self):
        endpoints = ["newOrder", "authz", "certificate"]
        self.host.want(NAME)
        process = self.serve()
        wait_for(lambda: self.deployed(NAME) and self.idle(), "it is published", 60)
        for endpoint in endpoints:
            with self.subTest(endpoint):
                before = len(self.all_runs())
                generation = self.host.generation(NAME)
                self.lab.fault("truncate", on=endpoint, count=1)
                self.want_now(NAME)
                wait_for(lambda: len(self.all_runs()) > before and self.all_runs()[0]["outcome"], "the run ends", 60)
                wait_for(self.idle, "all is at rest")
                self.assertEqual(self.lab.fault_state()["faults"], [], "the fault was met")
                run = self.ask("GET", "/v1/runs/" + self.all_runs()[0]["run"]).json
                if run["outcome"] == "failed":  # else certbot or a second Attempt made up for it
                    self.assertTrue(run["failure"]["error"], run)
                    self.assertEqual(self.host.generation(NAME), generation)
                else:
                    self.assertEqual(self.host.generation(NAME), generation + 1)
                self.lab.clear_faults()
        self.want_now(NAME)
        wait_for(self.idle, "all is at rest", 60)
        self.assertEqual(self.all_runs()[0]["outcome"], "deployed")
        self.stop(process)
        self.assertEqual(self.host.credentials_left(), [])

    def test_a_connection_that_closes_is_tried_a_second_time(self):
        self.lab.fault("close", on="newOrder", count=1)
        self.host.want(NAME)
        process = self.serve()
        run = self.ended_run("deployed")
        self.assertLessEqual(len(run["attempts"]), 2)
        self.stop(process)

    def test_a_slow_ca_delays_only_itself(self):
        self.lab.fault("delay", seconds=3, on="newOrder")
        self.host.want(NAME)
        process = self.serve()
        for _ in range(20):
            self.assertEqual(self.ask("GET", "/v1/status", timeout=2).status, 200)
        self.ended_run("deployed")
        self.stop(process)


class Ari(FaultCase):
    """Renewal information, different for each of many certificates."""

    GOOD = ["good", "past", "far"]
    MALFORMED = ["not-json", "no-window", "bad-date", "window-is-text", "empty", "reversed"]

    def serve_all(self, kinds):
        """The service with a certificate for each kind, issued before the CA knew of renewal information."""
        for kind in kinds:
            self.host.want(f"{kind}.example.test", name=kind)
        self.host.settings["max_parallel"] = 6
        process = self.serve()
        wait_for(lambda: self.deployed(*kinds) and self.idle(), "all are published", 120)
        self.stop(process)
        for kind in kinds:
            more = {"status": 503, "retry_after": 120} if kind == "status" else {"retry_after": 25200}
            self.lab.set_renewal_info(kind, id=renewal_info_id(self.host.pem(kind, "cert.pem")), **more)
        self.asked_before = self.asked()
        return self.serve()

    def asked(self):
        return self.lab.requests()["GET renewalInfo"]

    def known(self, name):
        return self.times("window (ARI)", name=name)

    def renewal(self, name):
        """In how many seconds it is renewed."""
        return [in_seconds(when) for when in self.times("so it is renewed", name=name)][0]

    def test_windows(self):
        process = self.serve_all(self.GOOD)
        wait_for(lambda: all(map(self.known, ["good", "far"])), "the windows are known", 30)
        wait_for(lambda: self.host.generation("past") == 2 and self.idle(), "one in the past is renewed at once", 90)
        run = self.ask("GET", "/v1/runs?certificate=past").json[0]
        self.assertIn("window in the past", run["reason"])
        self.assertEqual(run["actor"], "scheduler")
        # One to two hours ahead; a year ahead, of a certificate that lives 90 days.
        self.assertTrue(3000 < self.renewal("good") < 7200, self.why("good"))
        self.assertTrue(80 * 86400 < self.renewal("far") < 90 * 86400, self.why("far"))
        self.assertEqual(self.host.generation("far"), 1)
        # The CA's Retry-After is kept.
        for name in ("good", "far"):
            asks = [in_seconds(when) for when in self.times("asked again", name=name)]
            self.assertTrue(25000 < asks[0] <= 25200, asks)
        # A restart asks nobody anew and keeps the moment.
        before = {name: self.why(name) for name in ("good", "far")}
        self.stop(process)
        asked = self.lab.requests()
        process = self.serve()
        self.assertEqual({name: self.why(name) for name in ("good", "far")}, before)
        # One that has no window yet, that of the renewed certificate, is asked for, those that have one are not.
        wait_for(lambda: self.ask("GET", "/v1/status").status == 200 and self.idle(), "it is at rest")
        self.assertLessEqual(self.asked() - asked["GET renewalInfo"], 2)
        self.stop(process)

    def test_a_ca_that_says_past_of_everything_is_not_believed_for_ever(self):
        self.host.want(NAME)
        process = self.serve()
        wait_for(lambda: self.deployed(NAME) and self.idle(), "it is published", 90)
        self.stop(process)
        self.lab.set_renewal_info("past")
        process = self.serve()
        wait_for(lambda: self.host.generation(NAME) == 2 and self.idle(), "it is renewed at once", 90)
        self.stop(process)
        asked = self.asked()
        process = self.serve()
        wait_for(lambda: self.asked() > asked and self.times("not more than once a day"), "it knows the window", 60)
        self.assertGreater(self.renewal(NAME), 80000, "one order a day at most")
        self.assertEqual(self.host.generation(NAME), 2)
        self.stop(process)

    def test_what_is_malformed_is_told_and_changes_nothing(self):
        kinds = [*self.MALFORMED, "status"]
        process = self.serve_all(kinds)
        wait_for(lambda: all(f"{kind}: no renewal information" in self.said() for kind in kinds), "each is told", 60)
        self.assertEqual(self.asked() - self.asked_before, len(kinds), "each once")
        line = next(line for line in self.said().splitlines() if "status: no renewal information" in line)
        self.assertLess(in_seconds(line.rpartition("Asked again at ")[2]), 120, "the Retry-After of a refusal is kept")
        self.assertTrue(self.idle())
        for kind in kinds:
            with self.subTest(kind):
                self.assertFalse(self.known(kind))
                self.assertEqual(self.host.generation(kind), 1)
                self.assertGreater(self.renewal(kind), 50 * 86400, "the rule of its own")
        self.stop(process)


if __name__ == "__main__":
    unittest.main()
