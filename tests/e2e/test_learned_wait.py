"""propagation_seconds: auto. The wait that certbot is given comes from what earlier runs of the account measured, with
the real certbot and a secondary server that lags behind."""

import re
import unittest

from e2e.harness import DONE, Case, start_lab

LAG = 4
FIRST = 9  # the provider's number: the lag and what there is of it on a busy machine


def setUpModule():
    Case.lab = start_lab(ca_dns="secondary")


class Learned(Case):
    def setUp(self):
        super().setUp()
        own_map = self.host.directory / "plugins-map"
        own_map.mkdir()
        keys = "".join(f"    dns_rfc2136_{key}: {{}}\n" for key in ("server", "port", "name", "secret", "algorithm"))
        (own_map / "rfc2136.yaml").write_text("authenticator: dns-rfc2136\ncredentials:\n  keys:\n" + keys +
                                              f"propagation: {{default_seconds: {FIRST}}}\n")
        self.host.settings["accounts"]["a"]["propagation_seconds"] = "auto"

    def want(self, name):
        del self.host.want(f"{name}.example.test", name=name)["propagation_seconds"]

    def why(self, name):
        return self.expect(self.host.run("why", name), DONE).out

    def told(self, run):
        """The seconds that certbot was given."""
        return int(re.search(r"--dns-rfc2136-propagation-seconds (\d+)", run["attempts"][-1]["command"])[1])

    def test_from_the_measured_lag(self):
        for number in range(5):
            self.want(f"w{number}")
        self.want("next")
        first = self.why("next")
        self.assertIn("only 0 of the 5 runs that it takes have shown how long this account's name servers need", first)
        self.assertIn(f"so certbot waits at most {FIRST} s", first)
        self.lab.set_lag(LAG)
        self.addCleanup(self.lab.set_lag, 0)
        runs = self.issue(*(f"w{number}" for number in range(5)))
        self.assertEqual({self.told(run) for run in runs.values()}, {FIRST})
        self.assertEqual({run["outcome"] for run in runs.values()}, {"deployed"})
        slowest = max(server["seconds"] for run in runs.values() for server in run["attempts"][-1]["visibility"])
        self.assertGreater(slowest, LAG / 2)
        learned = self.why("next")
        said = re.search(r"in 95 % of the last 5 runs of this account the slowest name server had the records within "
                         r"([0-9.]+) s; with a margin of ([0-9.]+) s", learned)
        self.assertIsNotNone(said, learned)
        self.assertAlmostEqual(float(said[1]), slowest, delta=0.06)
        seconds = int(re.search(r"so certbot waits at most (\d+) s", learned)[1])
        self.lab.set_lag(0)
        self.assertEqual(self.told(self.issue("next")), seconds)
        self.assertGreaterEqual(seconds, slowest)

    def test_twice_as_long_after_the_ca_found_nothing(self):
        self.want("lost")
        self.lab.set_lag(600)
        self.addCleanup(self.lab.set_lag, 0)
        run = self.issue("lost", code=1)
        self.expect_failure(run, "txt_missing")
        waited = [span["seconds"] for span in run["phases"] if span["phase"] == "propagation"][-1]
        why = self.why("lost")
        self.assertRegex(why, r"doubled to \d+\.\d s, since the CA found no record")
        self.assertGreaterEqual(int(re.search(r"so certbot waits at most (\d+) s", why)[1]), int(2 * waited))


if __name__ == "__main__":
    unittest.main()
