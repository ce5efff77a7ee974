"""The service with ten thousand certificates of which none is due: start, passes, memory, what it costs to idle."""

import re
import time

from bench.service import Service

LOOKED = re.compile(r"looked at (\d+) certificates in (\d+) µs")


def measure(estate, seconds: int, say) -> dict:
    with Service(estate.command("-vv", "run"), estate.host.environment, estate.directory / "run") as service:
        ready_memory = service.memory_kib()
        say(f"READY after {service.ready_seconds:.3f} s")
        looked = []
        while sum(count for count, _ in looked) < estate.count:
            time.sleep(0.1)
            looked = [(int(count), int(took)) for count, took in LOOKED.findall(service.said.read_text())]
        # What the start leaves behind is done when a second passes without work after the first look for renewal
        # information, which comes 20 s after READY.
        time.sleep(25)
        before = service.cost()
        while True:
            time.sleep(1)
            after = service.cost()
            if after.own - before.own < 0.005:
                break
            before = after
        say(f"idling for {seconds} s")
        begin, idle = time.monotonic(), service.cost()
        time.sleep(seconds)
        spent = service.cost().own - idle.own
        return {"certificates": estate.count, "ready_seconds": service.ready_seconds, "ready_kib": ready_memory,
                "idle_kib": service.memory_kib(), "peak_kib": service.peak_kib(),
                "longest_pass": max(took for _, took in looked) / 1e6, "longest_pass_looks": max(looked)[0],
                "all_passes": sum(took for _, took in looked) / 1e6,
                "idle_share": spent / (time.monotonic() - begin)}
