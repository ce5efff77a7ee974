"""Trust anchors looked up in a directory instead of loaded: the same are trusted, and nobody else."""

import json
import os
import re
import socket
import ssl
import subprocess
import threading
import unittest
from pathlib import Path
from urllib.parse import urlsplit

from e2e.harness import DONE, FAILED, Case, openssl, start_lab
from e2e.serving import ServiceCase
from e2e.warm import HOST_PROGRAM, PYTHON, HostProcess, StandIn

LAUNCHER = HOST_PROGRAM.with_name("launcher.py")

# Loads what it is told to load, says what OpenSSL then holds, and speaks TLS to two servers.
CONNECT = r"""
import json, os, socket, ssl, sys
def greet(context, port):
    try:
        with socket.create_connection(("localhost", port)) as plain, context.wrap_socket(plain, server_hostname="localhost"):
            return "trusted"
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    told = json.loads(sys.argv[1])
    context.load_verify_locations(*told["positional"], **told["named"])
    loaded = len(context.get_ca_certs())
    print(json.dumps({"loaded": loaded, "greeted": [greet(context, port) for port in told["ports"]],
                      "then": len(context.get_ca_certs()),
                      "told": [name for name in os.environ if name.startswith("CERTHERD")]}))
"""


def setUpModule():
    Case.lab = start_lab()


class Stranger:
    """A TLS server with a certificate of its own."""

    def __init__(self, directory):
        self.certificate, key = directory / "stranger.pem", directory / "stranger.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out",
                        self.certificate], check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            try:
                self.context.wrap_socket(connection, server_side=True).close()
            except OSError:  # it is not trusted
                connection.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class LookedUp(Case):
    """The launcher and the host's children, told what certherd tells them."""

    def setUp(self):
        super().setUp()
        home = self.host.directory
        self.certbot = StandIn(home)
        self.certbot.behave(CONNECT)
        self.stranger = Stranger(home)
        self.addCleanup(self.stranger.close)
        self.ports = [urlsplit(self.lab.facts["acme"]["directory"]).port, self.stranger.port]
        self.bundle = home / "bundle.pem"
        own = Path(self.lab.facts["acme"]["ca_bundle"]).read_text()
        self.bundle.write_text(own)
        # Another that serves as well, and the directory of the bundle.
        self.copy = home / "copy.pem"
        self.copy.write_text(own)
        self.anchors = home / "anchors"
        self.anchors.mkdir()
        name = openssl("x509", "-noout", "-subject_hash", "-in", self.bundle).strip() + ".0"
        (self.anchors / name).write_text(own)

    def connect(self, *positional, told=None, **named):
        """What both print."""
        argument = json.dumps({"positional": positional, "named": named, "ports": self.ports}, default=str)
        told = json.dumps({str(self.bundle): str(self.anchors)}) if told is None else told
        variables = {"CERTHERD_ANCHORS": told}
        launched = subprocess.run([PYTHON, LAUNCHER, self.certbot.script, argument], capture_output=True, text=True,
                                  env={"PATH": os.environ["PATH"], **variables})
        with HostProcess(self.certbot.script) as host:
            code, printed, _ = host.run(argument, environment=variables)
        self.assertEqual((launched.returncode, launched.stdout), (code, printed), launched.stderr)
        self.assertEqual(code, 0, printed)
        return json.loads(printed)

    def expect_greeted(self, seen, loaded, then):
        self.assertEqual(seen["greeted"][0], "trusted")
        self.assertRegex(seen["greeted"][1], "self.signed certificate")
        self.assertEqual((seen["loaded"], seen["then"]), (loaded, then))
        self.assertEqual(seen["told"], [])

    def test_the_bundle_is_not_loaded_and_trusted_all_the_same(self):
        self.expect_greeted(self.connect(self.bundle), 0, 1)
        self.expect_greeted(self.connect(cafile=self.bundle), 0, 1)

    def test_another_file_is_loaded(self):
        self.expect_greeted(self.connect(self.copy), 1, 1)

    def test_what_is_given_besides_counts_too(self):
        empty = self.host.directory / "empty"
        empty.mkdir()
        self.expect_greeted(self.connect(self.bundle, empty, None), 0, 1)
        seen = self.connect(self.bundle, None, self.stranger.certificate.read_text())
        self.assertEqual(seen["greeted"], ["trusted", "trusted"])

    def test_a_directory_that_says_less_is_believed(self):
        """So the others do look there."""
        for file in self.anchors.iterdir():
            file.unlink()
        seen = self.connect(self.bundle)
        self.assertRegex(seen["greeted"][0], "unable to get local issuer")

    def test_told_nonsense_certbot_is_as_it_is(self):
        for told in ("no JSON", '["a"]', "{}"):
            self.expect_greeted(self.connect(self.bundle, told=told), 1, 1)


class RealCertbot(ServiceCase):
    def setUp(self):
        super().setUp()
        self.host.settings["certbot"] = {"engine": "warm"}
        self.host.want("example.test")
        self.trust = self.host.state / "trust"

    def directories(self):
        return sorted(self.trust.glob("anchors-*"))

    def of_the_lab(self, directory):
        """The files of the Lab's own anchor in a directory."""
        own = openssl("x509", "-noout", "-fingerprint", "-in", self.lab.facts["acme"]["ca_bundle"])
        return [file for file in directory.iterdir() if openssl("x509", "-noout", "-fingerprint", "-in", file) == own]

    def test_takes_the_directory(self):
        process = self.serve()
        self.assertEqual(self.issue("example.test", "--force")["outcome"], "deployed")
        bundle = (self.trust / "lab.pem").read_text()
        (directory,) = [one for one in self.directories() if self.of_the_lab(one)]
        self.assertEqual(len(list(directory.iterdir())), bundle.count("-----BEGIN CERTIFICATE-----"))
        self.assertEqual([file for file in directory.iterdir() if not re.fullmatch(r"[0-9a-f]{8}\.\d+", file.name)], [])
        self.assertEqual(directory.stat().st_mode & 0o777, 0o700)

        for file in self.of_the_lab(directory):  # proves that certbot looks here: the service has looked at it
            file.unlink()
        failure = self.expect_failure(self.issue("example.test", "--force", code=FAILED), "ca_unavailable")
        self.assertIn("CERTIFICATE_VERIFY_FAILED", failure["error"])

        self.stop(process)
        self.assertEqual(self.issue("example.test", "--force")["outcome"], "deployed", "it is made again")
        self.assertTrue(self.of_the_lab(directory))

    def test_a_bundle_that_has_changed(self):
        own = self.host.directory / "own.pem"
        stranger = Stranger(self.host.directory)
        self.addCleanup(stranger.close)
        own.write_text(Path(self.lab.facts["acme"]["ca_bundle"]).read_text())
        self.host.settings["cas"]["lab"]["ca_bundle"] = str(own)
        self.assertEqual(self.issue()["outcome"], "deployed")
        before = self.directories()
        own.write_text(own.read_text() + stranger.certificate.read_text())
        self.assertEqual(self.issue("example.test", "--force")["outcome"], "deployed")
        (new,) = set(self.directories()) - set(before)
        self.assertEqual(len(list(new.iterdir())), (self.trust / "lab.pem").read_text().count("-----BEGIN CERTIFICATE-----"))
        own.write_text(stranger.certificate.read_text())
        failure = self.expect_failure(self.issue("example.test", "--force", code=FAILED), "ca_unavailable")
        self.assertIn("CERTIFICATE_VERIFY_FAILED", failure["error"])

    def test_a_directory_that_cannot_be_made(self):
        self.assertEqual(self.issue()["outcome"], "deployed")
        for directory in self.directories():
            for file in directory.iterdir():
                file.unlink()
            directory.rmdir()
            directory.write_text("in the way")
        done = self.expect(self.host.run("-vv", "issue", "--force", "--all"), DONE)
        self.assertIn(f"certbot is to load {self.trust}/lab.pem whole: cannot create ", done.err)


if __name__ == "__main__":
    unittest.main()
