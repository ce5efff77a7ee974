"""Many certificates at once with a CA that rejects nonces: all are issued, and nobody had to help.

CERTHERD_FLEET_CERTIFICATES and CERTHERD_FLEET_NONCE_REJECT, in percent, make it harder. With 60 and 20 a Run of nine
fails and is tried again after a minute, some once more after ten: much to wait for each time that the tests run.
"""

import collections
import os
import unittest

from e2e.harness import DONE, Case, domains_of, start_lab, wait_for
from e2e.serving import ServiceCase

CERTIFICATES = int(os.environ.get("CERTHERD_FLEET_CERTIFICATES", "16"))
NONCE_REJECT = int(os.environ.get("CERTHERD_FLEET_NONCE_REJECT", "10"))
PARALLEL = 16


def setUpModule():
    Case.lab = start_lab(nonce_reject=NONCE_REJECT)


class Fleet(ServiceCase):
    def test_all_are_issued_without_help(self):
        self.host.settings["max_parallel"] = PARALLEL
        names = [f"f{i}.example.test" for i in range(CERTIFICATES)]
        for name in names:
            self.host.want(name)
        process = self.serve()
        # A Run whose two Attempts failed is tried again after a minute, and then after ten.
        wait_for(lambda: self.deployed(*names), "all are published", 800)
        wait_for(self.idle, "all runs have ended", 60)
        self.stop(process)
        runs = self.runs()
        outcomes = collections.Counter(run["outcome"] for run in runs)
        print(f"fleet: {dict(outcomes)}", flush=True)
        self.assertEqual(outcomes["deployed"], CERTIFICATES)
        self.assertEqual({run["actor"] for run in runs}, {"scheduler"}, "nobody helped")
        for run in runs:
            if run["outcome"] != "deployed":
                self.assert_retried(run)
        for name in names:
            self.assertEqual(domains_of(self.host.pem(name, "cert.pem")), [name])
        self.assertEqual(len(list((self.host.state / "accounts").rglob("regr.json"))), 1, "one account for all")
        self.assertGreater(self.at_a_time(runs), 1)
        self.assertLessEqual(self.at_a_time(runs), PARALLEL)
        self.assertEqual(self.host.run("audit", "verify").code, DONE)
        self.assertEqual(self.host.credentials_left(), [])

    def assert_retried(self, run):
        """It failed for the nonces alone, and not before it had tried twice."""
        shown = self.host.run("--json", "show", run["run"]).json
        self.assertEqual(shown["failure"]["class"], "bad_nonce", shown)
        if shown["failure"]["phase"] != "account":
            self.assertEqual(len(shown["attempts"]), 2, shown)

    def at_a_time(self, runs):
        """The most Attempts that there were at the same time."""
        attempts = [attempt for run in runs for attempt in self.host.run("--json", "show", run["run"]).json["attempts"]]
        begun, ended = ([(attempt[key], step) for attempt in attempts] for key, step in (("started", 1), ("ended", -1)))
        moments = sorted([*begun, *ended])
        running = most = 0
        for _, step in moments:
            running += step
            most = max(most, running)
        return most


if __name__ == "__main__":
    unittest.main()
