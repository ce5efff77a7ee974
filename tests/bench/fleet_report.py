"""The figures of tests/bench/fleet as tables."""

from bench.fleet_cost import WAYS
from bench.report import machine_line, met, milliseconds, row

# Against `certbot renew`: 60 certificates and more under any engine, and 200 under the warm one.
TIMES_RENEW, TIMES_RENEW_WARM, TIMES_RENEW_ENDED = 10, 60, 100
OF_PARALLEL, CHILD_CPU, CHILD_KIB, OWN_SHARE = 1.05, 0.15, 20 * 1024, 0.02
READY_SECONDS, PASS_SECONDS, REST_KIB, IDLE_SHARE, LIST_SECONDS = 1.0, 0.020, 60 * 1024, 0.001, 1.0


def fleet_tables(fleet: dict) -> list[str]:
    renew = fleet["renew"]
    lines = [f"### Fleets renewed, propagation {fleet['propagation']} s", "",
             f"`certbot renew`, one after the other, measured on {renew['count']}: {renew['wall_each']:.1f} s each. "
             "Seconds, and how many times as fast that is:", "",
             row("certificates", *WAYS.values()), row("---:", *["---:"] * len(WAYS))]
    for one in fleet["fleets"]:
        serial = renew["wall_each"] * one["count"]
        lines.append(row(str(one["count"]), *(f"{one['ways'][way]['wall']:.1f} s, {serial / one['ways'][way]['wall']:.1f}×"
                                              for way in WAYS)))
    lines += ["", "CPU seconds for each certificate: certbot's, the forking process's, the service's with the verb that asks "
              "it:", "", row("certificates", *WAYS.values()), row("---:", *["---:"] * len(WAYS))]
    for one in fleet["fleets"]:
        lines.append(row(str(one["count"]), *(cpu_text(one["ways"][way], one["count"]) for way in WAYS)))
    return lines + ["", *targets(fleet["fleets"][-1], renew), "", *memory(fleet["fleets"][-1]), ""]


def cpu_text(way: dict, count: int) -> str:
    parts = [way["cpu"] / count]
    if "own_cpu" in way:
        parts += [way["host_cpu"] / count, (way["own_cpu"] + way["client_cpu"]) / count]
    return " + ".join(f"{part:.3f}" for part in parts)


def targets(largest: dict, renew: dict) -> list[str]:
    count, ways = largest["count"], largest["ways"]
    serial = renew["wall_each"] * count

    def times(way, wanted):
        reached = serial / ways[way]["wall"]
        return f"- {WAYS[way]} against `certbot renew`: {reached:.1f}×; at least {wanted}×: {met(reached >= wanted)}"

    child = ways["warm"]["cpu"] / count
    own = (ways["warm"]["own_cpu"] + ways["warm"]["client_cpu"]) / count
    return [f"With {count} certificates:", "", times("plain", TIMES_RENEW), times("warm", TIMES_RENEW_WARM),
            times("ended", TIMES_RENEW_ENDED),
            f"- certherd, plain, against the loop: {ways['plain']['wall'] / ways['loop']['wall']:.3f}; at most {OF_PARALLEL}: "
            f"{met(ways['plain']['wall'] <= OF_PARALLEL * ways['loop']['wall'])}",
            f"- CPU of a forked certbot: {child:.3f} s; at most {CHILD_CPU}: {met(child <= CHILD_CPU)}",
            f"- of the service beside it: {own * 1000:.1f} ms, {own / child * 100:.1f} %; at most {OWN_SHARE * 100:.0f} %: "
            f"{met(own <= OWN_SHARE * child)}",
            f"- proportional memory of a forked certbot: {ways['warm']['child_kib'] / 1024:.1f} MiB; at most "
            f"{CHILD_KIB / 1024:.0f} MiB: {met(ways['warm']['child_kib'] <= CHILD_KIB)}"]


def memory(largest: dict) -> list[str]:
    ways = largest["ways"]
    return [f"Peak memory of the service {ways['warm']['peak_kib'] / 1024:.0f} MiB, of the process that forks "
            f"{ways['warm']['host_kib'] / 1024:.0f} MiB (its proportional share). Failed: {ways['loop']['failed']} of the "
            f"loop's certbots, none of certherd's runs ({ways['warm']['attempts']} attempts)."]


def rest_table(rests: list[dict]) -> list[str]:
    """The targets are for ten thousand."""
    aimed = next((rest for rest in rests if rest["certificates"] == 10_000), None)

    def line(what, text, aim="", reached=lambda rest: True):
        return row(what, *map(text, rests), f"{aim}: {met(reached(aimed))}" if aim and aimed else "")

    return [
        "### At rest under the service, none due", "",
        row("certificates", *(str(rest["certificates"]) for rest in rests), "target for 10000"),
        row("---", *["---:"] * len(rests), "---"),
        line("start to READY", lambda rest: f"{rest['ready_seconds']:.3f} s", "below 1 s",
             lambda rest: rest["ready_seconds"] < READY_SECONDS),
        line("the longest scheduling pass", lambda rest: f"{rest['longest_pass'] * 1000:.1f} ms, {rest['longest_pass_looks']} "
             "looked at", "below 20 ms", lambda rest: rest["longest_pass"] < PASS_SECONDS),
        line("all passes that look at each of them once", lambda rest: milliseconds(rest["all_passes"])),
        line("resident memory at rest", lambda rest: f"{rest['idle_kib'] / 1024:.1f} MiB", "below 60 MiB",
             lambda rest: rest["idle_kib"] < REST_KIB),
        line("peak memory", lambda rest: f"{rest['peak_kib'] / 1024:.1f} MiB"),
        line("CPU at rest", lambda rest: f"{rest['idle_share'] * 100:.3f} %", "below 0.1 %",
             lambda rest: rest["idle_share"] < IDLE_SHARE),
        line("`list`, the service not running", lambda rest: f"{rest['list_seconds']:.2f} s", "below 1 s",
             lambda rest: rest["list_seconds"] < LIST_SECONDS),
        line("its peak memory", lambda rest: f"{rest['list_kib'] / 1024:.0f} MiB"), ""]


def markdown(figures: dict) -> str:
    return "\n".join([machine_line(figures["machine"]), "",
                      f"The first touch of a page costs {figures['machine']['fault_microseconds']:.1f} µs on this machine.", "",
                      *(fleet_tables(figures["fleet"]) if figures["fleet"] else []),
                      *(rest_table(figures["rest"]) if figures["rest"] else [])])
