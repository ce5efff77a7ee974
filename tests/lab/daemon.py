"""The life of the supervisor process: from the options it is given to the last part stopped."""

import asyncio
import fcntl
import json
import os
import signal
import subprocess
from pathlib import Path

from .options import Options
from .processes import CONTROL_SOCKET, adopt_orphans, control_socket
from .supervisor import StartFailed, Supervisor


def supervise(directory: Path, options: Options, ready: int, tied: bool, made_directory: bool) -> int:
    """Runs a Lab until it is told to stop. One line of JSON on the descriptor `ready` tells how the start went. A tied
    Lab also stops when its standard input ends: that is how it learns that its owner is gone."""
    os.umask(0o077)
    adopt_orphans()
    lock = os.open(directory / "lab.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _report(ready, {"error": f"a Lab runs in {directory} already"})
        return 1
    # What an earlier Lab left here would be read as the state of this one.
    for name in ("lab.json", "lab.env", CONTROL_SOCKET):
        (directory / name).unlink(missing_ok=True)
    return asyncio.run(_supervise(Supervisor(directory, options, made_directory), directory, ready, tied))


async def _supervise(supervisor: Supervisor, directory: Path, ready: int, tied: bool) -> int:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.stopping.set)
    if tied:
        loop.add_reader(0, lambda: os.read(0, 4096) or (loop.remove_reader(0), supervisor.stopping.set()))

    stopping = asyncio.ensure_future(supervisor.stopping.wait())
    starting = asyncio.ensure_future(supervisor.start())
    try:
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.wait([starting])
            return 1
        starting.result()
        listener = control_socket(directory, lambda control, address: control.bind(address))
        server = await asyncio.start_unix_server(supervisor.handle, sock=listener)
        _report(ready, {"started": True})
        await stopping
        server.close()
        return 0
    except BrokenPipeError:
        return 1  # whoever wanted the Lab did not wait for it
    except (StartFailed, OSError, subprocess.CalledProcessError) as problem:
        _report(ready, {"error": _told(problem)})
        return 1
    finally:
        await supervisor.stop_parts()
        (directory / CONTROL_SOCKET).unlink(missing_ok=True)


def _told(problem: Exception) -> str:
    if isinstance(problem, subprocess.CalledProcessError):
        return f"{problem.cmd[0]} failed with status {problem.returncode}: {problem.stderr}"
    if isinstance(problem, FileNotFoundError):
        return f"not found: {problem.filename}"
    return str(problem)


def _report(ready: int, message: dict) -> None:
    os.write(ready, json.dumps(message).encode() + b"\n")
    os.close(ready)
