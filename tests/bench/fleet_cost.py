"""A fleet renewed at once: by the service with either engine, by a loop of parallel certbots with private directories,
by `certbot renew`."""

import json
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path
from statistics import median

from bench.issue_cost import seen_child
from bench.service import Service, group_cpu
from e2e.harness import descendants


class Fleet:
    """certherd's directories, and so many certificates that have been issued once."""

    def __init__(self, certherd: Path, lab, directory: Path, count: int, propagation: int):
        self.certherd, self.lab, self.directory = certherd, lab, directory
        self.count, self.propagation = count, propagation
        self.state = directory / "state"
        self.environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        self.names = [f"n{number:04}.example.test" for number in range(count)]

    def configure(self, propagation: int, engine="auto", end_wait=False) -> None:
        settings = {
            "email": "hostmaster@example.test", "agree_tos": True, "ca": "lab", "max_parallel": self.count,
            "propagation": {"end_wait": end_wait},  # bare certbot takes its time
            "certbot": {"engine": engine},
            "dns": self.lab.facts["dns"]["certherd"],
            "state_dir": "state", "runtime_dir": "run", "audit_log": "audit.jsonl",
            "cas": {"lab": {"server": self.lab.facts["acme"]["directory"],
                            "ca_bundle": self.lab.facts["acme"]["ca_bundle"]}},
            "accounts": {"a": {"provider": "rfc2136", "zones": ["example.test"],
                               "credentials_file": self.lab.credentials("key-a")}},
            "certificates": [{"domains": [name], "dns_provider": "rfc2136", "propagation_seconds": propagation}
                             for name in self.names]}
        (self.directory / "certherd.yaml").write_text(json.dumps(settings, indent=1))

    def command(self, *arguments) -> list[str]:
        return [str(self.certherd), "--config", str(self.directory / "certherd.yaml"), *arguments]

    def theirs(self, name: str) -> Path:
        return self.state / "certbot" / name

    def issue_all(self) -> None:
        self.configure(0)  # warm, where it can be
        subprocess.run(self.command("issue", "--all"), env=self.environment, check=True, stdout=subprocess.DEVNULL)
        self.configure(self.propagation, "plain")


def one_server(lab) -> None:
    """The primary alone serves the zone: what the secondary costs is nobody's here."""
    lab.set_lag(3600)
    lab.nsupdate("zone example.test.\nupdate delete example.test. NS ns2.example.test.")


class Watch:
    """Looks at the forked certbots and the process that forks them while they work."""

    def __init__(self, service):
        self.service, self.pss, self.host_cpu, self.host_kib = service, [], {}, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._look_once(0)
        self._stop.set()
        self._thread.join()

    def _look(self):
        while not self._stop.wait(1):
            self._look_once(3)

    def _look_once(self, samples):
        for pid in descendants(self.service.process.pid):
            try:
                name = Path(f"/proc/{pid}/comm").read_text().strip()
                if name == "certbot host":
                    self.host_cpu[pid] = group_cpu(pid)
                    self.host_kib = max(self.host_kib, rollup_kib(pid))
                elif name == "certbot" and samples > 0:
                    samples -= 1
                    self.pss.append(rollup_kib(pid))
            except (OSError, IndexError):
                continue  # it has ended


def rollup_kib(pid: int) -> int:
    """The process's proportional share of memory (proc_pid_smaps_rollup(5))."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(text.split("\nPss:")[1].split()[0])


def by_certherd(fleet: Fleet, engine: str, end_wait: bool) -> dict:
    """`issue --all --force` through the running service."""
    fleet.configure(fleet.propagation, engine, end_wait)
    with Service(fleet.command("run"), fleet.environment, fleet.directory / "run") as service:
        before = service.cost()
        begin = time.monotonic()
        with Watch(service) as watch:
            client = subprocess.Popen(fleet.command("--json", "issue", "--all", "--force"), env=fleet.environment,
                                      stdout=subprocess.PIPE, text=True)
            said = client.stdout.read()
            os.waitid(os.P_PID, client.pid, os.WEXITED | os.WNOWAIT)
            wall = time.monotonic() - begin
        client_cpu = group_cpu(client.pid)
        if client.wait():
            raise RuntimeError(f"certherd issue ended with {client.returncode}; its records are in {fleet.directory}")
        after = service.cost()
        runs = [line["run"] for line in json.loads(said)]
        if len(runs) != fleet.count or any(run["outcome"] != "deployed" for run in runs):
            raise RuntimeError(f"not all of the {fleet.count} certificates were deployed: see {fleet.directory}")
        attempts = [attempt for run in runs for attempt in run["attempts"]]
        return {"wall": wall, "own_cpu": after.own - before.own, "client_cpu": client_cpu,
                "cpu": sum(attempt["user_seconds"] + attempt["system_seconds"] for attempt in attempts),
                "host_cpu": sum(watch.host_cpu.values()), "host_kib": watch.host_kib,
                "child_kib": median(watch.pss) if watch.pss else 0,
                "peak_kib": service.peak_kib(), "attempts": len(attempts)}


def private_copies(fleet: Fleet) -> list[tuple[list[str], dict[str, str]]]:
    """A command for each certificate: that of certherd, in directories that are copies."""
    sample = fleet.names[0]
    arguments, environment = seen_child(fleet, sample)
    credentials = fleet.directory / "credentials.ini"
    shutil.copy(fleet.lab.credentials("key-a"), credentials)
    credentials.chmod(0o600)
    arguments[arguments.index("--dns-rfc2136-credentials") + 1] = str(credentials)
    commands = []
    for name in fleet.names:
        copy = fleet.directory / "bare" / name
        shutil.copytree(fleet.theirs(name), copy, symlinks=True)
        accounts = copy / "config" / "accounts"
        accounts.unlink()
        shutil.copytree(fleet.theirs(name) / "config" / "accounts", accounts)
        move_conf(copy / "config" / "renewal" / f"{name}.conf", fleet.theirs(name), copy)
        (copy / "logs" / "letsencrypt.log").unlink(missing_ok=True)

        def own(word, copy=copy, name=name):
            return word.replace(str(fleet.theirs(sample)), str(copy)).replace(sample, name)

        commands.append(([own(word) for word in arguments], {key: own(value) for key, value in environment.items()}))
    return commands


def move_conf(conf: Path, before: Path, after: Path) -> None:
    conf.write_text(conf.read_text().replace(str(before), str(after)))


def by_parallel_certbots(fleet: Fleet) -> dict:
    """All of them started at once, as a shell loop with `&` does it."""
    commands = private_copies(fleet)
    begin = time.monotonic()
    children = [subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, cwd="/") for words, environment in commands]
    cpu, failed = 0.0, 0
    for child in children:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        cpu += usage.ru_utime + usage.ru_stime
        failed += child.returncode != 0
    return {"wall": time.monotonic() - begin, "cpu": cpu, "failed": failed}


def by_certbot_renew(fleet: Fleet, count: int) -> dict:
    """certbot's own way, one after the other, on the first few of them."""
    together = fleet.directory / "together"
    fleet.configure(fleet.propagation, "plain")
    arguments, environment = seen_child(fleet, fleet.names[0])
    for name in fleet.names[:count]:
        config = fleet.theirs(name) / "config"
        for part in ("live", "archive"):
            shutil.copytree(config / part / name, together / "config" / part / name, symlinks=True)
        (together / "config" / "renewal").mkdir(exist_ok=True)
        conf = together / "config" / "renewal" / f"{name}.conf"
        shutil.copy(config / "renewal" / f"{name}.conf", conf)
        move_conf(conf, fleet.theirs(name), together)
    shutil.copytree(fleet.theirs(fleet.names[0]) / "config" / "accounts", together / "config" / "accounts")
    words = [arguments[0]] if "python" not in arguments[0] else arguments[:2]
    words += ["renew", "--force-renewal", "--no-random-sleep-on-renew", "--non-interactive",
              "--config-dir", together / "config", "--work-dir", together / "work", "--logs-dir", together / "logs",
              "--dns-rfc2136-credentials", fleet.directory / "credentials.ini",
              "--dns-rfc2136-propagation-seconds", str(fleet.propagation)]
    begin = time.monotonic()
    done = subprocess.run([str(word) for word in words], env=environment, cwd="/", capture_output=True, text=True)
    wall = time.monotonic() - begin
    if done.returncode:
        raise RuntimeError(f"certbot renew ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return {"count": count, "wall": wall, "wall_each": wall / count}


# How a fleet is renewed, besides `certbot renew`.
WAYS = {"loop": "a loop of parallel certbots", "plain": "certherd, plain", "warm": "certherd, warm",
        "ended": "certherd, warm, wait ended"}


def measure(fleet: Fleet, say) -> dict:
    say(f"issuing {fleet.count} certificates")
    fleet.issue_all()
    work = {"loop": lambda: by_parallel_certbots(fleet), "plain": lambda: by_certherd(fleet, "plain", False),
            "warm": lambda: by_certherd(fleet, "warm", False), "ended": lambda: by_certherd(fleet, "warm", True)}
    result = {"count": fleet.count, "ways": {}}
    for way, title in WAYS.items():
        result["ways"][way] = work[way]()
        say(f"{fleet.count} renewed by {title}: {result['ways'][way]['wall']:.1f} s")
    return result
