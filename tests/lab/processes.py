"""Small things about processes and ports that both the supervisor and its callers need."""

import asyncio
import ctypes
import os
import random
import signal
import socket
from pathlib import Path

CONTROL_SOCKET = "control.sock"


class PortTaken(Exception):
    pass


class PortClaims:
    """Port numbers that no other Lab takes while this one lives.

    Between choosing a port and the server's own bind another Lab could choose it too, and UDP sockets can even share
    it. So each choice is claimed under a name in the abstract socket namespace: it has the life of this process and
    the reach of the ports themselves, the network namespace.
    """

    # Below the range from which the kernel takes ports for outgoing connections.
    FIRST, LAST = 20000, 32000

    def __init__(self):
        self._claims = []

    def take(self, *addresses: str) -> int:
        for _ in range(200):
            port = random.randint(self.FIRST, self.LAST)
            claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                claim.bind(f"\0certherd-lab-port-{port}")
                for address in addresses:
                    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                        with socket.socket(socket.AF_INET, kind) as probe:
                            probe.bind((address, port))
            except OSError:
                claim.close()
                continue
            self._claims.append(claim)
            return port
        raise PortTaken("no free port found between %d and %d" % (self.FIRST, self.LAST))

    def release(self) -> None:
        for claim in self._claims:
            claim.close()
        self._claims.clear()


def start_time(pid: int) -> int | None:
    """When the process began, in the kernel's ticks: pid and start time together name one process for good. None when
    there is no such process or it is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def is_alive(process: dict) -> bool:
    return start_time(process["pid"]) == process["start_time"]


def identity(pid: int) -> dict:
    return {"pid": pid, "start_time": start_time(pid)}


def adopt_orphans() -> None:
    """Descendants whose parent ends become children of this process. nsd leaves some, and so they are ours to end."""
    pr_set_child_subreaper = 36
    if ctypes.CDLL(None, use_errno=True).prctl(pr_set_child_subreaper, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


async def end_remaining_children(patience: float = 5.0) -> None:
    """Returns when this process has no children left; those that do not end in time are killed. A child that is not
    reaped keeps its pid, so no other process is ever hit."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while True:
        try:
            reaped, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not reaped:
            if loop.time() > deadline:
                for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                    os.kill(int(child), signal.SIGKILL)
            await asyncio.sleep(0.02)


def control_socket(directory: Path, use) -> socket.socket:
    """A Unix socket in the directory, bound or connected by use(socket, address). A directory's path may be longer than
    the 107 bytes of a socket address, so the address goes by a descriptor of the directory."""
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    result = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        use(result, f"/proc/self/fd/{descriptor}/{CONTROL_SOCKET}")
        return result
    except OSError:
        result.close()
        raise
    finally:
        os.close(descriptor)


def last_lines(path: Path, count: int = 12) -> str:
    try:
        return "\n".join("    " + line for line in path.read_text(errors="replace").splitlines()[-count:])
    except OSError:
        return "    (no log)"
