"""The figures of tests/bench/fleet as tables."""

from bench.report import machine_line, met, milliseconds, row

# Against `certbot renew`, against the loop of parallel certbots, and certherd's own CPU of the certbots'.
TIMES_RENEW, OF_PARALLEL, CPU_SHARE = 10, 1.05, 0.02
READY_SECONDS, PASS_SECONDS, REST_KIB, IDLE_SHARE = 1.0, 0.020, 60 * 1024, 0.001


def fleet_table(fleet: dict) -> list[str]:
    ours, parallel, renew = fleet["certherd"], fleet["parallel"], fleet["renew"]
    serial = renew["wall_each"] * fleet["count"]
    own = ours["own_cpu"] + ours["client_cpu"]
    share = own / ours["certbot_cpu"]
    return [
        f"### {fleet['count']} certificates renewed, propagation {fleet['propagation']} s", "",
        row("what", "", "certherd against it", "target"), row("---", "---:", "---:", "---"),
        row(f"`certbot renew`, measured on {renew['count']}: each", f"{renew['wall_each']:.1f} s",
            f"{serial / ours['wall']:.1f}×",
            f"at least {TIMES_RENEW}×: {met(serial / ours['wall'] >= TIMES_RENEW)}"),
        row("a loop of parallel certbots", f"{parallel['wall']:.1f} s", f"{ours['wall'] / parallel['wall']:.3f}",
            f"at most {OF_PARALLEL}: {met(ours['wall'] <= OF_PARALLEL * parallel['wall'])}"),
        row("certherd", f"{ours['wall']:.1f} s", "", ""),
        row("CPU of certbot: parallel loop, under certherd", f"{parallel['cpu']:.1f} s, {ours['certbot_cpu']:.1f} s", "",
            ""),
        row("CPU of the service and the verb that asked it", f"{ours['own_cpu']:.2f} s + {milliseconds(ours['client_cpu'])}",
            f"{share * 100:.2f} %", f"below {CPU_SHARE * 100:.0f} %: {met(share < CPU_SHARE)}"),
        row("peak memory of the service", f"{ours['peak_kib'] / 1024:.1f} MiB", "", ""),
        "", f"Failed: {parallel['failed']} of the loop's certbots, none of certherd's runs ({ours['attempts']} attempts).", ""]


def rest_table(rest: dict) -> list[str]:
    return [
        f"### {rest['certificates']} certificates under the service, none due", "",
        row("what", "", "target"), row("---", "---:", "---"),
        row("start to READY", f"{rest['ready_seconds']:.3f} s", f"below 1 s: {met(rest['ready_seconds'] < READY_SECONDS)}"),
        row(f"the longest scheduling pass (it looks at up to {rest['longest_pass_looks']})",
            f"{rest['longest_pass'] * 1000:.1f} ms", f"below 20 ms: {met(rest['longest_pass'] < PASS_SECONDS)}"),
        row("all passes that look at each of them once", milliseconds(rest["all_passes"]), ""),
        row("resident memory at rest", f"{rest['idle_kib'] / 1024:.1f} MiB",
            f"below 60 MiB: {met(rest['idle_kib'] < REST_KIB)}"),
        row("peak memory", f"{rest['peak_kib'] / 1024:.1f} MiB", ""),
        row("CPU at rest", f"{rest['idle_share'] * 100:.3f} %", f"below 0.1 %: {met(rest['idle_share'] < IDLE_SHARE)}"), ""]


def markdown(figures: dict) -> str:
    return "\n".join([machine_line(figures["machine"]), "",
                      *(fleet_table(figures["fleet"]) if figures["fleet"] else []),
                      *(rest_table(figures["rest"]) if figures["rest"] else [])])
