"""Restart storm: certherd and its certbots are killed at random moments while certificates renew in a loop. What must
be true at the end is what the host's administrator counts on: nothing lost, nothing half done, nothing forgotten.

CERTHERD_STORM_KILLS and CERTHERD_STORM_CERTIFICATES make it longer, CERTHERD_STORM_SEED repeats its random choices.
"""

import collections
import http.client
import os
import random
import subprocess
import time
import unittest

from e2e.harness import DONE, PEM_FILES, Case, kill, openssl, serial_of, start_lab, wait_for
from e2e.serving import SHELL, ServiceCase

KILLS = int(os.environ.get("CERTHERD_STORM_KILLS", "8"))
CERTIFICATES = int(os.environ.get("CERTHERD_STORM_CERTIFICATES", "6"))
SEED = int(os.environ.get("CERTHERD_STORM_SEED", str(random.randrange(10**6))))
LONGEST_LIFE = 20  # seconds, should no certbot save anything


def setUpModule():
    Case.lab = start_lab(nonce_reject=0)


def content(file):
    """None when it is not there, or not yet, or not any more."""
    try:
        return file.read_bytes()
    except OSError:
        return None


def belongs(cert, key):
    """Whether the private key is that of the certificate."""
    try:
        return openssl("x509", "-noout", "-pubkey", text=cert) == openssl("pkey", "-pubout", text=key)
    except subprocess.CalledProcessError:
        return False


class Storm(ServiceCase):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.names = [f"s{i}.example.test" for i in range(CERTIFICATES)]
        note = 'echo "$CERTHERD_SERIAL $CERTHERD_NAMES" >> ' + str(self.hook_log)
        slow = f"{note}.slow; exec sleep 0.$(($$ % 10))"
        self.host.settings["max_parallel"] = 4
        self.host.settings["hooks"] = {"note": {"command": [SHELL, "-c", note]},
                                       "slow": {"command": [SHELL, "-c", slow]},
                                       "batched": {"command": [SHELL, "-c", f"{note}.batched"], "batch": "2s"}}

    def saved(self, name, file="cert.pem"):
        return content(self.host.state / "certbot" / name / "config" / "live" / name / file)

    def settled(self, name):
        """What certbot saved is what is published: an order asked for now wastes nothing."""
        saved = self.saved(name)
        return saved is not None and saved == content(self.host.store / name / "cert.pem")

    def saves(self):
        """How many certificates certbot has begun to save."""
        return sum(1 for _ in self.host.state.glob("certbot/*/config/archive/*/cert*.pem"))

    def moment(self):
        """Yields until the end of a life: shortly after a few certificates more have been saved, or before any."""
        before, wanted = self.saves(), self.random.choice([0, 1, 1, 2, 3])
        longest = time.monotonic() + LONGEST_LIFE
        while self.saves() < before + wanted and time.monotonic() < longest:
            yield
        # Most of what can go wrong lies in the half second after that.
        until = time.monotonic() + (self.random.random() ** 2 if wanted else self.random.uniform(0, 4))
        while time.monotonic() < until:
            yield

    def live_and_die(self, number):
        """One life of the service: everything renews all the time, until the kill."""
        process = self.process = self.serve()
        for _ in self.moment():
            if names := [name for name in self.names if self.settled(name)]:
                self.want_now(*names)
            if self.random.random() < 0.01 and (certbots := self.certbots()):
                kill(self.random.choice(certbots))
            time.sleep(0.02)
        # certherd first, a certbot first, or it alone: what they do when the other one is gone differs.
        victims = [process.pid, *(self.certbots() if number % 3 == 0 else [])]
        self.random.shuffle(victims)
        for victim in victims:
            kill(victim)
        process.wait()

    def test_nothing_is_lost(self):
        for name in self.names:
            self.host.want(name, hooks=["note", "slow", "batched"])
        print(f"storm: seed {SEED}, {KILLS} kills, {CERTIFICATES} certificates", flush=True)
        for number in range(KILLS):
            try:
                self.live_and_die(number)
            except (OSError, http.client.HTTPException) as problem:
                code = self.process.wait(30)
                said = self.said()[-4000:]
                self.fail(f"in life {number} the service ended by itself with {code}: {problem!r}\n{said}")
        process = self.serve()
        # Not forced: what certbot saved before a kill is published without an order.
        self.expect(self.host.run("issue", "--all", timeout=300), DONE)
        wait_for(lambda: self.idle() and not self.ask("GET", "/v1/hooks").json, "all has been done that was owed", 120)
        self.stop(process)
        self.check_pairs()
        self.check_no_certificate_wasted()
        self.check_runs()
        self.check_hooks()
        self.assertEqual(self.host.credentials_left(), [])
        self.assertEqual(self.certbots(), [])

    def test_killed_in_the_moment_of_publishing(self):
        """Between the store's new link and the record that hooks are owed lie milliseconds."""
        for name in self.names[:3]:
            self.host.want(name, hooks=["note"])
            process = self.serve()
            link = self.host.store / name
            deadline = time.monotonic() + 90
            while not os.path.islink(link) and time.monotonic() < deadline:
                pass  # nothing that takes time
            process.kill()
            process.wait()
            self.assertTrue(link.is_symlink(), self.said())
        process = self.serve()
        wait_for(lambda: self.idle() and not self.ask("GET", "/v1/hooks").json, "what was owed has been done", 120)
        self.stop(process)
        self.check_runs()
        notes = self.hook_log.read_text().splitlines()
        for name in self.names[:3]:
            self.assertIn(f"{serial_of(self.host.pem(name, 'cert.pem'))} {name}", notes)
            runs = [self.host.run("--json", "show", run["run"]).json for run in self.runs(name)]
            published = [run for run in runs if run["generation"]]
            self.assertEqual(len(published), 1, "the Run that published says so, and nothing was ordered twice")

    def test_certbot_killed_before_it_wrote_its_renewal_file(self):
        """certbot 2.1 makes that file empty, then the PEM files and the links, and fills it last: once killed there it
        would have renewed into NAME-0001, NAME-0002 … for ever, and the certificate would have expired."""
        name = self.names[0]
        self.host.want(name)
        process = self.serve()
        wait_for(lambda: self.deployed(name) and self.idle(), "it is published", 60)
        config = self.host.state / "certbot" / name / "config"
        (config / "renewal" / f"{name}.conf").write_text("")
        for generation in (2, 3):
            self.want_now(name)
            wait_for(lambda: self.host.generation(name) == generation and self.idle(), "it is renewed", 60)
        self.stop(process)
        self.assertEqual({run["outcome"] for run in self.runs()}, {"deployed"})
        self.assertEqual([file.name for file in (config / "renewal").glob("*.conf")], [f"{name}.conf"])

    def check_pairs(self):
        for name in self.names:
            home = self.host.state / "generations" / name
            self.assertTrue((self.host.store / name).is_symlink())
            for generation in home.iterdir():
                files = {file: (generation / file).read_text() for file in PEM_FILES}
                self.assertTrue(generation.name.isdigit(), f"half a Generation is left: {generation}")
                self.assertTrue(belongs(files["cert.pem"], files["privkey.pem"]), generation)
                self.assertEqual(files["fullchain.pem"], files["cert.pem"] + files["chain.pem"], generation)

    def check_no_certificate_wasted(self):
        """Each certificate that certbot had saved whole has been published, so no order was made in its place."""
        for name in self.names:
            # A lineage that a kill has torn is moved away by the next Run. If that is killed as well there is none, and what
            # is published is good still.
            torn = list((self.host.state / "certbot" / name / "config" / "live").glob(f"{name}.*.broken"))
            if self.saved(name) is not None or not torn:
                self.assertTrue(self.settled(name), self.account_of(name))
            published = {content(cert) for cert in (self.host.state / "generations" / name).glob("*/cert.pem")}
            for archive in (self.host.state / "certbot" / name / "config" / "archive").glob("*"):
                for cert in archive.glob("cert*.pem"):
                    key, chain, full = (content(archive / cert.name.replace("cert", what, 1))
                                        for what in ("privkey", "chain", "fullchain"))
                    whole = chain and full == content(cert) + chain and belongs(cert.read_text(), key.decode())
                    if whole:
                        self.assertIn(content(cert), published, f"{cert} was saved and never published")

    def account_of(self, name):
        """What there is of one certificate, for whoever has to find out."""
        files = {str(path.relative_to(self.host.state)): serial_of(path.read_text())
                 for top in (f"certbot/{name}/config", f"generations/{name}")
                 for path in sorted((self.host.state / top).rglob("cert*.pem")) if content(path)}
        runs = [(run["started"], run["outcome"], run["reason"], (run["failure"] or {}).get("class"))
                for run in self.runs(name)]
        return f"{name}: {files}, the store shows {self.host.generation(name)}; {runs}; {self.said()[-3000:]}"

    def check_runs(self):
        runs = self.runs()
        self.assertNotIn(None, [run["outcome"] for run in runs])
        outcomes = collections.Counter(run["outcome"] for run in runs)
        print(f"storm: {dict(outcomes)}", flush=True)
        self.assertLessEqual(set(outcomes), {"deployed", "deployed, hook failed", "interrupted", "failed"})
        self.expect(self.host.run("audit", "verify"), DONE)
        told = collections.defaultdict(list)
        for entry in self.host.audit_entries():
            if "run" in entry:
                told[entry["run"]].append(entry)
        for run in runs:
            entries = told[run["run"]]
            self.assertEqual([entry["outcome"] for entry in entries], [run["outcome"]], f"{run}\n{entries}")

    def check_hooks(self):
        self.assertEqual(self.host.run("--json", "hooks", "list").json, [])
        for log in (self.hook_log, f"{self.hook_log}.slow", f"{self.hook_log}.batched"):
            with open(log, encoding="utf-8") as lines:
                said = [line.split() for line in lines]
            for name in self.names:
                serial = serial_of(self.host.pem(name, "cert.pem"))
                # With a batch the serial is that of the certificate that came last.
                ran = [line for line in said if name in line[1:] and (len(line) > 2 or line[0] == serial)]
                self.assertTrue(ran, f"{log}: no hook ran for the certificate {serial} of {name}")


if __name__ == "__main__":
    unittest.main()
