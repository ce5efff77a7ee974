"""The honest lag between the two servers.

The primary sends its NOTIFY here. The relay transfers the zone at once, keeps that version, and when it is as old as
the lag says tells the secondary about it, which transfers it from here. So each change reaches the secondary one lag
after it was made, however many others are made meanwhile; delaying only the NOTIFY would hand out with an old
notification whatever the zone holds by then.
"""

import asyncio
import struct
from collections import deque
from dataclasses import dataclass

from . import dnswire


@dataclass
class Version:
    seen_at: float
    serial: int
    messages: list[bytes]  # the transfer, as the primary sent it


class Relay(asyncio.DatagramProtocol):
    def __init__(self, zones: list[str], lag: float):
        self.zones = zones
        self.lag = lag
        self.port = 0
        self._primary = self._secondary = ("", 0)
        self._published: dict[str, Version] = {}
        self._waiting: dict[str, deque[Version]] = {zone: deque() for zone in zones}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._secondary_serial: dict[str, int] = {}
        self._capturing: set[str] = set()
        self._again: dict[str, float] = {}
        self._announcing: set[str] = set()
        self._tasks: set[asyncio.Task] = set()

    # --- life

    async def open(self) -> None:
        """Binds one port number for TCP (transfers) and UDP (NOTIFY)."""
        for _ in range(20):
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.port = self._server.sockets[0].getsockname()[1]
            try:
                loop = asyncio.get_running_loop()
                self._udp, _ = await loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", self.port))
                return
            except OSError:
                self._server.close()
        raise OSError("no port is free for both UDP and TCP")

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        self._udp.close()
        self._server.close()

    async def load(self, primary: tuple[str, int], secondary: tuple[str, int]) -> None:
        """Takes the first version of every zone, so that the secondary finds all of them when it starts."""
        self._primary, self._secondary = primary, secondary
        for zone in self.zones:
            self._published[zone] = await self._transfer(zone, 0.0)

    async def secondary_has_all(self) -> None:
        """Returns when the secondary serves every zone."""
        while missing := [zone for zone in self.zones if zone not in self._secondary_serial]:
            for zone in missing:
                self._udp.sendto(dnswire.query(zone, dnswire.SOA), self._secondary)
            await asyncio.sleep(0.05)

    def set_lag(self, lag: float) -> None:
        """Holds for versions that wait already, too."""
        self.lag = lag
        for zone in self.zones:
            self._publish_due(zone)

    # --- primary to relay

    def datagram_received(self, data, addr):
        try:
            if dnswire.is_response(data):
                self._heard(data, addr)
            elif dnswire.opcode(data) == dnswire.NOTIFY:
                self._udp.sendto(dnswire.answer(data), addr)
                self._changed(dnswire.question(data)[0])
            else:
                self._udp.sendto(dnswire.answer(data, dnswire.NOTIMP), addr)
        except (IndexError, struct.error, UnicodeDecodeError):
            pass  # not DNS

    def _changed(self, zone: str) -> None:
        now = asyncio.get_running_loop().time()
        if zone in self._capturing:
            self._again.setdefault(zone, now)
        elif zone in self._published:
            self._capturing.add(zone)
            self._spawn(self._capture(zone, now))

    async def _capture(self, zone: str, seen_at: float) -> None:
        try:
            while True:
                version = await self._transfer(zone, seen_at)
                self._waiting[zone].append(version)
                self._publish_due(zone)
                if zone not in self._again:
                    return
                seen_at = self._again.pop(zone)
        finally:
            self._capturing.discard(zone)

    async def _transfer(self, zone: str, seen_at: float) -> Version:
        reader, writer = await asyncio.open_connection(*self._primary)
        try:
            request = dnswire.query(zone, dnswire.AXFR)
            writer.write(struct.pack(">H", len(request)) + request)
            messages, soas = [], 0
            while soas < 2:  # a transfer ends with the SOA with which it began
                messages.append(await _read_message(reader))
                if dnswire.rcode(messages[-1]):
                    raise ConnectionError(f"the primary refuses to transfer {zone}")
                soas += len(dnswire.soa_records(messages[-1]))
            return Version(seen_at, dnswire.serial(messages[0]), messages)
        finally:
            writer.close()

    # --- relay to secondary

    def _publish_due(self, zone: str) -> None:
        loop = asyncio.get_running_loop()
        waiting = self._waiting[zone]
        if timer := self._timers.pop(zone, None):
            timer.cancel()
        due = False
        while waiting and waiting[0].seen_at + self.lag <= loop.time():
            self._published[zone] = waiting.popleft()
            due = True
        if waiting:
            self._timers[zone] = loop.call_at(waiting[0].seen_at + self.lag, self._publish_due, zone)
        if due and zone not in self._announcing:
            self._announcing.add(zone)
            self._spawn(self._announce(zone))

    async def _announce(self, zone: str) -> None:
        """Notifies the secondary until it serves what is published."""
        try:
            while self._secondary_serial.get(zone, 0) < self._published[zone].serial:
                target = self._published[zone]
                self._udp.sendto(dnswire.notify(zone, target.messages[0]), self._secondary)
                for _ in range(10):
                    await asyncio.sleep(0.03)
                    self._udp.sendto(dnswire.query(zone, dnswire.SOA), self._secondary)
                    if self._secondary_serial.get(zone, 0) >= target.serial or self._published[zone] is not target:
                        break
        finally:
            self._announcing.discard(zone)

    def _heard(self, data: bytes, addr) -> None:
        if addr == self._secondary and dnswire.opcode(data) == dnswire.QUERY:
            serial = dnswire.serial(data)
            if serial is not None:
                self._secondary_serial[dnswire.question(data)[0]] = serial

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await _read_message(reader)
                zone, kind = dnswire.question(request)
                if kind == dnswire.AXFR and zone in self._published:
                    replies = self._published[zone].messages
                else:
                    replies = [dnswire.answer(request, dnswire.REFUSED)]
                for reply in replies:
                    writer.write(struct.pack(">H", len(reply)) + dnswire.message_id(request) + reply[2:])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, IndexError, struct.error):
            pass
        finally:
            writer.close()

    def _spawn(self, work) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)  # asyncio itself keeps only a weak reference
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            print(f"relay: {task.exception()!r}", flush=True)


async def _read_message(reader: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack(">H", await reader.readexactly(2))
    return await reader.readexactly(length)
