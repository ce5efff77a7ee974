"""The figures of tests/bench/fleet as a picture: seconds over certificates, both logarithmic."""

import math

from bench.fleet_cost import WAYS

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 420, 70, 50, 20, 190
COLOURS = ("#888888", "#d62728", "#1f77b4", "#2ca02c", "#9467bd")


def svg(fleet: dict) -> str:
    counts = [one["count"] for one in fleet["fleets"]]
    lines = {"certbot renew": [fleet["renew"]["wall_each"] * count for count in counts]}
    lines.update({title: [one["ways"][way]["wall"] for one in fleet["fleets"]] for way, title in WAYS.items()})
    everything = [value for values in lines.values() for value in values]
    low, high = 10 ** math.floor(math.log10(min(everything))), 10 ** math.ceil(math.log10(max(everything)))

    def x(count):
        span = math.log(counts[-1] / counts[0]) or 1
        return LEFT + math.log(count / counts[0]) / span * (WIDTH - LEFT - RIGHT)

    def y(value):
        return HEIGHT - BOTTOM - math.log(value / low) / math.log(high / low) * (HEIGHT - BOTTOM - TOP)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" '
             'font-size="12">', '<rect width="100%" height="100%" fill="white"/>']
    decade = low
    while decade <= high:
        parts.append(f'<path d="M{LEFT} {y(decade):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
                     f'<text x="{LEFT - 8}" y="{y(decade) + 4:.1f}" text-anchor="end">{decade:g} s</text>')
        decade *= 10
    for count in counts:
        parts.append(f'<text x="{x(count):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{count}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">certificates renewed at '
                 f'once, propagation {fleet["propagation"]} s</text>')
    for (title, values), colour in zip(lines.items(), COLOURS):
        points = " ".join(f"{x(count):.1f},{y(value):.1f}" for count, value in zip(counts, values))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
                     f'<text x="{WIDTH - RIGHT + 6}" y="{y(values[-1]) + 4:.1f}" fill="{colour}">{title}</text>')
    return "\n".join([*parts, "</svg>", ""])
