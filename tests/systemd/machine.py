"""A booted Debian 12 with certherd installed: systemd as its first process, a network of its own that is loopback
alone, and a root directory whose changes are thrown away."""

import ctypes
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from base import NSPAWN, CannotBuild, run

HERE = pathlib.Path(__file__).resolve().parent
PR_SET_PDEATHSIG = 1
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Failed(Exception):
    """A step did not come out as it should; the text says what was seen."""


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Machine:
    """`with Machine(base) as machine`: booted, then gone with everything in it."""

    def __init__(self, base, build_directory):
        self.base = base
        self.build_directory = build_directory
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="certherd-systemd-"))
        self.root = self.work / "root"
        self.console = self.work / "console.log"
        self.process = None
        self.leader = None

    def __enter__(self):
        try:
            self._prepare()
            self._boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *ignored):
        if self.process:
            self.process.terminate()  # nspawn shuts its machine down
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        # The mount is ours alone: the whole program runs in a mount namespace of its own.
        subprocess.run(["umount", "--lazy", self.root], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.work, ignore_errors=True)

    def _prepare(self):
        for name in ("upper", "scratch", "root"):
            (self.work / name).mkdir()
        self.work.chmod(0o755)
        (self.work / "upper").chmod(0o755)
        options = f"lowerdir={self.base},upperdir={self.work}/upper,workdir={self.work}/scratch"
        run(["mount", "-t", "overlay", "overlay", "-o", options, self.root])
        run(["cmake", "--install", self.build_directory, "--prefix", "/usr"],
            env={**os.environ, "DESTDIR": str(self.root)})
        run(["strip", self.root / "usr/bin/certherd"])
        shutil.copytree(HERE.parent / "lab", self.root / "opt/tests/lab", ignore=shutil.ignore_patterns("__pycache__"))
        # Empty: a fresh machine, yet not its first boot, on which systemd would enable and start what it finds.
        (self.root / "etc/machine-id").write_text("")

    def _boot(self):
        with open(self.console, "w") as console:
            self.process = subprocess.Popen(
                [*NSPAWN, "--boot", "--private-network", "--console=pipe", "--machine=certherd-test", "-D", self.root,
                 "systemd.unified_cgroup_hierarchy=1"],
                stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT, preexec_fn=die_with_parent,
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"})
        self.wait(self._is_up, "the machine is up", 90)

    def _is_up(self):
        if self.process.poll() is not None:
            end = self.console.read_text()[-2000:]
            raise CannotBuild(f"systemd-nspawn ended with {self.process.returncode}:\n{end}")
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in children:
            if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                self.leader = child
        if not self.leader:
            return False
        return self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded")

    # --- driving it

    def run(self, *command, check=True, timeout=60):
        """A command inside, as root; raises Failed with what it said if it ends badly."""
        words = ["nsenter", "--target", self.leader, "--all", "--wd=/", "/usr/bin/env", "-i", f"PATH={PATH}",
                 "LANG=C.UTF-8", "HOME=/root", "SYSTEMD_PAGER=", *map(str, command)]
        try:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                                  timeout=timeout)
        except subprocess.TimeoutExpired:
            raise Failed(f"'{' '.join(map(str, command))}' did not end within {timeout} s") from None
        if check and done.returncode != 0:
            said = f"{done.stdout}{done.stderr}".strip()
            raise Failed(f"'{' '.join(map(str, command))}' ended with {done.returncode}: {said}")
        return done

    def output(self, *command, **options):
        return self.run(*command, **options).stdout.strip()

    def property(self, name, unit="certherd.service"):
        return self.output("systemctl", "show", "--value", "--property", name, unit)

    def journal(self, *matches):
        """Entries of the journal as dictionaries, oldest first."""
        self.run("journalctl", "--sync")
        lines = self.output("journalctl", "--no-pager", "--output=json", *matches).splitlines()
        return [json.loads(line) for line in lines]

    def write(self, path, text, mode=0o644, owner="root"):
        """A file inside. Through the machine, since its /run and /tmp are not in the root directory."""
        words = ["nsenter", "--target", self.leader, "--all", "--wd=/", "/usr/bin/python3", "-c",
                 "import os,shutil,sys\n"
                 "path, mode, owner = sys.argv[1:]\n"
                 "os.makedirs(os.path.dirname(path), exist_ok=True)\n"
                 "open(path, 'w').write(sys.stdin.read())\n"
                 "shutil.chown(path, owner, owner)\n"
                 "os.chmod(path, int(mode))\n", path, str(mode), owner]
        done = subprocess.run([*map(str, words)], input=text, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"{path} could not be written: {done.stderr}")

    def wait(self, condition, what, timeout=60):
        """Polls until the condition holds and returns what it gave."""
        deadline = time.monotonic() + timeout
        while not (result := condition()):
            if time.monotonic() > deadline:
                raise Failed(f"after {timeout} s still not: {what}")
            time.sleep(0.2)
        return result
