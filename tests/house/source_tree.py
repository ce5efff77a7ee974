"""What the tests of the house know of the source tree: files, rooms and floors, includes."""

import pathlib
import re
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]

ROOMS = ["config", "providers", "ca", "certbot", "renewal", "dns", "preflight", "store", "hooks", "journal"]
FLOORS = [["base"], ["model"], ["os"], ROOMS, ["service"], ["api", "cli"]]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

# Rooms that must be testable without process, socket or clock; of certbot the command builder alone.
PURE_ROOMS = {"base", "model", "renewal", "preflight"}
PURE_FILES = {"certbot/command", "certbot/arguments"}

THIRD_PARTY = re.compile(r"^(boost|Poco|yaml-cpp|spdlog|CLI|openssl|ldns|systemd|sqlite3|doctest)(/|\.h)")
# Coroutine functions cannot be declared without these.
IN_HEADERS = re.compile(r"^boost/asio/(any_io_executor|awaitable|co_spawn|steady_timer|thread_pool|use_awaitable)\.hpp$")


@dataclass(frozen=True)
class Include:
    path: str  # of the file, from the root
    line: int
    name: str
    quoted: bool  # "name" rather than <name>


def room_of(path):
    """The room of include/certherd/<room>/x or src/<room>/x; None for src/main.cpp."""
    parts = pathlib.PurePosixPath(path).parts
    inside = parts[2:] if parts[0] == "include" else parts[1:]
    return inside[0] if len(inside) > 1 else None


def includes(path, text):
    for number, line in enumerate(text.splitlines(), start=1):
        if found := re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line):
            yield Include(path, number, found[2], found[1] == '"')


def fault(include):
    """What is wrong with one #include, or None."""
    room, name = room_of(include.path), include.name
    if room is not None and room not in FLOOR_OF:
        return f"the room {room} stands on no floor"
    if target := re.match(r"certherd/([^/]+)/", name):
        other = target[1]
        if other not in FLOOR_OF:
            return f"the room {other} stands on no floor"
        if room is not None and other != room and FLOOR_OF[other] >= FLOOR_OF[room]:
            return f"{room} may include only what is below it, and {other} is not"
        return None
    if THIRD_PARTY.match(name):
        return third_party_fault(include, room)
    if include.quoted and "/" in name:
        return "a private header of another directory"
    return None


def third_party_fault(include, room):
    unit = f"{room}/{pathlib.PurePosixPath(include.path).stem}"
    if room in PURE_ROOMS or unit in PURE_FILES:
        return f"{unit} does without third-party libraries"
    if include.path.startswith("include/") and not IN_HEADERS.match(include.name):
        return "a third-party header in a public header"
    return None
