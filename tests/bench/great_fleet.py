"""A fleet so large that it is issued and renewed by certherd alone: what it takes, and what all that takes part holds."""

import json
import subprocess
import threading
import time
from pathlib import Path

from bench.fleet_cost import Fleet, rollup_kib
from bench.service import TICKS, Service, group_cpu
from e2e.harness import descendants

PARTS = ("certherd", "certbot host", "pebble", "named")


class GreatFleet(Fleet):
    """Under the warm engine, with the ended wait; nothing but the machine limits it."""

    def __init__(self, certherd, lab, directory, count, propagation, parallel):
        super().__init__(certherd, lab, directory, count, propagation)
        self.names = [f"n{number:06}.example.test" for number in range(count)]
        self.configure(propagation, "warm", True)
        file = directory / "certherd.yaml"
        settings = json.loads(file.read_text())
        del settings["max_parallel"]
        if parallel:
            settings["max_parallel"] = parallel
        settings["cas"]["lab"]["rate_limits"] = "off"
        file.write_text(json.dumps(settings, indent=1))


class Peaks:
    """The largest memory of each part, looked at every two seconds, and the CPU time of each forking process."""

    def __init__(self, service, lab):
        self.service = service.process.pid
        parts = lab.status()["parts"]
        self.theirs = [parts["ca"]["pid"], parts["primary"]["pid"]]
        self.kib, self.host_cpu = dict.fromkeys(PARTS, 0), {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self):
        self._stop.set()
        self._thread.join()

    def look(self):
        for pid in (self.service, *descendants(self.service), *self.theirs):
            try:
                name = Path(f"/proc/{pid}/comm").read_text().strip()
                if name not in PARTS:
                    continue
                self.kib[name] = max(self.kib[name], rollup_kib(pid))
                if name == "certbot host":
                    self.host_cpu[pid] = group_cpu(pid)
            except (OSError, IndexError):
                continue  # it has ended

    def _look(self):
        while not self._stop.wait(2):
            self.look()


def busy_seconds() -> float:
    """CPU time of the whole machine since its boot that was not idle (proc(5), /proc/stat)."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return (sum(fields[:3]) + sum(fields[5:8])) / TICKS


def handle_all(fleet: GreatFleet, service: Service, peaks: Peaks) -> dict:
    own, busy, hosts = service.cost().own, busy_seconds(), dict(peaks.host_cpu)
    begin = time.monotonic()
    said = subprocess.run(fleet.command("--json", "issue", "--all", "--force"), env=fleet.environment, capture_output=True,
                          text=True).stdout
    wall = time.monotonic() - begin
    peaks.look()
    runs = [line["run"] for line in json.loads(said)]
    attempts = [attempt for run in runs if run for attempt in run["attempts"]]
    return {"wall": wall, "own_cpu": service.cost().own - own, "busy": busy_seconds() - busy,
            "host_cpu": sum(cpu - hosts.get(pid, 0) for pid, cpu in peaks.host_cpu.items()),
            "cpu": sum(attempt["user_seconds"] + attempt["system_seconds"] for attempt in attempts),
            "attempts": len(attempts), "failed": sum(not run or run["outcome"] != "deployed" for run in runs)}


def size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def measure(fleet: GreatFleet, say) -> dict:
    result = {"count": fleet.count}
    with Service(fleet.command("run"), fleet.environment, fleet.directory / "run") as service:
        peaks = Peaks(service, fleet.lab)
        # The service begins by itself with what is new; whoever asks then shares those Runs.
        for what in ("issued", "renewed"):
            result[what] = handle_all(fleet, service, peaks)
            say(f"{fleet.count} {what} in {result[what]['wall']:.0f} s, {result[what]['failed']} failed")
        peaks.end()
        result["peak_kib"] = peaks.kib
        result["peak_kib"]["certherd"] = service.peak_kib()
    result["bytes"] = {"database": sum(size(file) for file in fleet.state.glob("certherd.db*")),
                       "audit": size(fleet.directory / "audit.jsonl"), "runs": size(fleet.state / "runs")}
    return result
