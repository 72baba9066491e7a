"""Charts as inline SVG, coloured by the page's own style and told in words beside."""

from __future__ import annotations

from html import escape
from typing import Mapping, Sequence

_WIDTH, _HEIGHT = 720, 220
_LEFT, _TOP, _BOTTOM = 56, 12, 28
_STEPS = (1, 2, 5)


def columns(
    title: str, words: str, days: Mapping[str, Mapping[str, int]], names: Sequence[str]
) -> str:
    """Stacked columns, one a day, the oldest on the left, the first of `names` at the bottom."""
    most = max([1, *(sum(figures[n] for n in names) for figures in days.values())])
    step = _step(most)
    top = step * (-(-most // step))
    scale = (_HEIGHT - _TOP - _BOTTOM) / top
    wide = (_WIDTH - _LEFT - 8) / max(1, len(days))
    pieces = [_grid(mark, scale) for mark in range(0, top + 1, step)]
    for place, day in enumerate(sorted(days)):
        pieces.append(_column(day, days[day], names, _LEFT + place * wide, wide, scale))
        if place % 7 == len(days) % 7 or len(days) <= 7:
            x = _LEFT + (place + 0.5) * wide
            pieces.append(f'<text class="at" x="{x:.1f}" y="{_HEIGHT - 8}">{day[5:]}</text>')
    return (
        f'<svg class="chart" role="img" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
        f"<title>{escape(title)}</title><desc>{escape(words)}</desc>{''.join(pieces)}</svg>"
    )


def _step(most: int) -> int:
    """A round number that cuts the axis into at most five."""
    power = 1
    while True:
        for each in _STEPS:
            if each * power * 5 >= most:
                return each * power
        power *= 10


def _grid(mark: int, scale: float) -> str:
    y = _HEIGHT - _BOTTOM - mark * scale
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - 8}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="axis" x="{_LEFT - 8}" y="{y + 4:.1f}">{_short(mark)}</text>'
    )


def _short(mark: int) -> str:
    """2,000,000 as 2M: the axis is narrow on a telephone."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if mark >= size:
            return f"{mark / size:g}{letter}"
    return str(mark)


def _column(
    day: str, figures: Mapping[str, int], names: Sequence[str], x: float, wide: float, scale: float
) -> str:
    y = float(_HEIGHT - _BOTTOM)
    pieces = []
    for number, name in enumerate(names):
        high = figures[name] * scale
        y -= high
        if high:
            pieces.append(
                f'<rect class="s{number}" x="{x + wide * 0.12:.1f}" y="{y:.1f}"'
                f' width="{wide * 0.76:.1f}" height="{high:.1f}"/>'
            )
    said = ", ".join(f"{figures[name]:,} {name}" for name in names)
    return f"<g><title>{escape(day)}: {escape(said)}</title>{''.join(pieces)}</g>"


def bar(share: float) -> str:
    """A bar for a table's cell; the number beside it says the same."""
    width = max(0.0, min(100.0, 100 * share))
    return (
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"'
        f' focusable="false"><rect class="s0" width="{width:.1f}" height="8"/></svg>'
    )
