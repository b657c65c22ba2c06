"""Draws line charts as SVG. Both axes are logarithmic, and the charts are readable on light and dark pages."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 76, 170, 48, 56
NAME_HEIGHT = 16
# Pairs of colours: the first is for light pages, the second for dark pages.
COLOURS = (("#0b62a8", "#6cb6f5"), ("#b3470b", "#ff9d5c"), ("#2f7d32", "#7fd083"), ("#7b3fa0", "#cf9bf0"))

STYLE = """
  svg { --ink: #1f2328; --faint: #d0d7de; --paper: #ffffff; %s }
  @media (prefers-color-scheme: dark) { svg { --ink: #e6edf3; --faint: #3d444d; --paper: #0d1117; %s } }
  .paper { fill: var(--paper) } text { fill: var(--ink); font: 13px system-ui, sans-serif }
  .title { font-size: 16px; font-weight: 600 } .grid { stroke: var(--faint) } .axis { stroke: var(--ink) }
  polyline { fill: none; stroke-width: 2 }
"""


@dataclass(frozen=True)
class Line:
    """A series with its name and its points. All coordinates are above zero, because the axes are logarithmic."""

    name: str
    points: Sequence[tuple[float, float]]


def write(path: Path, title: str, x_label: str, y_label: str, lines: Sequence[Line]) -> None:
    """Draws the lines into a file. The labels must include the units."""
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    x_axis, y_axis = _Axis(xs, LEFT, WIDTH - RIGHT), _Axis(ys, HEIGHT - BOTTOM, TOP)
    light, dark = (" ".join(f"--c{number}: {pair[shade]};" for number, pair in enumerate(COLOURS)) for shade in (0, 1))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE % (light, dark)}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>',
        f'<text class="title" x="{LEFT}" y="28">{escape(title)}</text>',
        *_grid(x_axis, y_axis),
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 14}" text-anchor="middle">{escape(x_label)}</text>',
        f'<text transform="translate(18 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_label)}</text>",
    ]
    # Names are placed from top to bottom. Each is at the end of its line, or below the previous name if they would overlap.
    name_y = -math.inf
    for number, line in sorted(enumerate(lines), key=lambda pair: -pair[1].points[-1][1]):
        name_y = max(name_y + NAME_HEIGHT, y_axis.place(line.points[-1][1]))
        parts += _line(line, f"var(--c{number})", x_axis, y_axis, name_y)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*parts, "</svg>", ""]), encoding="utf-8")


class _Axis:
    """A logarithmic axis from one power of ten to another, so that all values fit, drawn between two coordinates."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self._low = math.floor(math.log10(min(values)))
        self._high = max(self._low + 1, math.ceil(math.log10(max(values))))
        self._start, self._end = start, end

    def place(self, value: float) -> float:
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return round(self._start + share * (self._end - self._start), 1)

    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self._low, self._high + 1)]


def _grid(x_axis: _Axis, y_axis: _Axis) -> list[str]:
    top, bottom, left, right = TOP, HEIGHT - BOTTOM, LEFT, WIDTH - RIGHT
    parts = []
    for tick in x_axis.ticks():
        x = x_axis.place(tick)
        parts.append(f'<line class="grid" x1="{x}" y1="{top}" x2="{x}" y2="{bottom}"/>')
        parts.append(f'<text x="{x}" y="{bottom + 18}" text-anchor="middle">{_number(tick)}</text>')
    for tick in y_axis.ticks():
        y = y_axis.place(tick)
        parts.append(f'<line class="grid" x1="{left}" y1="{y}" x2="{right}" y2="{y}"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{_number(tick)}</text>')
    parts.append(f'<polyline class="axis" points="{left},{top} {left},{bottom} {right},{bottom}"/>')
    return parts


def _number(tick: float) -> str:
    return f"{tick / 1e6:g} M" if tick >= 1e6 else f"{tick:,g}"


def _line(line: Line, colour: str, x_axis: _Axis, y_axis: _Axis, name_y: float) -> list[str]:
    places = [(x_axis.place(x), y_axis.place(y)) for x, y in line.points]
    joined = " ".join(f"{x},{y}" for x, y in places)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="3.5" style="fill: {colour}"/>' for x, y in places)
    name = f'<text x="{places[-1][0] + 10}" y="{name_y + 4}" style="fill: {colour}">{escape(line.name)}</text>'
    return [f'<polyline points="{joined}" style="stroke: {colour}"/>', dots, name]
