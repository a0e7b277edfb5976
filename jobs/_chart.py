"""A horizontal bar chart as SVG, to stand inside an HTML page: no script, no library, no picture file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from jobs._markup import escape_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

_WIDTH = 720
_LABEL_WIDTH = 190
_VALUE_WIDTH = 120
_ROW_HEIGHT = 26
_BAR_HEIGHT = 18
_BASELINE = 14
_LABEL_CHARACTERS = 26
_PLOT_WIDTH = _WIDTH - _LABEL_WIDTH - _VALUE_WIDTH


class Bar(NamedTuple):
    """One bar: `caption` is its value in words, written at its row's end."""

    label: str
    value: Decimal
    caption: str


def draw_bars(bars: Sequence[Bar], *, title: str) -> str:
    """Return the `<svg>` element: bars to the right of zero, negative ones to its left, all on one scale."""
    least = min([bar.value for bar in bars if bar.value < 0], default=0)
    greatest = max([bar.value for bar in bars if bar.value > 0], default=0)
    scale = _PLOT_WIDTH / (float(greatest - least) or 1.0)
    zero = _LABEL_WIDTH - float(least) * scale
    height = _ROW_HEIGHT * len(bars)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {_WIDTH} {height}" font-size="13">',
            f"<title>{escape_text(title)}</title>",
            *(_draw_bar(bar, top=row * _ROW_HEIGHT, zero=zero, scale=scale) for row, bar in enumerate(bars)),
            f'<line x1="{zero:.1f}" y1="0" x2="{zero:.1f}" y2="{height}" stroke="currentColor" stroke-width="1"/>',
            "</svg>",
        ]
    )


def _draw_bar(bar: Bar, *, top: int, zero: float, scale: float) -> str:
    length = abs(float(bar.value)) * scale
    left = zero if bar.value >= 0 else zero - length
    short = bar.label if len(bar.label) <= _LABEL_CHARACTERS else bar.label[: _LABEL_CHARACTERS - 1] + "…"
    return (
        f'<g transform="translate(0 {top})"><title>{escape_text(f"{bar.label}: {bar.caption}")}</title>'
        f"{_draw_text(short, right=_LABEL_WIDTH - 8)}"
        f'<rect x="{left:.1f}" y="1" width="{length:.1f}" height="{_BAR_HEIGHT}" fill="#3b78b5"/>'
        f"{_draw_text(bar.caption, right=_WIDTH)}</g>"
    )


def _draw_text(text: str, *, right: int) -> str:
    return f'<text x="{right}" y="{_BASELINE}" text-anchor="end" fill="currentColor">{escape_text(text)}</text>'
