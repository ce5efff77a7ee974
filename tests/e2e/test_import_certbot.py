"""Taking over from certbot: lineages of the real certbot, whole ones and broken ones, become configuration and
published certificates, and nothing is ordered."""

import datetime
import os
import pathlib
import re
import shutil
import subprocess
import unittest

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from e2e.harness import (CONFIGURATION, DONE, FAILED, HELD, IS_ROOT, PEM_FILES, SOME_FAILED, Case, domains_of,
                         serial_of, start_lab, wait_for)

NAMES = ["example.test", "rsa.example.test", "other.test"]


def setUpModule():
    Case.lab = lab = start_lab()
    Case.certbot_dir = pathlib.Path(lab.facts["directory"]) / "letsencrypt"
    certbot("example.test", "*.example.test", more=("--deploy-hook", "echo \"it's done\" >> /dev/null # so"))
    certbot("rsa.example.test", more=("--key-type", "rsa", "--rsa-key-size", "3072", "--reuse-key"))
    certbot("other.test", key="key-b", wait=3)
    certbot("broken.example.test")


def certbot(*domains, key="key-a", wait=1, more=(), home=None):
    lab, home = Case.lab, home or Case.certbot_dir
    command = ["/usr/bin/certbot", "certonly", "-n", "--agree-tos", "-m", "a@example.test", "--config-dir", home,
               "--work-dir", home.parent / "le-work", "--logs-dir", home.parent / "le-logs",
               "--server", lab.facts["acme"]["directory"], "-a", "dns-rfc2136", "--dns-rfc2136-credentials",
               lab.credentials(key), "--dns-rfc2136-propagation-seconds", str(wait), *more]
    for domain in domains:
        command += ["-d", domain]
    subprocess.run([str(word) for word in command], check=True, capture_output=True, timeout=90,
                   env={**os.environ, "REQUESTS_CA_BUNDLE": lab.facts["acme"]["ca_bundle"]})


class Import(Case):
    def setUp(self):
        super().setUp()
        self.host.settings["accounts"] = {}
        self.host.settings["include"] = ["conf.d/*.yaml"]
        self.directory = self.host.directory / "letsencrypt"
        # certbot's links in live/ are relative, so a copy is a whole one.
        shutil.copytree(self.certbot_dir, self.directory, symlinks=True)
        self.live = self.directory / "live"
        self.orders = self.lab.orders()
        self.file = self.host.directory / "conf.d" / "imported-certbot.yaml"

    def conf(self, name):
        return self.directory / "renewal" / f"{name}.conf"

    def edit(self, name, pattern, replacement):
        text, count = re.subn(pattern, replacement, self.conf(name).read_text(), flags=re.MULTILINE)
        self.assertEqual(count, 1, pattern)
        self.conf(name).write_text(text)

    def lineage(self, name, like="example.test"):
        """One more lineage, a copy of another."""
        self.conf(name).write_text(self.conf(like).read_text().replace(f"/{like}", f"/{name}"))
        shutil.copytree(self.live / like, self.live / name)

    def take(self, *arguments, code=DONE):
        done = self.expect(self.host.run("--json", "import", "certbot", self.directory, *arguments), code)
        told = done.json
        told["names"] = [one["name"] for one in told["certificates"]]
        told["reasons"] = {one["certificate"]: one["text"] for one in told["left_out"]}
        return told

    def test_looking_changes_nothing(self):
        done = self.expect(self.host.run("import", "certbot", self.directory), DONE)
        self.assertIn("certificates:", done.out)
        self.assertIn("- name: rsa.example.test", done.out)
        self.assertFalse(self.file.exists())
        self.assertFalse(self.host.state.exists())
        self.assertEqual(sorted(self.take()["names"]), sorted([*NAMES, "broken.example.test"]))

    def test_without_a_configuration_there_is_something_to_begin_with(self):
        self.host.write_config()
        self.host.config.unlink()
        done = subprocess.run([*self.host.command("import", "certbot", self.directory)], capture_output=True, text=True)
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertIn("cas:\n  localhost: {server: ", done.stdout)
        written = subprocess.run([*self.host.command("import", "certbot", self.directory, "--write")],
                                 capture_output=True, text=True)
        self.assertEqual(written.returncode, CONFIGURATION)

    def test_taken_over_without_an_order(self):
        shutil.rmtree(self.live / "broken.example.test")
        told = self.take("--write")
        self.assertEqual(sorted(told["names"]), sorted(NAMES))
        self.assertIn("broken.example.test", told["reasons"])
        self.assertTrue(told["included"])
        self.assertEqual([one["adopted"]["generation"] for one in told["certificates"]], [1, 1, 1])
        for name in NAMES:
            for file in PEM_FILES:
                self.assertEqual(self.host.pem(name, file), (self.live / name / file).read_text(), f"{name}/{file}")
            self.assertEqual((self.host.store / name / "privkey.pem").stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o644)

        self.expect(self.host.run("config", "check"), DONE)
        listed = self.expect(self.host.run("--json", "list"), DONE).json
        self.assertEqual(sorted(one["name"] for one in listed), sorted(NAMES))
        done = self.expect(self.host.issue(), DONE)
        self.assertEqual(set(done.runs.values()), {None}, str(done))
        self.assertEqual(self.lab.orders(), self.orders)

        entries = self.host.audit_entries()
        self.assertEqual([entry["action"] for entry in entries], ["import"] * 3)
        self.assertEqual({entry["generation"]["serial"] for entry in entries},
                         {serial_of(self.host.pem(name, "cert.pem")) for name in NAMES})
        self.expect(self.host.run("audit", "verify"), DONE)

    def test_what_was_taken_over_can_be_renewed(self):
        self.take("--write")
        run = self.issue("rsa.example.test", "--force")
        self.assertEqual(run["outcome"], "deployed", run)
        self.assertEqual(self.host.generation("rsa.example.test"), 2)
        self.assertEqual(domains_of(self.host.pem("rsa.example.test", "cert.pem")), ["rsa.example.test"])
        self.assertEqual(self.host.audit_entries()[-1]["action"], "renew")

    def test_what_the_entries_say(self):
        by_name = {one["name"]: one for one in self.take("--write")["certificates"]}
        self.assertEqual(by_name["example.test"]["domains"], domains_of(self.host.pem("example.test", "cert.pem")))
        text = self.file.read_text()
        self.assertIn("elliptic_curve: secp256r1", text)
        self.assertIn("key_type: rsa\n    rsa_key_size: 3072\n    reuse_key: true", text)
        self.assertIn("propagation_seconds: 3", text)
        self.assertIn(f"credentials_file: {self.lab.credentials('key-a')}", text)
        self.assertIn("zones: [example.test]", text)
        self.assertIn("zones: [other.test]", text)
        self.assertIn("ca: lab", text)
        self.assertNotIn("server:", text, "the CA is the configuration's")
        self.assertIn(r'command: [/bin/sh, "-c", "echo \"it' + "'s done" + r'\" >> /dev/null # so"]', text)
        self.assertIn("ACME account of certbot was not copied", text)

    def test_everything_that_cannot_go_over_is_told_and_stops_nothing(self):
        broken = {
            "web.example.test": "over HTTP",
            "hand.example.test": "'manual'",
            "unknown.example.test": "'dns-nobody' is not in the plugins-map",
            "nokey.example.test": "privkey.pem",
            "wrongkey.example.test": "privkey.pem is not the private key of cert.pem",
            "mess.example.test": "line ",
            "empty.example.test": "no [renewalparams]",
            "name with spaces": "cannot be the name of a certificate",
            "expired.example.test": "it expired at",
            "open.example.test": "open.ini",
            "nofile.example.test": "/nowhere/key.ini",
            "nocredentials.example.test": "names no credentials file",
            "eab.example.test": "external account binding",
            "plain.example.test": "not at an https URL",
            "example.test-0001": "same domains and kind of key as example.test",
        }
        for name in broken:
            self.lineage(name)
        self.edit("web.example.test", "^authenticator = .*", "authenticator = webroot")
        self.edit("hand.example.test", "^authenticator = .*", "authenticator = manual")
        self.edit("unknown.example.test", "^authenticator = .*", "authenticator = dns-nobody")
        (self.live / "nokey.example.test" / "privkey.pem").unlink()
        shutil.copy(self.live / "rsa.example.test" / "privkey.pem", self.live / "wrongkey.example.test" / "privkey.pem")
        self.conf("mess.example.test").write_text("[renewalparams\nthis is = \"no file of certbot\n")
        self.conf("empty.example.test").write_text("")
        self.expire("expired.example.test")
        opened = self.host.directory / "open.ini"
        shutil.copy(self.lab.credentials("key-a"), opened)
        opened.chmod(0o644)
        self.edit("open.example.test", "^(dns_rfc2136_credentials) = .*", rf"\1 = {opened}")
        self.edit("nofile.example.test", "^(dns_rfc2136_credentials) = .*", r"\1 = /nowhere/key.ini")
        self.edit("nocredentials.example.test", "^dns_rfc2136_credentials = .*\n", "")
        self.edit("eab.example.test", "^server = .*", "server = https://acme.zerossl.com/v2/DV90")
        self.edit("plain.example.test", "^server = .*", "server = http://ca.example/dir")

        told = self.take("--write")
        for name, words in broken.items():
            self.assertIn(words, told["reasons"].get(name, f"{name} is not left out"))
        self.assertEqual(len(told["left_out"]), len(broken), told["left_out"])
        self.assertEqual(sorted(told["names"]), sorted([*NAMES, "broken.example.test"]))
        self.expect(self.host.run("config", "check"), DONE)
        text = self.file.read_text()
        for name in broken:
            self.assertIn(f"# {name}: ", text)
        self.assertIn("#     - name: expired.example.test", text, "its entry is there to be taken in by hand")
        self.assertEqual(set(self.host.issue().runs.values()), {None})
        self.assertEqual(self.lab.orders(), self.orders)

    def expire(self, name):
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gone")])
        now = datetime.datetime.utcnow()
        certificate = (x509.CertificateBuilder().subject_name(issuer).issuer_name(issuer).public_key(key.public_key())
                       .serial_number(4711).not_valid_before(now - datetime.timedelta(days=90))
                       .not_valid_after(now - datetime.timedelta(days=1))
                       .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
                       .sign(key, hashes.SHA256()))
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        live = self.live / name
        for file in PEM_FILES:
            (live / file).unlink()
        (live / "cert.pem").write_bytes(pem)
        (live / "fullchain.pem").write_bytes(pem)
        (live / "chain.pem").write_bytes(b"")
        (live / "privkey.pem").write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))

    def test_what_is_known_but_not_carried_over_is_a_note(self):
        self.edit("example.test", "^(authenticator = .*)", r"\1\npre_hook = /bin/true\ninstaller = nginx\nfancy = 7")
        deploy = self.directory / "renewal-hooks" / "deploy"
        deploy.mkdir(parents=True, exist_ok=True)
        (deploy / "tell.sh").write_text("#!/bin/sh\n")
        (deploy / "tell.sh").chmod(0o755)
        (deploy / "README").write_text("not a hook\n")
        told = self.take("--write")
        notes = " | ".join(one["text"] for one in told["notes"] if one["certificate"] == "example.test")
        for words in ("pre_hook is not carried over", "installer 'nginx'", "the option fancy"):
            self.assertIn(words, notes)
        self.assertIn("# pre_hook is not carried over", self.file.read_text())
        self.assertIn(f"tell: {{command: [{deploy}/tell.sh]}}", self.file.read_text())
        self.assertIn("hooks: [tell]", self.file.read_text())

    def test_the_configurations_own_words_come_first(self):
        self.host.settings["accounts"] = {"mine": {"provider": "rfc2136", "zones": ["example.test"],
                                                   "credentials_file": self.lab.credentials("key-a")}}
        mine = self.host.want("rsa.example.test", account="mine", key_type="rsa", rsa_key_size=3072)
        told = self.take("--write")
        self.assertIn("account: mine", self.file.read_text())
        self.assertNotIn("name: rsa.example.test", self.file.read_text())
        self.assertEqual(self.host.generation(mine["domains"][0]), 1, "it is adopted all the same")
        configured = [one["name"] for one in told["certificates"] if one["configured"]]
        self.assertEqual(configured, ["rsa.example.test"])

    def test_a_second_import_overwrites_nothing(self):
        self.take("--write")
        before = self.file.read_text()
        again = self.take("--write")
        self.assertIsNone(again["file"], "there is nothing new to write")
        self.assertEqual({one["adopted"]["note"] for one in again["certificates"]}, {"is published already"})
        certbot("late.example.test")
        self.addCleanup(shutil.rmtree, self.certbot_dir / "live" / "late.example.test")
        self.addCleanup((self.certbot_dir / "renewal" / "late.example.test.conf").unlink)
        shutil.rmtree(self.directory)
        shutil.copytree(self.certbot_dir, self.directory, symlinks=True)
        refused = self.expect(self.host.run("import", "certbot", self.directory, "--write"), FAILED)
        self.assert_one_error(refused, "is there already")
        self.assertEqual(self.file.read_text(), before)

    def test_a_configuration_that_does_not_include_it(self):
        del self.host.settings["include"]
        told = self.take("--write")
        self.assertFalse(told["included"])
        self.assertEqual(self.host.generation("example.test"), 1)
        self.file.unlink()
        shutil.rmtree(self.host.state)
        done = self.expect(self.host.run("import", "certbot", self.directory, "--write"), DONE)
        self.assertIn("include: [conf.d/*.yaml]", done.err)

    def test_a_configured_name_that_means_something_else(self):
        self.host.settings["accounts"] = {"mine": {"provider": "rfc2136", "zones": ["example.test"],
                                                   "credentials_file": self.lab.credentials("key-a")}}
        self.host.want("x.example.test", name="other.test")
        told = self.take("--write", code=SOME_FAILED)
        by_name = {one["name"]: one["adopted"] for one in told["certificates"]}
        self.assertIn("lacks x.example.test", by_name["other.test"]["fault"])
        self.assertEqual((self.host.generation("other.test"), self.host.generation("example.test")), (0, 1))

    def test_two_files_that_do_not_go_together(self):
        self.conf("other.test").unlink()
        certbot("a.other.test", "b.other.test", key="key-b", home=self.directory)
        self.host.settings["accounts"] = {"mine": {"provider": "rfc2136", "zones": ["a.other.test"],
                                                   "credentials_file": self.lab.credentials("key-b")}}
        self.host.want("a.other.test", name="present")
        done = self.expect(self.host.run("import", "certbot", self.directory, "--write"), CONFIGURATION)
        self.assertIn("equally well", done.err)
        self.assertIn("was removed again", done.err)
        self.assertFalse(self.file.exists())
        self.assertEqual(self.host.generation("example.test"), 0)

    def test_no_directory_of_certbot(self):
        done = self.expect(self.host.run("import", "certbot", self.host.directory), FAILED)
        self.assert_one_error(done, "has no directory 'renewal'")

    @unittest.skipUnless(IS_ROOT, "only root can give files away")
    def test_what_root_took_over_belongs_to_the_services_user(self):
        self.host.state.mkdir(mode=0o700)
        os.chown(self.host.state, 65534, 65534)
        outside = self.host.directory / "outside"
        outside.write_text("root's own, with a second name below the state directory\n")
        os.link(outside, self.host.state / "planted")
        self.take("--write")
        for file in [*self.host.state.rglob("*"), self.host.audit]:
            owner = (file.lstat().st_uid, file.lstat().st_gid)
            self.assertEqual(owner, (0, 0) if file.name == "planted" else (65534, 65534), file)
        self.assertEqual(self.file.stat().st_uid, 0, "the configuration stays root's")

    def test_while_another_certherd_works(self):
        self.host.want("slow.example.test", propagation_seconds=30)
        self.host.settings["accounts"] = {"mine": {"provider": "rfc2136", "zones": ["slow.example.test"],
                                                   "credentials_file": self.lab.credentials("key-a")}}
        process = self.host.start("issue", "--all")
        wait_for((self.host.state / "lock").exists, "the state directory is taken")
        try:
            done = wait_for(lambda: (done := self.host.run("import", "certbot", self.directory, "--write"))
                            if process.poll() is None else None, "an import while it works")
            self.expect(done, HELD)
            self.assertIn("systemctl stop certherd", done.err)
            self.expect(self.host.run("import", "certbot", self.directory), DONE)
            self.assertFalse(self.file.exists())
        finally:
            process.terminate()
            self.host.finish(process)


if __name__ == "__main__":
    unittest.main()
