"""The preflight of a Run: what will certainly fail is not ordered, and tried again when DNS may have changed."""

import unittest

from e2e.harness import BLOCKED, DONE, SOME_FAILED, Case, ProcessWatch, start_lab, wait_for
from e2e.serving import ServiceCase

LOCKED = "locked.example.test"
DEAD = {"resolvers": ["127.0.0.1:9"], "port": 9, "public_resolvers": []}


def setUpModule():
    Case.lab = start_lab()


class OneRun(Case):
    def setUp(self):
        super().setUp()
        self.host.settings["cas"]["lab"]["caa_identities"] = ["pebble.test"]

    def blocked(self, *domains):
        self.host.want(*domains)
        orders = self.lab.orders()
        run = self.issue(code=BLOCKED)
        self.assertEqual(run["outcome"], "blocked")
        self.assertEqual((run["failure"]["class"], run["failure"]["phase"]), ("preflight_blocked", "preflight"))
        self.assertEqual(run["attempts"], [])
        self.assertEqual([span["phase"] for span in run["phases"] if span.get("failed")], ["preflight"])
        self.assertEqual(self.lab.orders(), orders, "no order at the CA")
        self.assertEqual(list((self.host.state / "accounts").rglob("regr.json")), [], "and no account there")
        return run

    def test_caa(self):
        process = self.host.start("--json", "issue", self.host.want(LOCKED)["domains"][0])
        with ProcessWatch(process.pid) as watch:
            done = self.host.finish(process)
        self.expect(done, BLOCKED)
        self.assertEqual([command for command in watch.commands if "certonly" in command or " register " in command], [])
        run = done.json[0]["run"]
        self.assertIn('IN CAA 0 issue "another-ca.test"', run["failure"]["error"])
        self.assertIn('IN CAA 0 issue "pebble.test"', run["failure"]["fix"])
        shown = self.host.run("--json", "show", run["run"]).json
        self.assertEqual(shown["findings"], run["findings"])
        self.assertEqual(shown["findings"][0]["topic"], "caa")
        self.assertIn("preflight_blocked", self.expect(self.host.run("why", LOCKED), DONE).out)
        (entry,) = [entry for entry in self.host.audit_entries() if entry["action"] == "issue"]
        self.assertEqual((entry["outcome"], entry["failure"]["class"]), ("blocked", "preflight_blocked"))
        self.assertEqual([run["outcome"] for run in self.host.run("--json", "history", "--failed").json], ["blocked"])

    def test_a_loop(self):
        self.assertIn("go in circles", self.blocked("loop.example.test")["failure"]["error"])

    def test_nowhere(self):
        self.assertIn("in no zone that exists", self.blocked("outside.example.test")["failure"]["error"])

    def test_an_account_that_does_not_cover_the_final_name(self):
        self.assertIn("Use account b", self.blocked("delegated.example.test")["failure"]["fix"])

    def test_one_bad_domain_among_good_ones(self):
        run = self.blocked("example.test", LOCKED)
        self.assertEqual([finding["domain"] for finding in run["findings"]], [LOCKED])

    def test_in_words(self):
        self.host.want("example.test")
        self.host.want(LOCKED)
        done = self.expect(self.host.run("issue", "--all"), SOME_FAILED)
        self.assertIn(f"{LOCKED}: blocked in ", done.out)
        self.assertIn("nothing was asked of it", done.out)
        self.assertIn("example.test: deployed in ", done.out)

    def test_a_warning_is_told_and_the_order_made(self):
        self.host.settings["preflight"] = "warn"
        self.host.want(LOCKED)
        run = self.issue()  # this CA looks at no CAA
        self.assertEqual(run["outcome"], "deployed")
        self.assertEqual([finding["severity"] for finding in run["findings"]], ["blocking"])

    def test_off_asks_nobody(self):
        self.host.settings.update({"preflight": "off", "dns": DEAD})
        self.host.want(LOCKED)
        run = self.issue()
        self.assertEqual((run["outcome"], run["findings"]), ("deployed", []))

    def test_dns_that_does_not_answer_blocks_nothing(self):
        self.host.settings["dns"] = DEAD
        self.host.want("example.test")
        run = self.issue()
        self.assertEqual(run["outcome"], "deployed")
        self.assertEqual([(finding["severity"], finding["topic"]) for finding in run["findings"]], [("warning", "dns")])


class Service(ServiceCase):
    def test_a_blocked_certificate_comes_when_dns_has_changed(self):
        name = "later.example.test"
        self.lab.add(name, "CAA", '0 issue "another-ca.test"')
        self.addCleanup(self.lab.remove, name, "CAA")
        self.host.settings["cas"]["lab"]["caa_identities"] = ["pebble.test"]
        self.host.want(name)
        process = self.serve()
        wait_for(lambda: self.runs(name), "a first run")
        wait_for(self.idle, "it has ended")
        self.assertEqual([run["outcome"] for run in self.runs(name)], ["blocked"])
        self.assertTrue(any("preflight_blocked" in str(line) for line in self.why(name)), self.why(name))
        checked = self.expect(self.host.run("check", name), BLOCKED)
        self.assertIn("another-ca.test", checked.out)
        self.lab.remove(name, "CAA")
        wait_for(lambda: self.deployed(name), "the ladder's first rung, a minute after the failure", 150)
        wait_for(self.idle, "it has ended")
        self.stop(process)
        outcomes = [run["outcome"] for run in self.runs(name)]
        self.assertEqual((outcomes[0], outcomes[-1]), ("deployed", "blocked"))
        self.assertEqual({run["actor"] for run in self.runs(name)}, {"scheduler"})


if __name__ == "__main__":
    unittest.main()
