"""The fault proxy: what stands before the CA and, when told to, spoils what passes.

A client signs the URL of each request (RFC 8555 section 6.4), and pebble makes every URL it hands out from the Host
header. So the proxy passes that header on as it came: the client's signatures hold, and all URLs lead to the proxy.
"""

import asyncio
import json
import ssl
import time
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from .faults import Answer, Fault, Faults, endpoint_of

LONGEST_HEAD, LONGEST_BODY = 64 * 1024, 4 * 1024 * 1024
# Headers that belong to one connection, and those that the proxy writes itself.
OF_THE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length", "date"}


@dataclass
class Request:
    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")


class FaultProxy:
    def __init__(self, log: Path):
        self.faults = Faults()
        self.port = 0
        self._log = log.open("w", buffering=1)
        self._upstream = 0
        self._trust: ssl.SSLContext | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task] = set()

    async def open(self, port: int, upstream: int, certificate: Path, key: Path, authority: Path) -> None:
        """Listens on the port of 127.0.0.1; OSError when somebody has it."""
        self.port, self._upstream = port, upstream
        self._trust = ssl.create_default_context(cafile=str(authority))
        own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own.load_cert_chain(certificate, key)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=own, limit=LONGEST_HEAD,
                                                  backlog=512)

    async def close(self) -> None:
        if self._server:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._log.close()

    # --- one connection

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._connections.add(task)
        try:
            while (request := await _read_request(reader)) and await self._answer(request, reader, writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, OSError):
            pass  # not HTTP, or gone
        except asyncio.CancelledError:
            pass  # the Lab stops; asyncio would print it for a task of its own making
        finally:
            self._connections.discard(task)
            writer.transport.abort() if writer.is_closing() else writer.close()

    async def _answer(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answers, or does what a fault says; whether the connection goes on."""
        begin = time.time()
        fault = self.faults.fault_for(request.method, request.path)
        if fault and fault.kind == "hang":
            if fault.reached:
                await self._pass_on(request)
            self._note(request, fault, None, begin)
            while await reader.read(4096):  # until the client has had enough
                pass
            return False
        if fault and fault.kind == "delay":
            await asyncio.sleep(fault.seconds)

        if fault and fault.kind in ("status", "close") and not fault.reached:
            answer = fault.answer()
        else:
            answer = await self._pass_on(request)
            if fault and fault.kind == "status":
                answer = fault.answer()
        self._note(request, fault, None if fault and fault.kind == "close" else answer.status, begin)
        if fault and fault.kind == "close":
            writer.transport.abort()
            return False
        data = self._written(request, answer)
        if fault and fault.kind == "truncate":
            # The whole length was announced; an answer without a body loses half of its head.
            keep = len(data) - len(answer.body) + len(answer.body) // 2 if answer.body else len(data) // 2
            writer.write(data[:keep])
            await writer.drain()
            writer.close()
            return False
        writer.write(data)
        await writer.drain()
        return request.header("connection").lower() != "close"

    def _written(self, request: Request, answer: Answer) -> bytes:
        try:
            phrase = HTTPStatus(answer.status).phrase
        except ValueError:
            phrase = "Unknown"
        lines = [f"HTTP/1.1 {answer.status} {phrase}", f"Date: {self.faults.date()}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        if answer.status != 204:
            lines.append(f"Content-Length: {len(answer.body)}")
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        return head if request.method == "HEAD" else head + answer.body

    # --- the CA behind it

    async def _pass_on(self, request: Request) -> Answer:
        endpoint = endpoint_of(request.path)
        if endpoint == "renewalInfo" and self.faults.renewal_info:
            return self.faults.renewal_answer(request.path)
        try:
            answer = await self._ask_ca(request)
        except (OSError, asyncio.IncompleteReadError, ValueError) as problem:
            return Answer(502, [("Content-Type", "text/plain")], f"the CA does not answer: {problem}\n".encode())
        if endpoint == "directory" and answer.status == 200 and request.method == "GET":
            answer.body = self.faults.with_renewal_info(answer.body, request.header("host"))
        return answer

    async def _ask_ca(self, request: Request) -> Answer:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._upstream, ssl=self._trust,
                                                       server_hostname="localhost", limit=LONGEST_HEAD)
        try:
            # HTTP/1.0: one request a connection, and an answer in one piece that ends with it.
            lines = [f"{request.method} {request.path} HTTP/1.0"]
            lines += [f"{name}: {value}" for name, value in request.headers if name.lower() not in OF_THE_CONNECTION]
            if request.body:
                lines.append(f"Content-Length: {len(request.body)}")
            writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + request.body)
            await writer.drain()
            first, headers = _parsed(await reader.readuntil(b"\r\n\r\n"))
            body = await reader.read(-1)
            kept = [(name, value) for name, value in headers if name.lower() not in OF_THE_CONNECTION]
            return Answer(int(first.split()[1]), kept, body)
        finally:
            writer.close()

    def _note(self, request: Request, fault: Fault | None, status: int | None, begin: float) -> None:
        self._log.write(json.dumps({
            "at": round(begin, 3), "took": round(time.time() - begin, 3), "method": request.method,
            "path": request.path, "endpoint": endpoint_of(request.path), "fault": fault.kind if fault else None,
            "status": status, "agent": request.header("user-agent")}) + "\n")


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of the connection; None when the client has closed it."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as ended:
        if ended.partial:
            raise
        return None
    first, headers = _parsed(head)
    method, path, _ = first.split(" ")
    request = Request(method, path, headers, b"")
    length = int(request.header("content-length") or 0)
    if request.header("transfer-encoding") or not 0 <= length <= LONGEST_BODY:
        raise ValueError("a body of a kind that ACME clients do not send")
    request.body = await reader.readexactly(length)
    return request


def _parsed(head: bytes) -> tuple[str, list[tuple[str, str]]]:
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, [(name.strip(), value.strip()) for name, _, value in pairs]
