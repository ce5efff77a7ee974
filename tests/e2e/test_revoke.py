"""Revocation: what the CA then says of the certificate, whose key signs, what stays, and what is written down."""

import json
import os
import shutil
import ssl
import unittest
import urllib.request

from e2e.harness import DONE, FAILED, IS_ROOT, USAGE, Case, serial_of, start_lab


def setUpModule():
    Case.lab = start_lab(fault_proxy=True)


class Revocation(Case):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.lab.clear_faults)
        self.host.want("example.test")
        self.assertEqual(self.issue()["outcome"], "deployed")
        self.serial = serial_of(self.host.pem("example.test", "cert.pem"))

    def at_the_ca(self, serial):
        """What the CA says of a serial number: "Valid" or "Revoked", and the code of the reason."""
        url = f"{self.lab.facts['acme']['management']}/cert-status-by-serial/{serial}"
        trust = ssl.create_default_context(cafile=self.lab.facts["acme"]["ca_bundle"])
        with urllib.request.urlopen(url, context=trust, timeout=10) as answer:
            told = json.load(answer)
        return told["Status"], told.get("Reason")

    def revoke(self, *arguments, code=DONE):
        return self.expect(self.host.run("--json", "revoke", "example.test", *arguments), code).json

    def last_entry(self):
        entry = self.host.audit_entries()[-1]
        self.assertEqual((entry["action"], entry["certificate"]), ("revoke", "example.test"))
        self.assertTrue(entry["actor"].startswith("user:"))
        self.assertIn(self.serial, entry["reason"])
        return entry

    def test_the_published_certificate_is_revoked_and_its_files_stay(self):
        self.assertEqual(self.at_the_ca(self.serial)[0], "Valid")
        told = self.revoke("--reason", "keycompromise")
        self.assertEqual((told["revoked"], told["already_revoked"], told["by_own_key"]), (True, False, False))
        self.assertEqual((told["serial"], told["ca"], told["failure"]), (self.serial, "lab", None))
        self.assertEqual(self.at_the_ca(self.serial), ("Revoked", 1))
        self.assertEqual(self.host.generation("example.test"), 1)
        self.assertEqual(serial_of(self.host.pem("example.test", "cert.pem")), self.serial)
        entry = self.last_entry()
        self.assertEqual((entry["outcome"], entry["ca"]), ("revoked", "lab"))
        self.assertIn("keycompromise", entry["reason"])
        self.assertIn("certbot revoke", entry["command"])
        self.expect(self.host.run("audit", "verify"), DONE)

    def test_a_second_time_is_no_failure(self):
        self.revoke()
        done = self.expect(self.host.run("revoke", "example.test"), DONE)
        self.assertIn("was revoked already", done.out)
        self.assertEqual(self.last_entry()["outcome"], "already revoked")

    def test_it_is_the_published_generation_and_not_certbots_newest(self):
        self.issue("example.test", "--force")
        newer = serial_of(self.host.pem("example.test", "cert.pem"))
        link = self.host.store / "example.test"
        older = os.readlink(link)[:-1] + "1"
        link.unlink()
        link.symlink_to(older)
        self.assertEqual(self.revoke()["serial"], self.serial)
        self.assertEqual((self.at_the_ca(self.serial)[0], self.at_the_ca(newer)[0]), ("Revoked", "Valid"))

    def test_without_an_account_the_certificates_own_key_signs(self):
        shutil.rmtree(self.host.state / "accounts")
        before = self.lab.requests()["POST newAccount"]
        self.assertTrue(self.revoke("--reason", "superseded")["by_own_key"])
        self.assertEqual(self.at_the_ca(self.serial), ("Revoked", 4))
        self.assertEqual(self.lab.requests()["POST newAccount"], before, "nobody registers only to revoke")
        self.assertIn("own key", self.last_entry()["reason"])

    def test_an_account_that_did_not_order_it_gives_way_to_its_own_key(self):
        shutil.rmtree(self.host.state / "accounts")
        self.host.want("other.test")
        self.assertEqual(self.issue("other.test")["outcome"], "deployed")
        before = self.lab.requests()["POST revokeCert"]
        self.assertTrue(self.revoke()["by_own_key"])
        self.assertEqual(self.at_the_ca(self.serial)[0], "Revoked")
        self.assertEqual(self.lab.requests()["POST revokeCert"] - before, 2)

    def test_what_the_ca_answers_is_told_word_for_word(self):
        self.lab.rate_limit(600, on="revokeCert", detail="too many revocations today")
        told = self.revoke(code=FAILED)
        failure = told["failure"]
        self.assertEqual((told["revoked"], failure["class"]), (False, "rate_limited"))
        self.assertEqual(failure["problem_type"], "urn:ietf:params:acme:error:rateLimited")
        self.assertEqual(failure["problem_detail"], "too many revocations today")
        self.assertEqual(failure["retry_after_seconds"], 600)
        entry = self.last_entry()
        self.assertEqual((entry["outcome"], entry["failure"]["detail"]), ("failed", "too many revocations today"))
        with open(told["transcript"]) as transcript:
            self.assertIn("too many revocations today", transcript.read())
        self.assertEqual(self.at_the_ca(self.serial)[0], "Valid")
        shown = self.expect(self.host.run("revoke", "example.test"), FAILED)
        self.assertIn("not revoked", shown.out)
        self.assertIn("too many revocations today", shown.out)

    def test_a_ca_that_is_down(self):
        self.lab.fault("status", status=503, retry_after=30)
        self.assertEqual(self.revoke(code=FAILED)["failure"]["class"], "ca_unavailable")
        self.assertEqual(self.last_entry()["failure"]["class"], "ca_unavailable")

    @unittest.skipUnless(IS_ROOT, "only root can give files away")
    def test_what_root_did_while_the_service_was_stopped_belongs_to_its_user(self):
        os.chown(self.host.state, 65534, 65534)
        self.revoke()
        self.assertEqual(self.issue()["reason"], "revoked")
        self.assertEqual(self.host.generation("example.test"), 2)
        strangers = {str(file) for file in self.host.state.rglob("*") if file.lstat().st_uid != 65534}
        self.assertEqual(strangers, set())

    def test_what_cannot_be_revoked(self):
        self.host.want("other.test")
        self.assert_one_error(self.expect(self.host.run("revoke", "other.test"), FAILED),
                              "nothing is published for other.test")
        unknown = self.expect(self.host.run("revoke", "exmaple.test"), USAGE)
        self.assertIn("did you mean 'example.test'?", unknown.err)
        wrong = self.expect(self.host.run("revoke", "example.test", "--reason", "boredom"), USAGE)
        self.assertIn("boredom", wrong.err)
        self.assertEqual(self.at_the_ca(self.serial)[0], "Valid")


if __name__ == "__main__":
    unittest.main()
