"""What the end-to-end tests share: a Lab for each test file, and for each test a host of its own in a directory.

The real binary (CERTHERD) runs the real certbot against a real CA and real DNS; nothing is imitated here.
"""

import collections
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from lab import Lab

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
CERTHERD = os.environ.get("CERTHERD", str(REPOSITORY / "build" / "bin" / "certherd"))
# The whole file with this engine and this certbot, where a test does not choose its own.
ENGINE, CERTBOT = os.environ.get("CERTHERD_ENGINE"), os.environ.get("CERTHERD_CERTBOT")
IS_ROOT = os.geteuid() == 0
PEM_FILES = ["cert.pem", "chain.pem", "fullchain.pem", "privkey.pem"]
# Exit codes, as README.md and --help give them.
DONE, FAILED, USAGE, CONFIGURATION, BLOCKED, SOME_FAILED, HELD = 0, 1, 2, 3, 4, 5, 6


def start_lab(**options):
    """A Lab for the whole test file; to be called from setUpModule."""
    lab = Lab(**options).start()
    unittest.addModuleCleanup(lab.stop)
    return lab


def wait_for(condition, what, timeout=30):
    """Polls until the condition holds and returns what it gave; there is no other way to wait in these tests."""
    deadline = time.monotonic() + timeout
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout} s still not: {what}")
        time.sleep(0.02)
    return result


class Done:
    """How one certherd ended."""

    def __init__(self, arguments, code, out, err, seconds):
        self.arguments, self.code, self.out, self.err, self.seconds = arguments, code, out, err, seconds

    @property
    def said(self):
        return self.out + self.err

    @property
    def json(self):
        try:
            return json.loads(self.out)
        except json.JSONDecodeError:
            raise AssertionError(f"no JSON: {self}") from None

    def __str__(self):
        return f"{self.arguments} ended with {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Host:
    """A configuration, its state directory and all the rest below one directory. `settings` is the configuration as it
    will be written: JSON, which is YAML too."""

    def __init__(self, lab, propagation=0):
        self.lab = lab
        self.propagation = propagation
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="certherd-e2e-"))
        self.config = self.directory / "certherd.yaml"
        self.state = self.directory / "state"
        self.store = self.state / "certificates"
        self.runtime = self.directory / "run"
        self.audit = self.directory / "audit.jsonl"
        self.settings = {
            "email": "hostmaster@example.test", "agree_tos": True, "ca": "lab",
            # Many a test needs a certbot that waits; test_ended_wait.py is about the other way.
            "propagation": {"end_wait": False},
            "dns": dict(lab.facts["dns"]["certherd"]),
            "state_dir": "state", "runtime_dir": "run", "audit_log": "audit.jsonl",
            "cas": {"lab": {"server": lab.facts["acme"]["directory"], "ca_bundle": lab.facts["acme"]["ca_bundle"]}},
            "accounts": {"a": {"provider": "rfc2136", "zones": ["example.test"],
                               "credentials_file": lab.credentials("key-a")},
                         "b": {"provider": "rfc2136", "zones": ["other.test"],
                               "credentials_file": lab.credentials("key-b")}},
            "hooks": {}, "certificates": []}

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    # --- the configuration

    def want(self, *domains, **more):
        """One more certificate; returns its entry, which later changes may edit."""
        entry = {"domains": list(domains), "dns_provider": "rfc2136", "propagation_seconds": self.propagation, **more}
        self.settings["certificates"].append(entry)
        return entry

    def credentials(self, key="key-a", **changes):
        """The values that a credentials file of the Lab holds, for an account's `credentials`."""
        lines = pathlib.Path(self.lab.credentials(key)).read_text().splitlines()
        return {**dict(line.split(" = ", 1) for line in lines), **changes}

    def write_config(self):
        for key, value in (("engine", ENGINE), ("path", CERTBOT)):
            if value:
                self.settings.setdefault("certbot", {}).setdefault(key, value)
        self.config.write_text(json.dumps(self.settings, indent=1, ensure_ascii=False), encoding="utf-8")

    # --- running

    def command(self, *arguments):
        return [CERTHERD, "--config", str(self.config), *map(str, arguments)]

    def start(self, *arguments, prefix=(), environment=None, **popen):
        """certherd in the background. `settings` are written first."""
        self.write_config()
        return subprocess.Popen([*map(str, prefix), *self.command(*arguments)], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                                env={**os.environ, "NO_COLOR": "1", **(environment or {})}, **popen)

    def finish(self, process, *, timeout=90):
        begin = time.monotonic()
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            for pid in [process.pid, *descendants(process.pid)]:  # certbot leads a process group of its own
                kill(pid)
            out, err = process.communicate()
            raise AssertionError(f"{process.args} did not end within {timeout} s\n{out}{err}") from None
        return Done(process.args, process.returncode, out, err, time.monotonic() - begin)

    def run(self, *arguments, timeout=90, **start):
        return self.finish(self.start(*arguments, **start), timeout=timeout)

    def issue(self, *names, **start):
        """`certherd --json issue`: how it ended, and the Runs it reports by the name of the certificate."""
        done = self.run("--json", "issue", *(names or ["--all"]), **start)
        done.runs = {item["certificate"]: item["run"] for item in done.json}
        done.reasons = {item["certificate"]: item["reason"] for item in done.json}
        return done

    # --- what it left behind

    def generation(self, name):
        """The number of the Generation that the store shows; 0 without one."""
        link = self.store / name
        return int(os.readlink(link).rsplit("/", 1)[1]) if link.is_symlink() else 0

    def pem(self, name, file):
        return (self.store / name / file).read_text()

    def audit_entries(self):
        return [json.loads(line) for line in self.audit.read_text().splitlines()] if self.audit.exists() else []

    def credentials_left(self):
        directory = self.runtime / "credentials"
        return sorted(os.listdir(directory)) if directory.exists() else []

    def files_with(self, secret):
        """Every file certherd or certbot wrote that holds the secret, as it is or in the usual disguises."""
        base64url = secret.replace("+", "-").replace("/", "_")
        needles = [form.encode() for form in (secret, base64url, json.dumps(secret)[1:-1])]
        found = []
        for file in self.directory.rglob("*"):
            if file == self.config or file.is_symlink() or not file.is_file():
                continue
            content = file.read_bytes()
            if any(needle in content for needle in needles):
                found.append(str(file))
        return found


class Case(unittest.TestCase):
    """A test with a host of its own. `lab` is that of the file."""

    lab = None
    longMessage = True

    def setUp(self):
        self.host = self.new_host()

    def new_host(self, **options):
        host = Host(self.lab, **options)
        self.addCleanup(host.remove)
        return host

    def expect(self, done, code):
        self.assertEqual(done.code, code, str(done))
        return done

    def issue(self, *names, code=DONE, **start):
        """Issues and returns the one Run there was, or all of them by name."""
        done = self.expect(self.host.issue(*names, **start), code)
        own = self.host.settings.get("certbot", {}).get("path", CERTBOT) != CERTBOT
        if ENGINE == "warm" and code == DONE and not own:  # else nothing here would be about it
            self.assertNotIn("is not kept in memory", done.err, str(done))
        runs = [run for run in done.runs.values() if run]
        return runs[0] if len(done.runs) == 1 and runs else done.runs

    def expect_failure(self, run, failure_class, *words):
        """The Run failed in that class, and says these words somewhere in its error, detail or advice."""
        self.assertEqual(run["outcome"], "failed", run)
        failure = run["failure"]
        self.assertEqual(failure["class"], failure_class, failure)
        text = " | ".join(str(failure[key]) for key in ("error", "problem_detail", "hint", "fix"))
        for word in words:
            self.assertIn(word, text)
        return failure

    def assert_one_error(self, done, *words):
        """One message a person can use: no trace of the machinery, and not the same thing twice."""
        lines = [line for line in done.err.splitlines() if line.startswith("certherd: ")]
        self.assertEqual(len(lines), 1, str(done))
        self.assert_words(done, done.err, *words)

    def assert_words(self, done, said, *words):
        for word in words:
            self.assertIn(word, said)
        for machinery in ("Traceback", "terminate called", "std::", "boost::", "Poco::"):
            self.assertNotIn(machinery, done.said)


class ProcessWatch:
    """Samples what `ps` could show of everything that runs below a process: arguments and environments."""

    def __init__(self, pid):
        self.root = pid
        self.commands, self.environments = set(), set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *unused):
        self._stop.set()
        self._thread.join()

    def _sample(self):
        while not self._stop.wait(0.004):
            for pid in [self.root, *descendants(self.root)]:
                try:
                    # What is read while a process execs may be anything: the bytes of a stack that is being laid out.
                    command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
                    self.commands.add(command.decode(errors="replace"))
                    self.environments.add(pathlib.Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace"))
                except OSError:
                    pass  # it has ended


def is_running(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def kill(pid, number=signal.SIGKILL):
    """A signal to a process that is not our child, and so may have ended and been reaped at any moment."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def descendants(pid):
    children = collections.defaultdict(list)
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = pathlib.Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            children[int(stat.rsplit(")", 1)[1].split()[1])].append(int(entry))
    found, queue = [], [pid]
    while queue:
        below = children[queue.pop()]
        found += below
        queue += below
    return found


def openssl(*arguments, text=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=text, capture_output=True, text=True, check=True,
                          timeout=30).stdout


def domains_of(pem):
    return re.findall(r"DNS:([^,\s]+)", openssl("x509", "-noout", "-ext", "subjectAltName", text=pem))


def serial_of(pem):
    return openssl("x509", "-noout", "-serial", text=pem).strip().split("=")[1].lower()


def as_nobody():
    """Words before a command that make it run as an ordinary user, and that user's entry."""
    entry = pwd.getpwnam("nobody")
    return ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups", "--"], entry
