"""What `certherd issue --force` costs beside bare certbot: same arguments, same environment, same CA and DNS."""

import json
import os
import shutil
import subprocess
import time
from datetime import datetime
from pathlib import Path

from bench.measure import median, peak_kib, spent, spread

NAME = "example.test"
DOMAINS = [NAME, "*." + NAME]


class Host:
    """certherd's directories below one of its own, and a certificate that has been issued once."""

    def __init__(self, certherd: Path, lab, directory: Path):
        self.certherd, self.lab, self.directory = certherd, lab, directory
        self.state = directory / "state"
        self.environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        self.configure(0)
        self.must("issue", NAME)

    def configure(self, propagation: int) -> None:
        settings = {
            "email": "hostmaster@example.test", "agree_tos": True, "ca": "lab",
            "propagation": {"end_wait": False},  # bare certbot takes its time as well
            "dns": self.lab.facts["dns"]["certherd"],
            "state_dir": "state", "runtime_dir": "run", "audit_log": "audit.jsonl",
            "cas": {"lab": {"server": self.lab.facts["acme"]["directory"],
                            "ca_bundle": self.lab.facts["acme"]["ca_bundle"]}},
            "accounts": {"a": {"provider": "rfc2136", "zones": [NAME],
                               "credentials_file": self.lab.credentials("key-a")}},
            "certificates": [{"domains": DOMAINS, "dns_provider": "rfc2136", "propagation_seconds": propagation}]}
        (self.directory / "certherd.yaml").write_text(json.dumps(settings, indent=1))

    def command(self, *arguments) -> list[str]:
        return [str(self.certherd), "--config", str(self.directory / "certherd.yaml"), *arguments]

    def must(self, *arguments) -> str:
        done = subprocess.run(self.command(*arguments), env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"certherd {' '.join(arguments)} ended with {done.returncode}:\n"
                               f"{done.stdout}{done.stderr}")
        return done.stdout

    def last_run(self) -> dict:
        return json.loads(self.must("--json", "show", NAME))["last_run"]


class BareCertbot:
    """certbot as certherd starts it, with private directories of its own: copies, so that both renew a certificate that
    they have and use an ACME account that is registered."""

    def __init__(self, host: Host):
        self.arguments, self.environment = seen_child(host)
        theirs = host.state / "certbot" / NAME
        self.directory = host.directory / "bare"
        shutil.copytree(theirs, self.directory, symlinks=True)
        accounts = self.directory / "config" / "accounts"
        accounts.unlink()
        shutil.copytree(theirs / "config" / "accounts", accounts)
        renewal = self.directory / "config" / "renewal" / f"{NAME}.conf"
        renewal.write_text(renewal.read_text().replace(str(theirs), str(self.directory)))
        credentials = self.directory / "credentials.ini"
        shutil.copy(host.lab.credentials("key-a"), credentials)
        credentials.chmod(0o600)
        at = self.arguments.index("--dns-rfc2136-credentials") + 1
        self.arguments[at] = str(credentials)
        self.arguments = [word.replace(str(theirs), str(self.directory)) for word in self.arguments]
        self.environment = {name: value.replace(str(theirs), str(self.directory))
                            for name, value in self.environment.items()}

    def command(self, propagation: int) -> list[str]:
        words = list(self.arguments)
        words[words.index("--dns-rfc2136-propagation-seconds") + 1] = str(propagation)
        return words

    def clear_log(self) -> None:
        """certbot appends; certherd removes the log of each Attempt."""
        (self.directory / "logs" / "letsencrypt.log").unlink(missing_ok=True)


def seen_child(host, name: str = NAME) -> tuple[list[str], dict[str, str]]:
    """Arguments and environment of the certbot that certherd starts, as the kernel has them."""
    process = subprocess.Popen(host.command("issue", "--force", name), env=host.environment,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    found = None
    while process.poll() is None:
        for task in Path(f"/proc/{process.pid}/task").glob("*/children"):
            for pid in read_or_empty(task).split():
                words = read_or_empty(Path(f"/proc/{pid}/cmdline")).split("\0")[:-1]
                if "certonly" in words:
                    found = words, read_or_empty(Path(f"/proc/{pid}/environ"))
        time.sleep(0.005)
    if process.returncode or not found or not found[1]:
        raise RuntimeError(f"certherd ended with {process.returncode}; its certbot was "
                           f"{'seen' if found else 'not seen'}")
    words, block = found
    return words, dict(line.split("=", 1) for line in block.split("\0") if "=" in line)


def read_or_empty(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # gone meanwhile
        return ""


def run_certherd(host: Host) -> dict:
    cost = spent(host.command("issue", "--force", NAME), host.environment)
    if cost.code:
        raise RuntimeError(f"certherd issue ended with {cost.code}; its records are in {host.directory}")
    run = host.last_run()
    attempt = run["attempts"][-1]
    during = (datetime.fromisoformat(attempt["ended"].replace("Z", "+00:00"))
              - datetime.fromisoformat(attempt["started"].replace("Z", "+00:00"))).total_seconds()
    # What any verb pays before its own work: libraries, plugins-map, configuration.
    start = spent(host.command("list"), host.environment)
    return {"wall": cost.seconds, "own_cpu": cost.own_cpu, "start_cpu": start.own_cpu, "certbot_cpu": cost.child_cpu,
            "certbot_wall": during, "added_wall": cost.seconds - during}


def run_bare(bare: BareCertbot, propagation: int) -> dict:
    bare.clear_log()
    cost = spent(bare.command(propagation), bare.environment, cwd="/")
    if cost.code:
        raise RuntimeError(f"bare certbot ended with {cost.code}; its log is in {bare.directory / 'logs'}")
    return {"wall": cost.seconds, "cpu": cost.own_cpu + cost.child_cpu}


def measure(host: Host, propagations: list[int], repetitions: int, say) -> list[dict]:
    """For each propagation time certherd and bare certbot in turns, each of them first as often as the other."""
    bare = BareCertbot(host)
    results = []
    for propagation in propagations:
        host.configure(propagation)
        pairs = []
        for index in range(repetitions):
            if index % 2:
                alone = run_bare(bare, propagation)
                supervised = run_certherd(host)
            else:
                supervised = run_certherd(host)
                alone = run_bare(bare, propagation)
            pairs.append({"certherd": supervised, "bare": alone})
            say(f"propagation {propagation} s, {index + 1}/{repetitions}: certherd {supervised['wall']:.3f} s "
                f"(added {supervised['added_wall'] * 1000:.0f} ms), bare {alone['wall']:.3f} s")
        memory = peak_kib(host.command("issue", "--force", NAME), host.environment)
        results.append(summary(propagation, pairs, memory))
    return results


def summary(propagation: int, pairs: list[dict], memory: int) -> dict:
    def of(who, what):
        return [pair[who][what] for pair in pairs]

    bare_wall = median(of("bare", "wall"))
    bare_cpu = median(of("bare", "cpu"))
    return {
        "propagation": propagation, "repetitions": len(pairs),
        "bare_wall": bare_wall, "bare_wall_spread": spread(of("bare", "wall")),
        "certherd_wall": median(of("certherd", "wall")), "certherd_wall_spread": spread(of("certherd", "wall")),
        "wall_ratio_of_pairs": median([pair["certherd"]["wall"] / pair["bare"]["wall"] for pair in pairs]),
        "added_wall": median(of("certherd", "added_wall")), "added_wall_spread": spread(of("certherd", "added_wall")),
        "added_wall_share": median(of("certherd", "added_wall")) / bare_wall,
        "bare_cpu": bare_cpu, "certbot_cpu": median(of("certherd", "certbot_cpu")),
        "own_cpu": median(of("certherd", "own_cpu")), "own_cpu_spread": spread(of("certherd", "own_cpu")),
        "own_cpu_share": median(of("certherd", "own_cpu")) / bare_cpu,
        "start_cpu": median(of("certherd", "start_cpu")),
        "peak_kib": memory, "pairs": pairs}
