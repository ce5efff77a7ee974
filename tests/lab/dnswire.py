"""The little of the DNS wire format that the relay and the readiness checks need. Looking things up is dig's work."""

import secrets
import struct

SOA, AXFR = 6, 252
QUERY, NOTIFY = 0, 4
REFUSED, NOTIMP = 5, 4


def message_id(message: bytes) -> bytes:
    return message[:2]


def is_response(message: bytes) -> bool:
    return bool(message[2] & 0x80)


def opcode(message: bytes) -> int:
    return message[2] >> 3 & 15


def rcode(message: bytes) -> int:
    return message[3] & 15


def encode_name(name: str) -> bytes:
    labels = name.rstrip(".").split(".")
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def _skip_name(message: bytes, at: int) -> int:
    while message[at] and message[at] < 0xC0:
        at += message[at] + 1
    return at + (2 if message[at] else 1)


def question(message: bytes) -> tuple[str, int]:
    """Name and type of the question, which never is compressed."""
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += message[at] + 1
    return ".".join(labels).lower(), struct.unpack_from(">H", message, at + 1)[0]


def query(name: str, kind: int) -> bytes:
    return secrets.token_bytes(2) + struct.pack(">5H", 0, 1, 0, 0, 0) + encode_name(name) + struct.pack(">2H", kind, 1)


def answer(request: bytes, code: int = 0) -> bytes:
    """A response to request that carries nothing but a code."""
    name, kind = question(request)
    flags = 0x8400 | opcode(request) << 11 | code
    return message_id(request) + struct.pack(">5H", flags, 1, 0, 0, 0) + encode_name(name) + struct.pack(">2H", kind, 1)


def soa_records(message: bytes) -> list[tuple[int, int]]:
    """Where in the message the SOA records of its answer section begin and end."""
    questions, answers = struct.unpack_from(">2H", message, 4)
    at, found = 12, []
    for _ in range(questions):
        at = _skip_name(message, at) + 4
    for _ in range(answers):
        begin = at
        at = _skip_name(message, at)
        kind, length = struct.unpack_from(">H6xH", message, at)
        at += 10 + length
        if kind == SOA:
            found.append((begin, at))
    return found


def serial(message: bytes) -> int | None:
    """The serial of the first SOA in the answer."""
    for _, end in soa_records(message):
        return struct.unpack_from(">I", message, end - 20)[0]
    return None


def notify(zone: str, transfer: bytes) -> bytes:
    """A NOTIFY that carries the SOA with which a transfer of the zone began. The question of both has the same length,
    so a compression pointer inside the record stays right."""
    begin, end = soa_records(transfer)[0]
    head = struct.pack(">5H", 0x0400 | NOTIFY << 11, 1, 1, 0, 0)
    return secrets.token_bytes(2) + head + encode_name(zone) + struct.pack(">2H", SOA, 1) + transfer[begin:end]
