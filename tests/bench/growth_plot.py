"""Draws how times grow with size, on logarithmic axes, as an SVG of its own."""

from __future__ import annotations

import math

Series = dict[str, list[tuple[int, float]]]

WIDTH, HEIGHT, MARGIN, LEGEND = 900, 640, 70, 230


def exponent(points: list[tuple[int, float]]) -> float:
    """The slope of log(time) over log(n), by least squares: 1 is linear."""
    xs = [math.log(n) for n, _ in points]
    ys = [math.log(t) for _, t in points]
    x0, y0 = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - x0) * (y - y0) for x, y in zip(xs, ys, strict=True)) / sum((x - x0) ** 2 for x in xs)


def draw(series: Series, title: str) -> str:
    points = [p for line in series.values() for p in line]
    low_x, high_x = (f(math.log10(n) for n, _ in points) for f in (min, max))
    low_y, high_y = math.floor(min(math.log10(t) for _, t in points)), math.ceil(max(math.log10(t) for _, t in points))

    def x(n: float) -> float:
        return MARGIN + (math.log10(n) - low_x) / (high_x - low_x) * (WIDTH - MARGIN - LEGEND)

    def y(t: float) -> float:
        return HEIGHT - MARGIN - (math.log10(t) - low_y) / (high_y - low_y) * (HEIGHT - 2 * MARGIN)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="70" y="30" font-size="17">{title}: time over size; dashed lines are linear</text>',
        f'<text x="{(WIDTH - LEGEND) / 2}" y="{HEIGHT - 20}">n</text>',
    ]
    for decade in range(low_y, high_y + 1):
        parts.append(f'<path d="M{MARGIN} {y(10**decade):.1f}H{WIDTH - LEGEND}" stroke="#ddd"/>')
        label = f"{10 ** (decade - 3):g} ms"
        parts.append(f'<text x="{MARGIN - 8}" y="{y(10**decade) + 4:.1f}" text-anchor="end">{label}</text>')
    for decade in range(math.ceil(low_x), math.floor(high_x) + 1):
        parts.append(f'<path d="M{x(10**decade):.1f} {MARGIN}V{HEIGHT - MARGIN}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{x(10**decade):.1f}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle">{10**decade}</text>'
        )
    for i, (name, line) in enumerate(sorted(series.items())):
        color = f"hsl({i * 360 // len(series)}, 70%, 42%)"
        path = "L".join(f"{x(n):.1f} {y(t):.1f}" for n, t in line)
        parts.append(f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{x(n):.1f}" cy="{y(t):.1f}" r="3" fill="{color}"/>' for n, t in line]
        (n0, t0), n1 = line[0], line[-1][0]
        parts.append(
            f'<path d="M{x(n0):.1f} {y(t0):.1f}L{x(n1):.1f} {y(t0 * n1 / n0):.1f}" stroke="{color}" '
            'stroke-dasharray="2 5" stroke-opacity="0.6"/>'
        )
        top = MARGIN + 10 + i * 22
        parts.append(f'<rect x="{WIDTH - LEGEND + 20}" y="{top - 9}" width="12" height="12" fill="{color}"/>')
        text = f"{name}  n^{exponent(line):.2f}"
        parts.append(f'<text x="{WIDTH - LEGEND + 38}" y="{top + 2}">{text}</text>')
    return "\n".join([*parts, "</svg>\n"])
