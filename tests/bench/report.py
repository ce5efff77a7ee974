"""The figures as tables."""

# certherd's own share of a Run, and how long a verb may take; what is missed is marked.
WALL_SHARE, CPU_SHARE, PEAK_KIB, VERB_SECONDS = 0.03, 0.02, 30 * 1024, 1.0
QUICK_VERBS = ["list", "list --json", "config check"]


def row(*cells) -> str:
    return "| " + " | ".join(cells) + " |"


def met(good: bool) -> str:
    return "met" if good else "**missed**"


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def issue_tables(results: list[dict]) -> list[str]:
    lines = []
    for result in results:
        lines += [
            f"### Issuing, propagation {result['propagation']} s, {result['repetitions']} pairs, medians (± half of them)",
            "",
            row("what", "bare certbot", "under certherd", "ratio", "target"), row("---", "---:", "---:", "---:", "---"),
            row("wall time", f"{result['bare_wall']:.3f} s ± {result['bare_wall_spread'] / 2:.3f}",
                f"{result['certherd_wall']:.3f} s ± {result['certherd_wall_spread'] / 2:.3f}",
                f"{result['wall_ratio_of_pairs']:.3f}", ""),
            row("wall time outside certbot", "", milliseconds(result["added_wall"]),
                f"{result['added_wall_share'] * 100:.1f} %",
                f"below {WALL_SHARE * 100:.0f} %: {met(result['added_wall_share'] < WALL_SHARE)}"),
            row("CPU of certbot", f"{result['bare_cpu']:.3f} s", f"{result['certbot_cpu']:.3f} s",
                f"{result['certbot_cpu'] / result['bare_cpu']:.3f}", ""),
            row("CPU of certherd itself", "", milliseconds(result["own_cpu"]), f"{result['own_cpu_share'] * 100:.1f} %",
                f"below {CPU_SHARE * 100:.0f} %: {met(result['own_cpu_share'] < CPU_SHARE)}"),
            row("of that, the start of the program, as `list` has it", "", milliseconds(result["start_cpu"]),
                f"{result['start_cpu'] / result['bare_cpu'] * 100:.1f} %", ""),
            row("peak memory of certherd", "", f"{result['peak_kib'] / 1024:.1f} MiB", "",
                f"below {PEAK_KIB // 1024} MiB: {met(result['peak_kib'] < PEAK_KIB)}"),
            ""]
    return lines


def scale_table(results: list[dict]) -> list[str]:
    if not results:
        return []
    first = results[0]
    lines = [f"### {first['certificates']} certificates, {first['runs']} Runs in the journal, medians of "
             f"{first['repetitions']}", "",
             row("verb", "wall time", "CPU", "peak memory", "target"), row("---", "---:", "---:", "---:", "---")]
    for result in results:
        lines.append(row(f"`{result['verb']}`", f"{result['seconds']:.3f} s ± {result['seconds_spread'] / 2:.3f}",
                         f"{result['cpu']:.3f} s", f"{result['peak_kib'] / 1024:.0f} MiB",
                         f"below {VERB_SECONDS:g} s: {met(result['seconds'] < VERB_SECONDS)}"
                         if result["verb"] in QUICK_VERBS else ""))
    return lines + [""]


def machine_line(machine: dict) -> str:
    return (f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, Linux {machine['kernel']}; "
            f"{machine['certherd']}, {machine['certbot']}; load average {machine['load'][0]:.1f} at the begin, "
            f"{machine['load'][1]:.1f} at the end.")


def markdown(figures: dict) -> str:
    return "\n".join([machine_line(figures["machine"]), "", *issue_tables(figures["issue"]),
                      *scale_table(figures["scale"])])
