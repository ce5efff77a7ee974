"""The service with very many certificates of which none is due: start, passes, memory, what it costs to idle; and `list`
without it."""

import re
import time

from bench.measure import median, peak_kib, spent
from bench.service import Service

LOOKED = re.compile(r"looked at (\d+) certificates in (\d+) µs")


def measure(estate, seconds: int, say) -> dict:
    return {**list_cost(estate, say), **service_cost(estate, seconds, say)}


def list_cost(estate, say) -> dict:
    command = estate.command("list")
    costs = [spent(command, estate.host.environment) for _ in range(3)]
    if any(cost.code for cost in costs):
        raise RuntimeError("certherd list failed")
    seconds = median([cost.seconds for cost in costs])
    say(f"list: {seconds:.3f} s")
    return {"list_seconds": seconds, "list_cpu": median([cost.own_cpu for cost in costs]),
            "list_kib": peak_kib(command, estate.host.environment)}


def service_cost(estate, seconds: int, say) -> dict:
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
