"""What one execution of a program cost."""

import mmap
import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Cost:
    seconds: float     # wall time from spawn to exit
    own_cpu: float     # user and system time of the process itself, all its threads
    child_cpu: float   # the same of the children that it waited for
    code: int


def spent(command, environment=None, output=subprocess.DEVNULL, cwd=None) -> Cost:
    """Runs a program to its end."""
    begin = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                               env=environment, cwd=cwd)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    seconds = time.monotonic() - begin
    # The CPU clock of another process (clock_getcpuclockid(3)); readable in nanoseconds until it is reaped. wait4()
    # tells no more than the sum with the children.
    own = time.clock_gettime(~process.pid << 3 | 2)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(seconds, own, max(0.0, usage.ru_utime + usage.ru_stime - own), process.returncode)


def peak_kib(command, environment=None) -> int:
    """The peak resident memory of the program itself. Looked at each millisecond, which costs: this is a run of its own.
    wait4() would tell the largest of our own size at the fork, of the program and of its children."""
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=environment)
    status = Path(f"/proc/{process.pid}/status")
    program = Path(command[0]).resolve()
    peak = 0
    while process.poll() is None:
        try:
            if Path(f"/proc/{process.pid}/exe").resolve() == program:
                lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
                peak = max(peak, int(lines.get("VmHWM", "0 kB").split()[0]))
        except OSError:
            pass  # just ended
        time.sleep(0.001)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return peak


def median(values) -> float:
    return statistics.median(values)


def spread(values) -> float:
    """Half of the values lie within a stretch of this length (the interquartile range)."""
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return high - low


def machine(certherd) -> dict:
    """What the figures depend on."""
    def first_line(*command):
        done = subprocess.run(command, capture_output=True, text=True)
        return (done.stdout or done.stderr).strip().splitlines()[0]

    cpuinfo = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line)
    memory = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    cpu = {key.strip(): value.strip() for key, value in cpuinfo.items()}.get("model name", os.uname().machine)
    return {"cpu": cpu, "cores": os.cpu_count(), "memory_gib": round(int(memory["MemTotal"].split()[0]) / 2**20, 1),
            "kernel": os.uname().release, "python": os.sys.version.split()[0],
            "certherd": first_line(certherd, "--version"), "certbot": first_line("/usr/bin/certbot", "--version")}


def page_fault_microseconds() -> float:
    """What the first touch of a page costs: 0.1 to 1 on bare metal and under most hypervisors, twenty on some. A forked
    certbot makes some five thousand of them."""
    pages = 20_000
    memory = mmap.mmap(-1, pages * mmap.PAGESIZE)
    begin = time.perf_counter()
    for page in range(0, pages * mmap.PAGESIZE, mmap.PAGESIZE):
        memory[page] = 1
    took = time.perf_counter() - begin
    begin = time.perf_counter()
    for page in range(0, pages * mmap.PAGESIZE, mmap.PAGESIZE):
        memory[page] = 2
    return (took - (time.perf_counter() - begin)) / pages * 1e6
