"""A CA that asks a secondary server which lags behind, as in the world outside."""

import unittest

from e2e.harness import FAILED, Case, start_lab

CHALLENGE = "_acme-challenge.example.test"
LONG = 600


def setUpModule():
    Case.lab = start_lab(ca_dns="secondary")


class Secondary(Case):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.lab.set_lag, 0)
        self.host.want("example.test")

    def test_lags_longer_than_certbot_waits(self):
        self.lab.set_lag(LONG)
        run = self.issue(code=FAILED)
        failure = self.expect_failure(run, "txt_missing", "raise propagation_seconds (certbot waited 0s)", CHALLENGE)
        self.assertEqual((failure["phase"], failure["problem_domain"]), ("validation", "example.test"))
        self.assertEqual([span["phase"] for span in run["phases"] if span.get("failed")], ["validation"])
        self.assertEqual(self.lab.txt(CHALLENGE), [], "certbot has cleaned up")
        self.lab.set_lag(0)
        # Without a lag the secondary still needs a moment, the longer the busier the machine.
        self.host.settings["certificates"][0]["propagation_seconds"] = 5
        self.assertEqual(self.issue()["outcome"], "deployed")

    def test_has_nothing_new_at_a_name_that_exists(self):
        below = f"other.{CHALLENGE}"
        self.lab.add(below, "TXT", "makes the name above it exist")
        self.addCleanup(self.lab.remove, below, "TXT")
        self.lab.wait_txt(below, "makes the name above it exist", server="secondary")
        self.lab.set_lag(LONG)
        self.expect_failure(self.issue(code=FAILED), "txt_missing", "No TXT records found")

    def test_lags_less_than_certbot_waits(self):
        self.lab.set_lag(1)
        self.host.settings["certificates"][0]["propagation_seconds"] = 3
        self.assertEqual(self.issue()["outcome"], "deployed")

    def test_has_only_what_an_earlier_run_left(self):
        self.lab.add(CHALLENGE, "TXT", "left over")
        self.addCleanup(self.lab.remove, CHALLENGE, "TXT")
        self.lab.wait_txt(CHALLENGE, "left over", server="secondary")
        self.lab.set_lag(LONG)
        self.expect_failure(self.issue(code=FAILED), "txt_wrong", f"remove TXT records of {CHALLENGE}")

    def test_does_not_answer(self):
        self.lab.pause("secondary")
        self.addCleanup(self.lab.resume, "secondary")
        failure = self.expect_failure(self.issue(code=FAILED), "dns_error")
        self.assertEqual(failure["phase"], "validation")


if __name__ == "__main__":
    unittest.main()
