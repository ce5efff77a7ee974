"""A running `certherd run`, and what it has cost so far."""

import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def group_cpu(pid: int) -> float:
    """CPU seconds of a process, all its threads, without its children, in nanoseconds' precision."""
    return time.clock_gettime(~pid << 3 | 2)


@dataclass
class ServiceCost:
    own: float       # CPU seconds of the service itself
    children: float  # of the children that it has waited for


class Service:
    """Started, waited for until it says READY, and ended."""

    def __init__(self, command, environment, runtime: Path):
        self.directory = tempfile.TemporaryDirectory(prefix="certherd-bench-notify-")
        address = Path(self.directory.name) / "notify"
        self.said = Path(self.directory.name) / "said"
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(address))
        self.notify.settimeout(120)
        with open(self.said, "w") as said:
            begin = time.monotonic()
            self.process = subprocess.Popen(command, env={**environment, "NOTIFY_SOCKET": str(address)},
                                            stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        while b"READY=1" not in self.notify.recv(65536):
            pass
        self.ready_seconds = time.monotonic() - begin
        self.notify.settimeout(None)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        """systemd never lets its queue run full."""
        while self.notify.recv(65536):
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)
        self.notify.shutdown(socket.SHUT_RDWR)
        self.directory.cleanup()

    def cost(self) -> ServiceCost:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return ServiceCost(group_cpu(self.process.pid), (int(fields[13]) + int(fields[14])) / TICKS)

    def memory_kib(self, what="VmRSS") -> int:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(dict(line.split(":", 1) for line in lines)[what].split()[0])

    def peak_kib(self) -> int:
        return self.memory_kib("VmHWM")
