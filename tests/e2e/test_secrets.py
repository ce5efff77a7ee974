"""Secrets reach certbot whole, whatever characters they have, and appear nowhere else."""

import os
import stat
import unittest

from e2e.harness import DONE, FAILED, Case, ProcessWatch, start_lab, wait_for


def setUpModule():
    Case.lab = start_lab()


class SecretCase(Case):
    def setUp(self):
        super().setUp()
        # Characters that Base64 does not know are skipped when the plugin decodes the secret, so it still is the key's,
        # provided that every one of them came through: an unquoted ',' makes a list, a '#' ends the value.
        plain = self.lab.facts["keys"]["key-a"]["secret"]
        self.secret = plain[:9] + ", # \" ' % %( ; $ \\ \u00e9 ''' " + plain[9:]
        self.needles = [self.secret, plain, plain[9:]]
        self.secret_file = self.host.directory / "tsig.secret"

    def use(self, **credentials):
        self.host.settings["accounts"]["a"] = {"provider": "rfc2136", "zones": ["example.test"],
                                               "credentials": self.host.credentials(**credentials)}

    def use_file(self, content):
        self.secret_file.write_text(content, encoding="utf-8")
        self.secret_file.chmod(0o600)
        self.use(dns_rfc2136_secret={"file": "tsig.secret"})

    def found(self):
        """Where the secret lies, but for the file in which it was given."""
        return [file for needle in self.needles for file in self.host.files_with(needle)
                if not file.startswith((str(self.secret_file), str(self.host.directory / "systemd")))]


class Sources(SecretCase):
    def test_a_value_in_the_configuration(self):
        self.use(dns_rfc2136_secret=self.secret)
        self.host.want("example.test")
        self.assertEqual(self.issue()["outcome"], "deployed")
        self.assertEqual(self.found(), [])

    def test_a_file_with_a_newline_at_its_end(self):
        self.use_file(self.secret + "\n")
        self.host.want("example.test")
        self.assertEqual(self.issue()["outcome"], "deployed")
        self.assertEqual(self.found(), [])

    def test_an_environment_variable(self):
        self.use(dns_rfc2136_secret={"env": "TEST_TSIG_SECRET"})
        self.host.want("example.test")
        self.assertEqual(self.issue(environment={"TEST_TSIG_SECRET": self.secret})["outcome"], "deployed")
        self.assertEqual(self.found(), [])

    def test_a_systemd_credential(self):
        directory = self.host.directory / "systemd"
        directory.mkdir()
        (directory / "tsig").write_text(self.secret, encoding="utf-8")
        (directory / "tsig").chmod(0o400)
        self.use(dns_rfc2136_secret={"systemd_credential": "tsig"})
        self.host.want("example.test")
        self.assertEqual(self.issue(environment={"CREDENTIALS_DIRECTORY": str(directory)})["outcome"], "deployed")
        self.assertEqual(self.found(), [])

    def test_a_rotated_secret_is_picked_up(self):
        self.use_file("bm90IHRoZSBzZWNyZXQgb2YgdGhpcyBrZXk=")
        self.host.want("example.test")
        self.expect_failure(self.issue(code=FAILED), "provider_auth")
        self.secret_file.write_text(self.secret, encoding="utf-8")
        self.assertEqual(self.issue()["outcome"], "deployed")

    def test_each_source_that_gives_nothing_is_named(self):
        for source, words in (({"file": "gone"}, "gone: No such file"),
                              ({"env": "NOT_SET_AT_ALL"}, "NOT_SET_AT_ALL is not set"),
                              ({"systemd_credential": "tsig"}, "CREDENTIALS_DIRECTORY is not set")):
            with self.subTest(source=source):
                self.use(dns_rfc2136_secret=source)
                self.host.settings["certificates"].clear()
                self.host.want("example.test")
                self.expect_failure(self.issue(code=FAILED), "credentials_file", words)

    def test_a_secret_that_everybody_can_read_is_refused(self):
        self.use_file(self.secret)
        self.secret_file.chmod(0o644)
        self.host.want("example.test")
        self.expect_failure(self.issue(code=FAILED), "credentials_file", "is open to every user of this host",
                            "chmod 600")


class Nowhere(SecretCase):
    def test_in_arguments_environments_output_or_files(self):
        self.use_file(self.secret)
        self.host.want("example.test", "*.example.test", propagation_seconds=1)
        process = self.host.start("-vv", "issue", "--all")
        with ProcessWatch(process.pid) as watch:
            done = self.host.finish(process)
        self.expect(done, DONE)
        self.assertTrue(any("certonly" in command for command in watch.commands), "certbot was seen at work")
        self.assertIn("certbot: ", done.out, "its own output was shown")
        for needle in self.needles:
            self.assertNotIn(needle, done.said)
            self.assertEqual([command for command in watch.commands if needle in command], [])
            self.assertEqual([variables for variables in watch.environments if needle in variables], [])
        self.assertEqual(self.found(), [])

    def test_the_credentials_file_is_private_while_certbot_works_and_gone_afterwards(self):
        self.use_file(self.secret)
        self.host.want("example.test", propagation_seconds=2)
        process = self.host.start("issue", "--all")
        name, = wait_for(self.host.credentials_left, "the credentials file is there")
        directory = self.host.runtime / "credentials"
        self.assertEqual(oct(stat.S_IMODE(os.stat(directory).st_mode)), "0o700")
        self.assertEqual(oct(stat.S_IMODE(os.stat(directory / name).st_mode)), "0o600")
        self.expect(self.host.finish(process), DONE)
        self.assertEqual(self.host.credentials_left(), [])

    def test_when_certbot_fails_with_the_secret_in_its_hands(self):
        self.use_file(self.secret)
        self.host.settings["accounts"]["a"]["credentials"]["dns_rfc2136_name"] = "nobodys-key"
        self.host.want("example.test")
        done = self.expect(self.host.run("-vv", "issue", "--all"), FAILED)
        for needle in self.needles:
            self.assertNotIn(needle, done.said)
        self.assertEqual(self.found(), [])
        self.assertEqual(self.host.credentials_left(), [])


if __name__ == "__main__":
    unittest.main()
