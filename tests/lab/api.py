"""The Lab as Python sees it."""

import base64
import collections
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from .options import Options
from .processes import control_socket, is_alive, last_lines

PACKAGE = Path(__file__).resolve().parent


class LabError(Exception):
    """Something about the Lab went wrong; the text says which part, and shows the end of its log."""


class Lab:
    """A real CA and two real authoritative DNS servers on loopback.

        with Lab(lag=3, eab=True) as lab:
            lab.add("_acme-challenge.example.test", "TXT", "value")
            lab.wait_txt("_acme-challenge.example.test", "value", server="secondary")

    Options are those of `lab start`, with underscores (see Options). After start() `facts` holds what lab.json holds.
    A Lab started from Python ends with the process that started it, however that ends; `tied=False` makes it outlive it.
    A directory that the Lab made itself is removed with it, unless the with block ended in an exception.
    """

    def __init__(self, directory: str | Path | None = None, tied: bool = True, **options):
        self.options = Options(**options)
        self.made_directory = directory is None
        self.directory = Path(directory).absolute() if directory else None
        self.facts: dict = {}
        self._tied = tied
        self._supervisor: subprocess.Popen | None = None

    @classmethod
    def attach(cls, directory: str | Path) -> "Lab":
        """The Lab that somebody else started in this directory."""
        lab = cls(directory)
        try:
            lab.facts = json.loads((lab.directory / "lab.json").read_text())
        except OSError as problem:
            raise LabError(f"no Lab in {directory}: {problem.strerror}") from None
        lab.made_directory = lab.facts["made_directory"]
        return lab

    # --- life

    def start(self) -> "Lab":
        """Starts all parts and returns when all of them answer; raises LabError, with nothing left running, if not."""
        if self.made_directory:
            self.directory = Path(tempfile.mkdtemp(prefix="certherd-lab-"))
        self._check_directory()
        report, ready = os.pipe()
        command = [sys.executable, str(PACKAGE / "lab"), "supervise", str(self.directory), str(ready),
                   json.dumps({"tied": self._tied, "made_directory": self.made_directory, **asdict(self.options)})]
        with (self.directory / "supervisor.log").open("wb") as log:
            self._supervisor = subprocess.Popen(command, stdin=subprocess.PIPE if self._tied else subprocess.DEVNULL,
                                                stdout=log, stderr=log, pass_fds=[ready], start_new_session=True)
        os.close(ready)
        try:
            with os.fdopen(report) as answer:
                line = answer.readline()
        except BaseException:  # a Ctrl-C while waiting
            self.stop()
            raise
        problem = json.loads(line).get("error") if line else "the supervisor ended:\n" + last_lines(
            self.directory / "supervisor.log")
        if problem:
            self._supervisor.wait()
            raise LabError(problem)
        self.facts = json.loads((self.directory / "lab.json").read_text())
        return self

    def _check_directory(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if set('"\\\n') & set(str(self.directory)):
            raise LabError(f"named cannot live with this path: {self.directory}")
        # The Lab empties what it finds under the names it uses, so the directory must be its own.
        if any(self.directory.iterdir()) and not (self.directory / "lab.lock").exists():
            raise LabError(f"{self.directory} is neither empty nor a Lab's directory")

    def stop(self, keep: bool = False) -> None:
        """Stops all parts. Stopping what does not run is no error."""
        if self._supervisor:
            self._supervisor.terminate()  # also while it still starts; Popen knows whether it is gone
            self._supervisor.wait()
            if self._supervisor.stdin:
                self._supervisor.stdin.close()
            self._supervisor = None
        elif self.is_running():
            self._ask({"do": "stop"})
            self._wait_gone(self.facts["processes"].values())
        else:
            self._end_orphans()
        if self.made_directory and not keep:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _end_orphans(self) -> None:
        """A supervisor that was killed took its parts with it; should one be left, its start time proves it ours."""
        left = [process for process in self.facts.get("processes", {}).values() if is_alive(process)]
        for process in left:
            try:
                os.kill(process["pid"], signal.SIGTERM)
            except ProcessLookupError:
                pass  # it ended by itself meanwhile
        self._wait_gone(left)

    def _wait_gone(self, processes) -> None:
        deadline = time.monotonic() + 15
        while still := [process["pid"] for process in processes if is_alive(process)]:
            if time.monotonic() > deadline:
                raise LabError(f"still running after 15 s: {still}")
            time.sleep(0.02)

    def __enter__(self) -> "Lab":
        return self.start()

    def __exit__(self, kind, value, traceback) -> None:
        self.stop(keep=kind is not None)
        if kind and self.made_directory:
            print(f"the Lab's files are kept in {self.directory}", file=sys.stderr)

    def is_running(self) -> bool:
        """Whether the Lab's supervisor lives; status() tells about the parts."""
        supervisor = self.facts.get("processes", {}).get("supervisor")
        return bool(supervisor) and is_alive(supervisor)

    def status(self) -> dict:
        """{"lag": seconds, "parts": {"primary" | "secondary" | "ca": {"state", "pid", "start_time", "log"}}}, where the
        state is "running", "paused" or "died: why"."""
        return self._ask({"do": "status"})

    def set_lag(self, seconds: float) -> None:
        """Changes the lag at once, also for changes that are under way to the secondary."""
        self._ask({"do": "lag", "lag": seconds})
        self.facts["lag"] = float(seconds)

    def pause(self, part: str) -> None:
        """Makes "primary", "secondary" or "ca" hang: it keeps its ports and answers nothing."""
        self._ask({"do": "pause", "part": part})

    def resume(self, part: str) -> None:
        self._ask({"do": "resume", "part": part})

    # --- the fault proxy, of a Lab with fault_proxy=True

    def fault(self, kind: str, **values) -> dict:
        """From now on "status", "hang", "close", "truncate" or "delay"; `on`, `count` and the rest are the fields of
        faults.Fault: fault("status", status=503, retry_after=5, on="newOrder", count=2). Returns what
        fault_state does."""
        return self._ask({"do": "fault", "what": "fault", "values": {"kind": kind, **values}})

    def rate_limit(self, retry_after: int | str, **values) -> dict:
        """429 with the problem rateLimited."""
        return self.fault("status", status=429, problem="rateLimited", retry_after=retry_after, **values)

    def set_renewal_info(self, kind: str, **values) -> dict:
        """What renewalInfo answers from now on (fields of faults.RenewalInfo), for all certificates or for the one of
        `id`: "good", "now", "past", "far", "reversed", "window" with start and end in seconds from now, "not-json",
        "no-window", "bad-date", "window-is-text", "empty", "status" with status=500, "off". The directory names
        renewalInfo as long as something is set."""
        return self._ask({"do": "fault", "what": "ari", "values": {"kind": kind, **values}})

    def set_date_offset(self, seconds: float) -> dict:
        """The Date header of the answers, off by so much."""
        return self._ask({"do": "fault", "what": "date", "values": {"offset": seconds}})

    def clear_faults(self) -> dict:
        """No faults, no renewal information, the true Date. The counts stay, hanging requests go on hanging."""
        return self._ask({"do": "fault", "what": "clear"})

    def fault_state(self) -> dict:
        """{"counts": {"POST newOrder": 3, ...}, "faults": those with something left to hit, "date_offset"}."""
        return self._ask({"do": "fault", "what": "counts"})

    def requests(self) -> collections.Counter:
        """How often the proxy was asked what since the Lab began, faults included: "POST newOrder", "HEAD newNonce"."""
        return collections.Counter(self.fault_state()["counts"])

    def request_log(self) -> list[dict]:
        """Each request with at (seconds since 1970), took, method, path, endpoint, fault, status (None: no answer)."""
        return [json.loads(line) for line in Path(self.facts["logs"]["proxy"]).read_text().splitlines()]

    def _ask(self, request: dict) -> dict:
        try:
            with control_socket(self.directory, lambda control, address: control.connect(address)) as control:
                control.sendall(json.dumps(request).encode() + b"\n")
                with control.makefile() as answer:
                    reply = json.loads(answer.readline() or '{"error": "the supervisor gave no answer"}')
        except OSError as problem:
            raise LabError(f"no Lab runs in {self.directory} ({problem.strerror})") from None
        if "error" in reply:
            raise LabError(reply["error"])
        return reply

    # --- what it holds

    @property
    def environment(self) -> dict[str, str]:
        """LAB_DIR, LAB_DNS_PORT, ... as in lab.env."""
        return dict(self.facts["environment"])

    def credentials(self, key: str) -> str:
        """The file for certbot's --dns-rfc2136-credentials that goes with the key."""
        return self.facts["keys"][key]["credentials"]

    def dig(self, name: str, kind: str = "A", server: str = "primary") -> list[str]:
        """The lines of `dig +short`; server is "primary" or "secondary"."""
        command = ["dig", "+short", "+tries=2", "+time=2", "@" + self.facts["dns"][server + "_address"],
                   "-p", str(self.facts["dns"]["port"]), name, kind]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise LabError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout.splitlines()

    def txt(self, name: str, server: str = "primary") -> list[str]:
        """The values of the TXT records at the name, sorted."""
        return sorted("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', line))
                      for line in self.dig(name, "TXT", server) if line.startswith('"'))

    def wait_txt(self, name: str, value: str, server: str = "primary", timeout: float = 10) -> float:
        """Waits until the server has the value at the name; returns how many seconds that took."""
        begin = time.monotonic()
        while value not in self.txt(name, server):
            if time.monotonic() - begin > timeout:
                raise LabError(f"the {server} has no TXT {value!r} at {name} after {timeout:g} s")
            time.sleep(0.05)
        return time.monotonic() - begin

    def add(self, name: str, kind: str, value: str, ttl: int = 1, key: str = "lab-master") -> None:
        """Adds one record on the primary."""
        self.nsupdate(f"update add {name}. {ttl} {kind} {_rdata(kind, value)}", key)

    def remove(self, name: str, kind: str, value: str | None = None, key: str = "lab-master") -> None:
        """Removes one record, or all of that type at the name."""
        self.nsupdate(f"update delete {name}. {kind} {_rdata(kind, value) if value else ''}", key)

    def nsupdate(self, commands: str, key: str = "lab-master") -> None:
        """Sends update commands as one transaction; LabError holds the server's answer, e.g. REFUSED."""
        server = f"server {self.facts['dns']['primary_address']} {self.facts['dns']['port']}\n"
        done = subprocess.run(["nsupdate", "-t", "5", "-k", self.facts["keys"][key]["key_file"]],
                              input=f"{server}{commands}\nsend\n", capture_output=True, text=True)
        if done.returncode:
            raise LabError(f"nsupdate with {key}: {done.stderr.strip() or done.stdout.strip()}")

    # --- what the CA was asked

    def ca_log(self) -> str:
        return Path(self.facts["logs"]["ca"]).read_text(errors="replace")

    def ca_requests(self) -> collections.Counter:
        """How often the CA was asked what: "POST /order-plz" is newOrder, "POST /sign-me-up" newAccount."""
        return collections.Counter(re.findall(r"((?:GET|HEAD|POST) /\S*) -> calling handler", self.ca_log()))

    def orders(self) -> int:
        """How many orders the CA has accepted."""
        return self.ca_log().count('Added order "')


def renewal_info_id(certificate: str) -> str:
    """The name of a PEM certificate in renewalInfo: base64url of its authority key identifier, ".", and of its serial
    number as DER writes it (RFC 9773 section 4.1)."""
    told = subprocess.run(["openssl", "x509", "-noout", "-serial", "-ext", "authorityKeyIdentifier"], input=certificate,
                          capture_output=True, text=True, check=True).stdout
    key_id = re.search(r"^ *(?:keyid:)?((?:[0-9A-F]{2}:)+[0-9A-F]{2})", told, re.MULTILINE)[1]
    parts = [bytes.fromhex(key_id.replace(":", "")), bytes.fromhex(re.search(r"serial=([0-9A-F]+)", told)[1])]
    if parts[1][0] >= 0x80:
        parts[1] = b"\0" + parts[1]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _rdata(kind: str, value: str) -> str:
    if kind.upper() != "TXT":
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
