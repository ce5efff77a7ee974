"""A resolver as it stands inside a company: it knows the Lab's names, and has other servers for them than the world.

    with Liar() as liar: ...   # liar.address is "127.0.0.1:PORT"
"""

import socket
import struct
import threading

from .dnswire import encode_name, message_id, question

ZONE, PRIMARY, ADDRESS = "example.test", "dc.corp.invalid", "10.1.2.3"
A, NS, SOA = 1, 2, 6


def _record(name: str, kind: int, data: bytes) -> bytes:
    return encode_name(name) + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


class Liar:
    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._socket.getsockname()[1]
        self.questions = []
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *unused):
        # A datagram of no use wakes the thread, which then finds that it is to end.
        self._ended = True
        host, port = self.address.split(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(b"", (host, int(port)))
        self._thread.join()
        self._socket.close()

    _ended = False

    def _serve(self):
        while True:
            request, sender = self._socket.recvfrom(4096)
            if self._ended:
                return
            if len(request) > 12:
                self._socket.sendto(self._answer(request), sender)

    def _answer(self, request: bytes) -> bytes:
        name, kind = question(request)
        self.questions.append((name, kind))
        soa = _record(ZONE, SOA, encode_name(PRIMARY) + encode_name("hostmaster.invalid") + struct.pack(">5I", 9, 60, 60, 60, 60))
        answers, authority = [], []
        if (name, kind) == (ZONE, SOA):
            answers = [soa]
        elif (name, kind) == (ZONE, NS):
            answers = [_record(ZONE, NS, encode_name(PRIMARY))]
        elif (name, kind) == (PRIMARY, A):
            answers = [_record(PRIMARY, A, socket.inet_aton(ADDRESS))]
        else:
            authority = [soa]
        known = name == ZONE or name == PRIMARY
        flags = 0x8580 if known else 0x8583
        return (message_id(request) + struct.pack(">5H", flags, 1, len(answers), len(authority), 0)
                + encode_name(name) + struct.pack(">2H", kind, 1) + b"".join(answers + authority))
