"""ACME accounts: a CA that wants external account binding, and what a CA may refuse at registration."""

import unittest

from e2e.harness import DONE, FAILED, Case, ProcessWatch, start_lab


def setUpModule():
    Case.lab = start_lab(eab=True)


class Binding(Case):
    def setUp(self):
        super().setUp()
        self.eab = self.lab.facts["acme"]["eab"]
        self.key_file = self.host.directory / "hmac"
        self.give_key(self.eab["hmac_key"])
        self.host.want("example.test")
        self.registrations = self.count_registrations()

    def count_registrations(self):
        return self.lab.ca_requests()["POST /sign-me-up"]

    def give_key(self, key):
        self.key_file.write_text(key + "\n")
        self.key_file.chmod(0o600)

    def bind(self, **changes):
        self.host.settings["cas"]["lab"]["eab"] = {"kid": self.eab["kid"], "hmac_key": {"file": "hmac"}, **changes}

    def files_with_key(self):
        return [file for file in self.host.files_with(self.eab["hmac_key"]) if file != str(self.key_file)]

    def test_without_it_the_error_says_what_to_configure(self):
        failure = self.expect_failure(self.issue(code=FAILED), "account_problem", "external account binding",
                                      "set eab (kid and hmac_key) of the CA")
        self.assertEqual(failure["phase"], "account")

    def test_with_it_every_certificate_is_got_through_one_account(self):
        self.bind()
        self.host.want("other.test")
        self.assertEqual({run["outcome"] for run in self.issue().values()}, {"deployed"})
        self.host.want("later.example.test")
        self.assertEqual(self.issue("later.example.test")["outcome"], "deployed")
        self.assertEqual(self.count_registrations() - self.registrations, 1)

    def test_its_key_is_seen_nowhere(self):
        self.bind()
        process = self.host.start("-vv", "issue", "--all")
        with ProcessWatch(process.pid) as watch:
            done = self.host.finish(process)
        self.expect(done, DONE)
        self.assertTrue(any(" register " in command for command in watch.commands), "the registration was seen")
        seen = [text for text in (done.said, *watch.commands, *watch.environments) if self.eab["hmac_key"] in text]
        self.assertEqual(seen, [])
        self.assertEqual(self.files_with_key(), [])
        self.assertEqual(self.host.credentials_left(), [])

    def test_a_wrong_key(self):
        self.bind()
        self.give_key("d3Jvbmcga2V5IG9mIHRoZSByaWdodCBsZW5ndGggISEhISE")
        self.expect_failure(self.issue(code=FAILED), "account_problem")
        self.assertEqual(self.host.credentials_left(), [])
        self.give_key(self.eab["hmac_key"])
        self.assertEqual(self.issue()["outcome"], "deployed")

    def test_an_unknown_kid(self):
        self.bind(kid="nobody")
        self.expect_failure(self.issue(code=FAILED), "account_problem",
                            "the field 'kid' references a key that is not known",
                            "check the CA's email and eab settings")

    def test_a_key_file_that_is_not_there(self):
        self.bind(hmac_key={"file": "gone"})
        self.expect_failure(self.issue(code=FAILED), "account_problem", f"{self.host.directory}/gone: No such file")
        self.assertEqual(self.count_registrations(), self.registrations)

    def test_an_address_that_the_ca_does_not_take(self):
        self.bind()
        self.host.settings["email"] = "hostmaster"
        done = self.host.run("--json", "issue", "--all")
        self.assertIn(done.code, (FAILED, 3), str(done))
        self.assertRegex(done.said, "(?i)email|contact")


if __name__ == "__main__":
    unittest.main()
