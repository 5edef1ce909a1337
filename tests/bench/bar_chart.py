"""Draws groups of horizontal bars about the line of 1, as an SVG of its own."""

from __future__ import annotations

from collections.abc import Mapping

WIDTH, LABELS, BAR, GAP, TOP = 900, 240, 14, 10, 70
COLORS = ("#4878a8", "#d08030", "#58a058", "#a05078")


def draw(title: str, groups: Mapping[str, Mapping[str, float]]) -> str:
    """`groups`: a label and its bars, by name; the names are the same in each group."""
    names = list(next(iter(groups.values())))
    height = TOP + len(groups) * (len(names) * BAR + GAP) + 30
    largest = max(1.2, *(value for bars in groups.values() for value in bars.values()))
    scale = (WIDTH - LABELS - 70) / largest
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="20" y="26" font-size="16">{title}</text>',
    ]
    for i, name in enumerate(names):
        x = LABELS + i * 120
        parts.append(f'<rect x="{x}" y="40" width="12" height="12" fill="{COLORS[i % len(COLORS)]}"/>')
        parts.append(f'<text x="{x + 18}" y="50">{name}</text>')
    y = TOP
    for label, bars in groups.items():
        middle = y + len(names) * BAR / 2 + 4
        parts.append(f'<text x="{LABELS - 10}" y="{middle}" text-anchor="end">{label}</text>')
        for i, name in enumerate(names):
            width = bars[name] * scale
            color = COLORS[i % len(COLORS)]
            parts.append(f'<rect x="{LABELS}" y="{y}" width="{width:.1f}" height="{BAR - 2}" fill="{color}"/>')
            parts.append(f'<text x="{LABELS + width + 5:.1f}" y="{y + 10}" font-size="11">{bars[name]:.2f}</text>')
            y += BAR
        y += GAP
    one = LABELS + scale
    parts.append(f'<path d="M{one:.1f} {TOP - 8}V{y}" stroke="#222" stroke-dasharray="4 3"/>')
    parts.append(f'<text x="{one + 3:.1f}" y="{y + 14}">1</text>')
    parts.append("</svg>")
    return "\n".join(parts)
