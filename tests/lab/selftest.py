#!/usr/bin/python3
"""The Lab tested with the real certbot: python3 tests/lab/selftest.py"""

import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab import Lab, LabError  # noqa: E402

COMMAND = str(Path(__file__).resolve().parent / "lab")


def certbot(lab: Lab, home: Path, *domains: str, key: str = "key-a", wait: int = 1, extra=()) -> tuple[int, str]:
    """One run of certbot; its exit code, and everything it said and logged."""
    command = ["/usr/bin/certbot", "certonly", "--non-interactive", "--agree-tos", "--email", "a@example.test",
               "--config-dir", home / "config", "--work-dir", home / "work", "--logs-dir", home / "logs",
               "--server", lab.facts["acme"]["directory"], "--cert-name", "lab", "--authenticator", "dns-rfc2136",
               "--dns-rfc2136-credentials", lab.credentials(key), "--dns-rfc2136-propagation-seconds", str(wait), *extra]
    for domain in domains:
        command += ["-d", domain]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=90,
                          env={**os.environ, "REQUESTS_CA_BUNDLE": lab.facts["acme"]["ca_bundle"]})
    log = home / "logs" / "letsencrypt.log"
    return done.returncode, done.stdout + done.stderr + (log.read_text() if log.exists() else "")


def processes_in(directory: Path) -> list[str]:
    """Every process that works in the directory: the Lab's parts do, whatever they call themselves."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(directory) in os.readlink(entry / "cwd"):
                found.append(f"{entry.name} {(entry / 'comm').read_text().strip()}")
        except OSError:
            pass  # gone meanwhile, or somebody else's
    return found


class Home(unittest.TestCase):
    def setUp(self):
        self.home = Path(tempfile.mkdtemp(prefix="certherd-lab-selftest-"))
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)


class TwoLabsAtOnce(Home):
    """`plain` is a Lab as it comes; `special` has all that can be chosen."""

    @classmethod
    def setUpClass(cls):
        cls.plain = Lab()
        cls.special = Lab(eab=True, zones=2, ca_dns="secondary", certificate_lifetime="2h", chain_length=2,
                          alternate_roots=1)
        for lab in (cls.plain, cls.special):
            cls.addClassCleanup(lab.stop)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(Lab.start, (cls.plain, cls.special)))

    def tearDown(self):
        self.plain.set_lag(0)
        self.special.set_lag(0)

    def test_they_share_nothing(self):
        self.assertNotEqual(self.plain.facts["dns"]["port"], self.special.facts["dns"]["port"])
        self.plain.add("only.example.test", "TXT", "here")
        self.assertEqual(self.special.txt("only.example.test"), [])

    def test_apex_and_wildcard_in_one_order(self):
        before = self.plain.orders()
        code, said = certbot(self.plain, self.home, "example.test", "*.example.test", wait=2)
        self.assertEqual(code, 0, said)
        self.assertEqual(self.plain.orders(), before + 1)
        self.assertGreaterEqual(self.plain.ca_requests()["POST /order-plz"], 1)
        live = self.home / "config" / "live" / "lab"
        subprocess.run(["openssl", "verify", "-CAfile", self.plain.facts["acme"]["roots"][0], "-untrusted",
                        live / "chain.pem", live / "cert.pem"], check=True, capture_output=True)
        self.assertEqual(self.plain.txt("_acme-challenge.example.test"), [], "certbot removes its records")

    def test_lag_holds_for_each_change(self):
        name = "_acme-challenge.lag.example.test"
        self.plain.set_lag(3)
        begin = time.monotonic()
        self.plain.add(name, "TXT", "first")
        self.assertEqual(self.plain.txt(name), ["first"])
        time.sleep(1.5)  # the second change is made while the first is under way
        self.plain.add(name, "TXT", "second")
        self.plain.wait_txt(name, "first", server="secondary")
        self.assertEqual(self.plain.txt(name, "secondary"), ["first"])
        self.assertGreater(time.monotonic() - begin, 2.5)
        self.plain.wait_txt(name, "second", server="secondary")
        self.assertGreater(time.monotonic() - begin, 4)
        self.assertLess(time.monotonic() - begin, 10)

    def test_lag_zero_lets_all_through_at_once(self):
        self.plain.set_lag(600)
        self.plain.add("waiting.example.test", "TXT", "v")
        with self.assertRaises(LabError):
            self.plain.wait_txt("waiting.example.test", "v", server="secondary", timeout=0.5)
        self.plain.set_lag(0)
        self.plain.wait_txt("waiting.example.test", "v", server="secondary")

    def test_a_key_updates_its_own_zone_only(self):
        for key, own, foreign in (("key-a", "example.test", "other.test"), ("key-b", "other.test", "example.test")):
            self.plain.add(f"scope.{own}", "TXT", key, key=key)
            with self.assertRaisesRegex(LabError, "REFUSED"):
                self.plain.add(f"scope.{foreign}", "TXT", key, key=key)
        self.special.add("scope.z2.test", "TXT", "v", key="key-z")
        self.plain.remove("scope.example.test", "TXT")
        self.assertEqual(self.plain.txt("scope.example.test"), [])

    def test_certbot_with_the_wrong_key(self):
        code, said = certbot(self.plain, self.home, "other.test", key="key-a")
        self.assertEqual(code, 1, said)
        self.assertIn("REFUSED", said)

    def test_cnames(self):
        names = self.plain.facts["names"]
        for server in ("primary", "secondary"):
            self.assertEqual(self.plain.dig("_acme-challenge." + names["delegated"], "CNAME", server),
                             [names["delegated_target"] + "."])
            loop = self.plain.dig("_acme-challenge." + names["cname_loop"], "TXT", server)
            self.assertIn("_acme-challenge." + names["cname_loop"] + ".", loop)
            for nowhere in ("cname_nowhere", "cname_outside"):
                self.assertEqual(self.plain.dig("_acme-challenge." + names[nowhere], "TXT", server),
                                 [names[nowhere + "_target"] + "."])
            self.assertIn('0 issue "another-ca.test"', self.plain.dig(names["caa_locked"], "CAA", server))
        self.plain.add(names["delegated_target"], "TXT", "over there", key="key-b")
        for server in ("primary", "secondary"):
            self.plain.wait_txt("_acme-challenge." + names["delegated"], "over there", server)

    def test_both_servers_are_in_the_ns_records(self):
        for zone in self.special.facts["zones"]:
            for server in ("primary", "secondary"):
                hosts = self.special.dig(zone, "NS", server)
                addresses = sorted(address for host in hosts for address in self.special.dig(host, "A", server))
                self.assertEqual(addresses, ["127.0.0.1", "127.0.0.2"], zone)

    def test_the_ca_refuses_a_blocked_name(self):
        code, said = certbot(self.plain, self.home, self.plain.facts["names"]["blocked"], key="key-z")
        self.assertEqual(code, 1)
        self.assertIn("urn:ietf:params:acme:error:rejectedIdentifier", said)

    def test_eab_and_a_ca_that_asks_the_secondary(self):
        code, said = certbot(self.special, self.home, "www.example.test")
        self.assertEqual(code, 1)
        self.assertIn("external account binding", said)

        eab = self.special.facts["acme"]["eab"]
        # One word: one key in 64 begins with a dash.
        binding = ("--eab-kid", eab["kid"], f"--eab-hmac-key={eab['hmac_key']}")
        code, said = certbot(self.special, self.home, "www.example.test", extra=binding)
        self.assertEqual(code, 0, said)
        chain = (self.home / "config" / "live" / "lab" / "chain.pem").read_text()
        self.assertEqual(chain.count("BEGIN CERTIFICATE"), 2)
        self.assertEqual(len(self.special.facts["acme"]["roots"]), 2)

        self.special.set_lag(600)
        code, said = certbot(self.special, self.home, "www.example.test", extra=("--force-renewal",))
        self.assertEqual(code, 1)
        self.assertIn("urn:ietf:params:acme:error:unauthorized", said)

    def test_a_paused_server_is_silent(self):
        self.plain.pause("secondary")
        self.assertEqual(self.plain.status()["parts"]["secondary"]["state"], "paused")
        with self.assertRaises(LabError):
            self.plain.dig("example.test", server="secondary")
        self.plain.resume("secondary")
        self.assertEqual(self.plain.dig("example.test", server="secondary"), ["127.0.0.1"])


class LifeAndDeath(Home):
    def lab(self, *arguments, **kwargs) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, COMMAND, *map(str, arguments)], capture_output=True, text=True,
                              timeout=60, **kwargs)

    def test_commands(self):
        started = self.lab("start", "--dir", self.home, "--lag", "5")
        self.assertEqual((started.returncode, started.stdout), (0, f"{self.home}\n"), started.stderr)
        self.addCleanup(self.lab, "stop", self.home)
        self.assertIn(f"a Lab runs in {self.home} already", self.lab("start", "--dir", self.home).stderr)
        self.assertEqual(self.lab("set", self.home, "--lag", "0.5").returncode, 0)
        status = self.lab("status", self.home)
        self.assertEqual(status.returncode, 0)
        self.assertIn("lag 0.5 s", status.stdout)
        self.assertEqual(len(re.findall("running$", status.stdout, re.MULTILINE)), 3)

        os.kill(Lab.attach(self.home).facts["processes"]["ca"]["pid"], signal.SIGKILL)
        deadline = time.monotonic() + 5
        while (status := self.lab("status", self.home)).returncode == 0 and time.monotonic() < deadline:
            pass
        self.assertEqual(status.returncode, 1)
        self.assertIn("died: signal 9", status.stdout)

        self.assertEqual(self.lab("stop", self.home).returncode, 0)
        self.assertEqual(processes_in(self.home), [])
        self.assertEqual(self.lab("status", self.home).returncode, 3)
        self.assertEqual(self.lab("stop", self.home).returncode, 0)

    def test_run_gives_the_exit_code_and_stops(self):
        done = self.lab("run", "--dir", self.home, "--", "sh", "-c", 'test -s "$LAB_CA_BUNDLE" && exit 7')
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertEqual(processes_in(self.home), [])

    def test_a_killed_supervisor_takes_the_parts_with_it(self):
        lab = Lab(self.home, tied=False).start()
        self.addCleanup(lab.stop)
        os.kill(lab.facts["processes"]["supervisor"]["pid"], signal.SIGKILL)
        deadline = time.monotonic() + 10
        while (left := processes_in(self.home)) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(left, [])

    def test_an_owner_that_dies_takes_its_lab_with_it(self):
        owner = subprocess.Popen([sys.executable, "-c", "import sys, time; from lab import Lab;"
                                  "lab = Lab(sys.argv[1]).start(); print('up', flush=True); time.sleep(60)", self.home],
                                 cwd=Path(COMMAND).parent.parent, stdout=subprocess.PIPE)
        self.assertEqual(owner.stdout.readline(), b"up\n")
        self.assertNotEqual(processes_in(self.home), [])
        owner.kill()
        owner.wait()
        owner.stdout.close()
        deadline = time.monotonic() + 10
        while (left := processes_in(self.home)) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(left, [])

    def test_a_part_that_cannot_start(self):
        programs = self.home / "programs"
        programs.mkdir()
        (programs / "pebble").write_text("#!/bin/sh\necho out of luck\nexit 3\n")
        (programs / "pebble").chmod(0o755)
        failed = self.lab("start", "--dir", self.home / "lab",
                          env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"})
        self.assertEqual(failed.returncode, 1)
        self.assertIn("the ca (pebble) did not start: died: exit status 3", failed.stderr)
        self.assertIn("out of luck", failed.stderr)
        self.assertEqual(processes_in(self.home), [])

    def test_a_directory_of_somebody_else_is_left_alone(self):
        (self.home / "keys").mkdir()
        failed = self.lab("start", "--dir", self.home)
        self.assertEqual(failed.returncode, 1)
        self.assertIn("neither empty nor a Lab's directory", failed.stderr)


if __name__ == "__main__":
    unittest.main()
