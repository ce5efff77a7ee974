"""The process behind a running Lab: parent of its servers, home of the relay.

As their parent it alone knows for certain which processes are the Lab's; everybody else asks it over the control
socket. The servers get SIGTERM from the kernel if it dies.
"""

import asyncio
import json
import os
import re
import secrets
import shlex
import signal
import ssl
import urllib.request
from pathlib import Path

from . import dnswire, parts, zones
from .fault_proxy import FaultProxy
from .options import Options, lag_seconds
from .processes import PortClaims, PortTaken, end_remaining_children, identity, last_lines
from .relay import Relay

START_DEADLINE = 20.0
STOP_DEADLINE = 10.0
# pebble and nsd; named, which has no word for it when only TCP is taken
PORT_IS_TAKEN = re.compile(r"address already in use|unable to listen on any configured interfaces", re.IGNORECASE)


class StartFailed(Exception):
    pass


class Running:
    """One part while it runs, and what is left of it afterwards."""

    def __init__(self, part: parts.Part, process: asyncio.subprocess.Process):
        self.part = part
        self.process = process
        self.identity = identity(process.pid)
        self.paused = False

    @property
    def ended(self) -> bool:
        return self.process.returncode is not None

    def state(self) -> str:
        if not self.ended:
            return "paused" if self.paused else "running"
        code = self.process.returncode
        return f"died: signal {-code}" if code < 0 else f"died: exit status {code}"

    def signal(self, number: int) -> None:
        """To the whole group: nsd is several processes. Only while the leader is not reaped: afterwards the group's
        number could belong to somebody else."""
        if not self.ended:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                pass

    async def stop(self) -> None:
        self.signal(signal.SIGCONT)
        if not self.ended:
            self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), STOP_DEADLINE)
        except asyncio.TimeoutError:
            self.signal(signal.SIGKILL)
            await self.process.wait()


class Supervisor:
    def __init__(self, directory: Path, options: Options, made_directory: bool):
        self.directory = directory
        self.options = options
        self.made_directory = made_directory
        self.names = zones.zone_names(options.zones)
        self.claims = PortClaims()
        self.running: dict[str, Running] = {}
        self.relay: Relay | None = None
        self.proxy: FaultProxy | None = None
        self.facts: dict = {}
        self.stopping = asyncio.Event()

    # --- start

    async def start(self) -> None:
        for attempts_left in range(4, -1, -1):
            try:
                return await self._start_once()
            except PortTaken as problem:
                await self.stop_parts()
                if not attempts_left:
                    raise StartFailed(str(problem)) from None

    async def _start_once(self) -> None:
        token = "lab-" + secrets.token_hex(8)
        self.relay = Relay(self.names, self.options.lag)
        await self.relay.open()
        ports = parts.Ports(dns=self.options.dns_port or self.claims.take(zones.PRIMARY, zones.SECONDARY), relay=self.relay.port,
                            acme=self.claims.take("127.0.0.1"), management=self.claims.take("127.0.0.1"),
                            proxy=self.claims.take("127.0.0.1") if self.options.fault_proxy else None)
        primary, secondary = (zones.PRIMARY, ports.dns), (zones.SECONDARY, ports.dns)
        keys = parts.write_keys(self.directory, self.names, ports)
        ca, acme = parts.ca(self.directory, self.options, ports)

        await self._launch(parts.primary(self.directory, self.names, keys, ports, token))
        await self._ready("primary", self._serves(primary, token))
        await self.relay.load(primary, secondary)
        await self._launch(parts.secondary(self.directory, self.names, ports))
        await self._launch(ca)
        await self._open_proxy(ports, acme)
        await self._ready("secondary", self._serves(secondary, token))
        await self._ready("secondary", self.relay.secondary_has_all())
        await self._ready("ca", self._ca_answers(acme))

        self.facts = self._facts(ports, keys, acme)
        self._write_facts()

    async def _open_proxy(self, ports: parts.Ports, acme: dict) -> None:
        if not ports.proxy:
            return
        self.proxy = FaultProxy(self.directory / "proxy.log")
        try:
            await self.proxy.open(ports.proxy, ports.acme, Path(acme["tls"]["certificate"]),
                                  Path(acme["tls"]["key"]), Path(acme["ca_bundle"]))
        except OSError as problem:
            raise PortTaken(f"the fault proxy did not start: {problem}") from None

    async def _launch(self, part: parts.Part) -> None:
        # A PEBBLE_VA_ALWAYS_VALID left in somebody's shell must not make every test pass.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PEBBLE_")}
        # setpriv: the kernel ends the part should the supervisor be killed.
        with part.log.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                "setpriv", "--pdeathsig", "TERM", "--", *part.command, stdin=asyncio.subprocess.DEVNULL,
                stdout=log, stderr=log, cwd=self.directory, env={**inherited, **part.environment},
                start_new_session=True)
        self.running[part.name] = Running(part, process)

    async def _ready(self, name: str, condition) -> None:
        """Waits for the condition, for as long as the part lives and has not lost its port to somebody."""
        running = self.running[name]
        waiting = asyncio.ensure_future(condition)
        deadline = asyncio.get_running_loop().time() + START_DEADLINE
        try:
            while not (await asyncio.wait([waiting], timeout=0.2))[0]:
                log = running.part.log.read_text(errors="replace")
                if PORT_IS_TAKEN.search(log):
                    raise PortTaken(self._failure(running, "its port was taken, five times in a row"))
                if running.ended:
                    raise StartFailed(self._failure(running, running.state()))
                if asyncio.get_running_loop().time() > deadline:
                    raise StartFailed(self._failure(running, f"not ready after {START_DEADLINE:g} s"))
            waiting.result()
        finally:
            waiting.cancel()

    @staticmethod
    def _failure(running: Running, what: str) -> str:
        program = " ".join(running.part.command[:1])
        return (f"the {running.part.name} ({program}) did not start: {what}; "
                f"the end of {running.part.log}:\n{last_lines(running.part.log)}")

    async def _serves(self, server: tuple[str, int], token: str) -> None:
        """Until it serves every zone; a server loads them one after the other, and answers meanwhile. The token makes sure
        that it is this Lab's server that answers."""
        loop = asyncio.get_running_loop()
        answers: asyncio.Queue = asyncio.Queue()

        class Ask(asyncio.DatagramProtocol):
            def datagram_received(self, data, addr):
                answers.put_nowait(data)

        udp, _ = await loop.create_datagram_endpoint(Ask, remote_addr=server)
        try:
            for zone in self.names:
                while True:
                    udp.sendto(dnswire.query(zone, dnswire.SOA))
                    try:
                        answer = await asyncio.wait_for(answers.get(), 0.05)
                    except asyncio.TimeoutError:
                        continue
                    if token.encode() in answer and dnswire.question(answer)[0] == zone:
                        break
                    await asyncio.sleep(0.01)
        finally:
            udp.close()

    async def _ca_answers(self, acme: dict) -> None:
        trust = ssl.create_default_context(cafile=acme["ca_bundle"])
        # Whatever proxy the environment names is not for loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust))

        def fetch(url: str) -> bytes:
            with opener.open(url, timeout=2) as reply:
                return reply.read()

        while True:
            try:
                await asyncio.to_thread(fetch, acme["direct_directory"])
                for number, path in enumerate(acme["roots"]):
                    Path(path).write_bytes(await asyncio.to_thread(fetch, f"{acme['management']}/roots/{number}"))
                return
            except OSError:
                await asyncio.sleep(0.05)

    # --- what the Lab tells about itself

    def _facts(self, ports: parts.Ports, keys: dict, acme: dict) -> dict:
        return {
            "directory": str(self.directory),
            "made_directory": self.made_directory,
            "lag": self.relay.lag,
            "dns": {"port": ports.dns, "primary_address": zones.PRIMARY, "secondary_address": zones.SECONDARY,
                    "primary": f"{zones.PRIMARY}:{ports.dns}", "secondary": f"{zones.SECONDARY}:{ports.dns}",
                    # What certherd's configuration needs to say: nobody but the Lab knows its names.
                    "certherd": {"resolvers": [f"{zones.PRIMARY}:{ports.dns}"], "port": ports.dns,
                                 "public_resolvers": []}},
            "acme": acme,
            "zones": self.names,
            "names": zones.NAMES,
            "keys": keys,
            "master_key": zones.MASTER_KEY,
            "logs": {**{name: str(running.part.log) for name, running in self.running.items()},
                     **({"proxy": str(self.directory / "proxy.log")} if self.proxy else {}),
                     "supervisor": str(self.directory / "supervisor.log")},
            "processes": {"supervisor": identity(os.getpid()),
                          **{name: running.identity for name, running in self.running.items()}},
        }

    def _write_facts(self) -> None:
        variables = {
            "LAB_DIR": self.facts["directory"],
            "LAB_DNS_PORT": self.facts["dns"]["port"],
            "LAB_PRIMARY": self.facts["dns"]["primary"],
            "LAB_SECONDARY": self.facts["dns"]["secondary"],
            "LAB_ACME_DIRECTORY": self.facts["acme"]["directory"],
            "LAB_ACME_MANAGEMENT": self.facts["acme"]["management"],
            "LAB_CA_BUNDLE": self.facts["acme"]["ca_bundle"],
            "LAB_CREDENTIALS": str(self.directory / "credentials"),
        }
        if self.facts["acme"]["eab"]:
            variables["LAB_EAB_KID"] = self.facts["acme"]["eab"]["kid"]
            variables["LAB_EAB_HMAC_KEY"] = self.facts["acme"]["eab"]["hmac_key"]
        self.facts["environment"] = {name: str(value) for name, value in variables.items()}
        self._write("lab.env", "".join(f"export {name}={shlex.quote(str(value))}\n" for name, value in variables.items()))
        self._write("lab.json", json.dumps(self.facts, indent=2) + "\n")

    def _write(self, name: str, text: str) -> None:
        new = self.directory / f".{name}.new"
        new.write_text(text)
        new.rename(self.directory / name)

    # --- control

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            reply = self.obey(json.loads(await reader.readline()))
        except (ValueError, KeyError, TypeError) as problem:
            reply = {"error": str(problem) or repr(problem)}
        try:
            writer.write(json.dumps(reply).encode() + b"\n")
            await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    def obey(self, request: dict) -> dict:
        what = request["do"]
        if what == "fault":
            if not self.proxy:
                raise ValueError("this Lab has no fault proxy: start it with --fault-proxy")
            return self.proxy.faults.obey(request)
        if what == "stop":
            self.stopping.set()
        elif what == "lag":
            self.relay.set_lag(lag_seconds(request["lag"]))
            self.facts["lag"] = self.relay.lag
            self._write_facts()
        elif what in ("pause", "resume"):
            running = self.running[request["part"]]
            running.signal(signal.SIGSTOP if what == "pause" else signal.SIGCONT)
            running.paused = what == "pause"
        elif what != "status":
            raise ValueError(f"unknown request {what!r}")
        return {"lag": self.relay.lag,
                "parts": {name: {**running.identity, "state": running.state(), "log": str(running.part.log)}
                          for name, running in self.running.items()}}

    async def stop_parts(self) -> None:
        await asyncio.gather(*(running.stop() for running in self.running.values()))
        await end_remaining_children()
        self.running.clear()
        if self.proxy:
            await self.proxy.close()
            self.proxy = None
        if self.relay:
            self.relay.close()
        self.claims.release()
