"""What goes wrong between certherd, the DNS provider, the CA and certbot: one clear error each, and nothing is lost."""

import socket
import unittest

from e2e.harness import CONFIGURATION, FAILED, Case, start_lab

OTHER_SECRET = "bm90IHRoZSBzZWNyZXQgb2YgdGhpcyBrZXk="


def setUpModule():
    Case.lab = start_lab()


class FailureCase(Case):
    """Each test has one certificate, got before the fault comes, so that there is something to lose."""

    def fail_once(self, name="example.test", *, forced=True, **start):
        run = self.issue(*(["--force"] if forced else []), name, code=FAILED, **start)
        self.assertEqual(self.host.credentials_left(), [])
        self.assertEqual(self.host.audit_entries()[-1]["outcome"], "failed")
        return run


class Provider(FailureCase):
    def setUp(self):
        super().setUp()
        self.orders = self.lab.orders()

    def test_a_wrong_secret(self):
        self.host.settings["accounts"]["a"] = {"provider": "rfc2136", "zones": ["example.test"],
                                               "credentials": self.host.credentials(dns_rfc2136_secret=OTHER_SECRET)}
        self.host.want("example.test")
        failure = self.expect_failure(self.fail_once(), "provider_auth", "signature", "TSIG key")
        self.assertEqual(failure["phase"], "provision")
        self.assertEqual(self.host.files_with(OTHER_SECRET), [])

    def test_a_key_that_the_server_does_not_know(self):
        self.host.settings["accounts"]["a"] = {"provider": "rfc2136", "zones": ["example.test"],
                                               "credentials": self.host.credentials(dns_rfc2136_name="nobodys-key")}
        self.host.want("example.test")
        self.expect_failure(self.fail_once(), "provider_auth", "does not know this TSIG key")

    def test_a_zone_outside_of_the_keys_scope(self):
        self.host.settings["accounts"]["b"]["credentials_file"] = self.lab.credentials("key-a")
        self.host.want("www.other.test")
        self.expect_failure(self.fail_once("www.other.test"), "provider_scope", "REFUSED",
                            "must grant it _acme-challenge.www.other.test")

    def test_a_zone_that_the_server_does_not_have(self):
        self.host.settings["accounts"]["c"] = {**self.host.settings["accounts"]["a"], "zones": ["elsewhere.test"]}
        self.host.want("www.elsewhere.test")
        self.expect_failure(self.fail_once("www.elsewhere.test"), "provider_scope", "www.elsewhere.test")

    def test_a_server_that_does_not_answer(self):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            self.host.settings["accounts"]["a"] = {
                "provider": "rfc2136", "zones": ["example.test"],
                "credentials": self.host.credentials(dns_rfc2136_port=str(nobody.getsockname()[1]))}
            self.host.want("example.test")
            self.host.settings["certbot"] = {"timeout": "5s"}  # the plugin itself waits 45 s for each label
            failure = self.expect_failure(self.fail_once(), "certbot_timeout", "took too long")
            self.assertEqual(failure["phase"], "provision")

    def test_a_secret_that_is_not_base64(self):
        self.host.settings["accounts"]["a"] = {"provider": "rfc2136", "zones": ["example.test"],
                                               "credentials": self.host.credentials(dns_rfc2136_secret="abc")}
        self.host.want("example.test")
        self.expect_failure(self.fail_once(), "credentials_file", "Base64")

    def test_a_missing_credentials_file_is_found_before_an_order_is_made(self):
        self.host.settings["accounts"]["a"]["credentials_file"] = "gone.ini"
        self.host.want("example.test")
        self.expect_failure(self.fail_once(), "credentials_file", str(self.host.directory / "gone.ini"), "No such file")
        self.assertEqual(self.lab.orders(), self.orders)

    def test_a_missing_key_is_found_before_an_order_is_made(self):
        credentials = self.host.credentials()
        del credentials["dns_rfc2136_secret"]
        self.host.settings["accounts"]["a"] = {"provider": "rfc2136", "zones": ["example.test"],
                                               "credentials": credentials}
        self.host.want("example.test")
        self.expect_failure(self.fail_once(), "credentials_file", "dns_rfc2136_secret")
        self.assertEqual(self.lab.orders(), self.orders)


class Ca(FailureCase):
    def setUp(self):
        super().setUp()
        self.ca = self.host.settings["cas"]["lab"]

    def got_before(self):
        self.host.want("example.test")
        self.issue()

    def assert_nothing_lost(self):
        self.assertEqual(self.host.generation("example.test"), 1)

    def test_nothing_listens(self):
        self.got_before()
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            self.ca["server"] = f"https://localhost:{nobody.getsockname()[1]}/dir"
            failure = self.expect_failure(self.fail_once(), "ca_unavailable", "Connection refused", "nothing listens")
        self.assertEqual(failure["phase"], "account")
        self.assert_nothing_lost()

    def test_a_name_that_does_not_exist(self):
        self.got_before()
        self.ca["server"] = "https://no-such-ca.invalid/dir"
        failure = self.expect_failure(self.fail_once(), "ca_unavailable", "no-such-ca.invalid")
        self.assertRegex(failure["fix"], "does not exist|resolver does not answer")

    def test_a_ca_that_hangs_is_left_when_the_time_is_over(self):
        self.got_before()
        self.host.settings["certbot"] = {"timeout": "4s", "grace": "2s"}
        self.lab.pause("ca")
        try:
            failure = self.expect_failure(self.fail_once(), "certbot_timeout", "took too long", "account")
        finally:
            self.lab.resume("ca")
        self.assertEqual(failure["phase"], "account")
        self.assert_nothing_lost()
        del self.host.settings["certbot"]  # the patience that a busy machine needs
        self.assertEqual(self.issue("--force", "example.test")["generation"]["number"], 2)

    def test_a_ca_that_hangs_at_the_first_contact(self):
        self.host.want("example.test")
        self.host.settings["certbot"] = {"timeout": "4s", "grace": "2s"}
        self.lab.pause("ca")
        try:
            self.expect_failure(self.fail_once(forced=False), "certbot_timeout", "took too long")
        finally:
            self.lab.resume("ca")
        del self.host.settings["certbot"]  # the patience that a busy machine needs
        self.assertEqual(self.issue()["outcome"], "deployed")

    def test_a_bundle_of_another_ca(self):
        self.got_before()
        self.ca["ca_bundle"] = self.lab.facts["acme"]["roots"][0]
        self.expect_failure(self.fail_once(), "ca_unavailable", "CERTIFICATE_VERIFY_FAILED", "set ca_bundle")
        self.assert_nothing_lost()

    def test_a_bundle_that_is_not_there(self):
        self.got_before()
        self.ca["ca_bundle"] = "gone.pem"
        orders = self.lab.orders()
        self.expect_failure(self.fail_once(), "ca_unavailable", str(self.host.directory / "gone.pem"), "No such file")
        self.assertEqual(self.lab.orders(), orders)
        self.assert_nothing_lost()

    def test_a_bundle_without_a_certificate(self):
        self.got_before()
        (self.host.directory / "empty.pem").write_text("# nothing yet\n")
        self.ca["ca_bundle"] = "empty.pem"
        self.expect_failure(self.fail_once(), "ca_unavailable", "empty.pem", "holds no PEM certificate")

    def test_an_address_where_no_acme_directory_is(self):
        self.got_before()
        for path in ("/roots/0", "/nothing/here"):
            with self.subTest(path=path):
                self.ca["server"] = self.lab.facts["acme"]["management"] + path
                self.expect_failure(self.fail_once(), "ca_unavailable", "is not an ACME directory: check 'server'")
        self.assert_nothing_lost()

    def test_a_domain_that_the_ca_refuses(self):
        self.host.settings["accounts"]["z"] = {"provider": "rfc2136", "zones": ["blocked.test"],
                                               "credentials_file": self.lab.credentials("key-z")}
        self.host.want("blocked.test")
        failure = self.expect_failure(self.fail_once("blocked.test"), "ca_rejected")
        self.assertEqual(failure["problem_type"], "urn:ietf:params:acme:error:rejectedIdentifier")
        self.assertIn("blocked.test", failure["problem_detail"])


class Certbot(FailureCase):
    """The certbot that the configuration names is not what it should be."""

    def run_with(self, certbot, *words):
        self.host.settings["certbot"] = {"path": str(certbot)}
        self.host.want("example.test")
        done = self.expect(self.host.run("issue", "example.test"), FAILED)
        self.assertIn("plugin_missing in phase preflight", done.out)
        self.assertEqual(len([line for line in done.out.splitlines() if line.startswith("  error ")]), 1, str(done))
        self.assert_words(done, done.out, *words)

    def script(self, text, mode=0o755):
        file = self.host.directory / "certbot"
        file.write_text(text)
        file.chmod(mode)
        return file

    def test_missing(self):
        self.run_with("/nowhere/certbot", "/nowhere/certbot is not there", "apt install certbot")

    def test_not_executable(self):
        self.run_with(self.script("#!/bin/sh\n", 0o644), "is not an executable file")

    def test_a_directory(self):
        self.run_with(self.host.directory, "is not an executable file")

    def test_something_else_that_says_nothing(self):
        self.run_with(self.script("#!/bin/sh\nexit 0\n"), "does not answer as certbot does", "printed nothing")

    def test_a_script_whose_interpreter_is_gone(self):
        self.run_with(self.script("#!/nowhere/python3\n"), "interpreter that is not there", "install it again")

    def test_a_plugin_that_is_not_installed(self):
        own_map = self.host.directory / "plugins-map"
        own_map.mkdir()
        (own_map / "house.yaml").write_text(
            "title: the house's own DNS\nauthenticator: dns-house\npypi_package: certbot-dns-house\n"
            "credentials: {kind: none}\npropagation: {default_seconds: 0}\nconfidence: high\n")
        self.host.want("example.test", dns_provider="house")
        orders = self.lab.orders()
        run = self.fail_once(forced=False)
        self.expect_failure(run, "plugin_missing", "no plugin 'dns-house'", "install the package certbot-dns-house")
        self.assertEqual(self.lab.orders(), orders)


class Domains(Case):
    """Names at the edge of what can be certified."""

    def refused(self, words, *domains):
        self.host.want(*domains)
        done = self.expect(self.host.run("issue", "--all"), CONFIGURATION)
        self.assertIn(words, done.err)
        self.assertRegex(done.err, r"certherd\.yaml:\d+:\d+: ")
        self.assertIn("the configuration has 1 fault; nothing was done", done.err)
        self.assertFalse(self.host.state.exists())

    def test_unicode_is_refused_with_the_way_to_write_it(self):
        self.refused("xn--", "bücher.example.test")

    def test_its_a_label_form_works(self):
        self.host.want("xn--bcher-kva.example.test")
        self.assertEqual(self.issue()["outcome"], "deployed")

    def test_an_underscore_is_refused(self):
        self.refused("underscore", "my_host.example.test")

    def test_a_domain_listed_twice_is_refused(self):
        self.refused("stands twice", "example.test", "Example.test.")

    def test_a_wildcard_of_a_wildcard_is_refused(self):
        self.refused("'*' that is not its whole first label", "*.*.example.test")

    def test_a_name_of_253_characters_is_too_long_for_its_challenge(self):
        name = ".".join(["a" * 60] * 3 + ["b" * 57, "example.test"])
        self.assertEqual(len(name), 253)
        self.refused("too long", name)

    def test_the_longest_name_that_can_be_validated_works(self):
        name = ".".join(["a" * 60, "b" * 60, "c" * 60, "d" * 41, "example.test"])
        self.assertEqual(len(name), 237)
        self.host.want(name)
        self.assertEqual(self.issue()["outcome"], "deployed")
        self.assertTrue((self.host.store / name / "privkey.pem").exists())

    def test_a_hundred_names_in_one_certificate(self):
        self.host.want(*(f"n{number}.example.test" for number in range(100)), name="many")
        run = self.issue(timeout=240)
        self.assertEqual((run["outcome"], len(run["generation"]["certificate"]["domains"])), ("deployed", 100))


if __name__ == "__main__":
    unittest.main()
