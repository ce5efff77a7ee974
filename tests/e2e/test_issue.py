"""The main job: certificates are got, published, renewed when something asks for it, and otherwise left alone."""

import datetime
import os
import re
import stat
import unittest

from e2e.harness import (DONE, PEM_FILES, SOME_FAILED, USAGE, Case, Host, domains_of, openssl, serial_of, start_lab)
from lab import Lab


def setUpModule():
    Case.lab = start_lab()


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


class ApexAndWildcard(Case):
    """One certificate for a name and all below it, looked at from every side."""

    @classmethod
    def setUpClass(cls):
        cls.shared = Host(cls.lab)
        cls.addClassCleanup(cls.shared.remove)
        cls.shared.want("example.test", "*.example.test", propagation_seconds=1)
        cls.orders_before = cls.lab.orders()
        cls.primary_log_before = len(cls.primary_log())
        cls.done = cls.shared.issue()
        cls.orders_after = cls.lab.orders()
        cls.first = cls.done.runs["example.test"]

    def setUp(self):
        self.host = self.shared
        self.assertEqual(self.done.code, DONE, str(self.done))

    @classmethod
    def primary_log(cls):
        with open(cls.lab.facts["logs"]["primary"], errors="replace") as log:
            return log.read()

    def test_is_one_order_with_two_txt_values_at_one_name_and_both_are_removed(self):
        self.assertEqual(self.orders_after - self.orders_before, 1)
        log = self.primary_log()[self.primary_log_before:]
        self.assertEqual(len(re.findall(r"adding an RR at '_acme-challenge\.example\.test' TXT", log)), 2)
        self.assertEqual(self.lab.txt("_acme-challenge.example.test"), [])

    def test_the_certificate_is_for_these_domains_and_chains_up_to_the_ca(self):
        domains = domains_of(self.host.pem("example.test", "cert.pem"))
        self.assertEqual(sorted(domains), ["*.example.test", "example.test"])
        store = self.host.store / "example.test"
        openssl("verify", "-CAfile", self.lab.facts["acme"]["roots"][0], "-untrusted", store / "chain.pem",
                store / "cert.pem")

    def test_the_key_belongs_to_the_certificate(self):
        self.assertEqual(openssl("x509", "-noout", "-pubkey", text=self.host.pem("example.test", "cert.pem")),
                         openssl("pkey", "-pubout", text=self.host.pem("example.test", "privkey.pem")))

    def test_fullchain_is_certificate_and_chain(self):
        self.assertEqual(self.host.pem("example.test", "fullchain.pem"),
                         self.host.pem("example.test", "cert.pem") + self.host.pem("example.test", "chain.pem"))

    def test_the_store_shows_the_generation_through_one_relative_link(self):
        link = self.host.store / "example.test"
        self.assertEqual(os.readlink(link), "../generations/example.test/1")
        self.assertEqual(sorted(os.listdir(link)), PEM_FILES)
        self.assertFalse(any(os.path.islink(link / name) for name in PEM_FILES), "the files are whole, not links")

    def test_only_the_owner_reads_the_key_and_the_state(self):
        store = self.host.store / "example.test"
        self.assertEqual([oct(mode(store / name)) for name in PEM_FILES], ["0o644", "0o644", "0o644", "0o600"])
        self.assertEqual(oct(mode(self.host.state)), "0o700")
        self.assertEqual(oct(mode(self.host.state / "certherd.db") & 0o077), "0o0")

    def test_every_phase_of_an_issue_is_there_once_and_in_order(self):
        self.assertEqual([span["phase"] for span in self.first["attempts"][0]["phases"]],
                         ["startup", "account", "order", "challenge", "provision", "propagation", "notify",
                          "validation", "cleanup", "finalize", "save"])
        self.assertEqual([span["phase"] for span in self.first["phases"]],
                         ["preflight", "account", "startup", "account", "order", "challenge", "provision",
                          "propagation", "notify", "validation", "cleanup", "finalize", "save", "verify", "publish"])

    def test_the_phases_cover_the_run_without_gap_or_overlap(self):
        when = datetime.datetime.fromisoformat
        end = when(self.first["started"])
        for span in self.first["phases"]:
            start = when(span["start"])
            self.assertGreaterEqual(span["seconds"], 0, span)
            gap = (start - end).total_seconds()
            self.assertLessEqual(gap, 0.05, f"a gap before {span}")
            self.assertGreaterEqual(gap, -0.003, f"{span} begins before the one before it has ended")
            end = start + datetime.timedelta(seconds=span["seconds"])
        self.assertLessEqual((when(self.first["ended"]) - end).total_seconds(), 0.05)

    def test_propagation_lasts_as_long_as_configured(self):
        waited = sum(span["seconds"] for span in self.first["phases"] if span["phase"] == "propagation")
        self.assertGreaterEqual(waited, 1.0)

    def test_show_tells_the_same_run(self):
        shown = self.host.run("--json", "show", self.first["run"]).json
        self.assertEqual(shown, self.first)

    def test_the_audit_log_has_the_deed(self):
        entry = self.host.audit_entries()[0]
        self.assertEqual((entry["action"], entry["certificate"], entry["outcome"], entry["run"]),
                         ("issue", "example.test", "deployed", self.first["run"]))
        self.assertEqual(entry["generation"]["serial"], serial_of(self.host.pem("example.test", "cert.pem")))
        self.assertRegex(entry["actor"], rf"^user:{os.getuid()}:")

    def test_the_attempts_log_is_kept_and_private(self):
        log = self.host.state / "runs" / self.first["run"] / "attempt-1.log"
        self.assertEqual(oct(mode(log)), "0o600")
        self.assertIn("Successfully received certificate", log.read_text())

    def test_zz_a_second_issue_says_not_due_and_asks_the_ca_for_nothing(self):
        before = self.lab.ca_requests()
        done = self.expect(self.host.run("issue", "example.test"), DONE)
        self.assertRegex(done.out, r"^example\.test: not due: valid until .*, renewal from .* UTC\n$")
        self.assertEqual(self.lab.ca_requests(), before)
        self.assertEqual(self.host.generation("example.test"), 1)

    def test_zzz_force_renews_and_keeps_the_generation_before(self):
        old = serial_of(self.host.pem("example.test", "cert.pem"))
        run = self.issue("--force", "example.test")
        self.assertEqual((run["reason"], run["generation"]["number"]), ("forced", 2))
        self.assertEqual(self.host.generation("example.test"), 2)
        self.assertNotEqual(serial_of(self.host.pem("example.test", "cert.pem")), old)
        kept = (self.host.state / "generations/example.test/1/cert.pem").read_text()
        self.assertEqual(serial_of(kept), old)
        self.assertEqual(self.host.audit_entries()[-1]["action"], "renew")


class Changes(Case):
    """What the configuration wants has changed: a new order, and the reason says what changed."""

    def issue_twice(self, first, second):
        entry = self.host.want("example.test", **first)
        self.issue()
        before = self.lab.orders()
        entry.update(second)
        run = self.issue()
        self.assertEqual(self.lab.orders() - before, 1)
        self.assertEqual(run["generation"]["number"], 2)
        return run

    def test_a_domain_more_and_a_domain_less(self):
        run = self.issue_twice({"name": "site"}, {"domains": ["www.example.test", "mail.example.test"]})
        self.assertEqual(run["reason"],
                         "domains added: www.example.test, mail.example.test; domains removed: example.test")
        domains = domains_of(self.host.pem("site", "cert.pem"))
        self.assertEqual(sorted(domains), ["mail.example.test", "www.example.test"])

    def test_another_type_of_key(self):
        run = self.issue_twice({}, {"key_type": "rsa"})
        self.assertEqual(run["reason"], "key changed from ecdsa secp256r1 to rsa 2048")
        key = openssl("pkey", "-noout", "-text", text=self.host.pem("example.test", "privkey.pem"))
        self.assertIn("Private-Key: (2048 bit, 2 primes)", key)

    def test_another_ca(self):
        with Lab() as other:
            self.host.settings["cas"]["second"] = {"server": other.facts["acme"]["directory"],
                                                   "ca_bundle": other.facts["acme"]["ca_bundle"]}
            # The zones are those of the first Lab; only its DNS knows the TXT records.
            self.host.settings["accounts"]["a2"] = {"provider": "rfc2136", "zones": ["example.test"],
                                                    "credentials_file": other.credentials("key-a")}
            entry = self.host.want("example.test", account="a")
            self.issue()
            before = other.orders()
            entry.update(ca="second", account="a2")
            run = self.issue()
            self.assertEqual(run["reason"], "CA changed from lab to second")
            self.assertEqual((other.orders() - before, run["generation"]["number"]), (1, 2))
            openssl("verify", "-CAfile", other.facts["acme"]["roots"][0], "-untrusted",
                    self.host.store / "example.test/chain.pem", self.host.store / "example.test/cert.pem")
            self.assertEqual(self.host.run("issue", "example.test").code, DONE)
            self.assertEqual(other.orders() - before, 1, "one change is one order")

    def test_reuse_key_keeps_the_key_and_without_it_it_changes(self):
        entry = self.host.want("example.test", reuse_key=True)
        self.issue()
        first = self.host.pem("example.test", "privkey.pem")
        self.issue("--force", "example.test")
        self.assertEqual(self.host.pem("example.test", "privkey.pem"), first)
        entry["reuse_key"] = False
        self.issue("--force", "example.test")
        self.assertNotEqual(self.host.pem("example.test", "privkey.pem"), first)

    def test_a_larger_curve(self):
        run = self.issue_twice({}, {"elliptic_curve": "secp384r1"})
        self.assertEqual(run["generation"]["certificate"]["key"], "ecdsa secp384r1")


class SeveralCertificates(Case):
    def test_each_goes_through_the_account_with_the_most_specific_zone_and_one_acme_account_serves_all(self):
        # The account of the wider zone could not do it: its secret is wrong.
        accounts = self.host.settings["accounts"]
        accounts["narrow"] = {**accounts["a"], "zones": ["www.example.test"]}
        accounts["a"] = {"provider": "rfc2136", "zones": ["example.test"],
                         "credentials": self.host.credentials("key-a", dns_rfc2136_secret="d3Jvbmc=")}
        self.host.want("www.example.test")
        self.host.want("deep.down.other.test")
        before = self.lab.ca_requests()["POST /sign-me-up"]
        runs = self.issue()
        self.assertEqual({name: (run["account"], run["outcome"]) for name, run in runs.items()},
                         {"www.example.test": ("narrow", "deployed"), "deep.down.other.test": ("b", "deployed")})
        self.assertEqual(self.lab.ca_requests()["POST /sign-me-up"] - before, 1)
        self.assertEqual(len(list((self.host.state / "accounts/lab").rglob("private_key.json"))), 1)

    def test_one_that_fails_does_not_keep_the_others(self):
        self.host.settings["accounts"]["b"]["credentials_file"] = self.lab.credentials("key-a")  # the wrong key
        self.host.want("other.test")
        self.host.want("example.test")
        runs = self.issue(code=SOME_FAILED)
        self.assertEqual({name: run["outcome"] for name, run in runs.items()},
                         {"other.test": "failed", "example.test": "deployed"})
        self.assertEqual((self.host.generation("other.test"), self.host.generation("example.test")), (0, 1))

    def test_an_unknown_name_is_a_usage_error_that_names_the_close_one(self):
        self.host.want("example.test")
        done = self.expect(self.host.run("issue", "exmaple.test"), USAGE)
        self.assertEqual(done.err, f"there is no certificate 'exmaple.test' in {self.host.config}; "
                                   "did you mean 'example.test'?\n")
        self.assertFalse(self.host.state.exists(), "nothing was begun")

    def test_a_lost_store_is_published_again_from_what_certbot_holds_without_a_new_order(self):
        self.host.want("example.test")
        self.issue()
        (self.host.store / "example.test").unlink()
        before = self.lab.ca_requests()
        run = self.issue()
        self.assertEqual(run["outcome"], "deployed")
        self.assertEqual([span["phase"] for span in run["phases"]], ["verify", "publish"])
        self.assertEqual(self.lab.ca_requests(), before)
        self.assertEqual(sorted(os.listdir(self.host.store / "example.test")), PEM_FILES)


if __name__ == "__main__":
    unittest.main()
