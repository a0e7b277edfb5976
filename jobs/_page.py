"""The report's page: one HTML file that needs nothing else, with the table, the chart and the style in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from jobs._chart import Bar, draw_bars
from jobs._markup import escape_text
from jobs._summary import Aggregate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

MAX_BARS = 25

_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
figure { margin: 0 }
table { border-collapse: collapse; margin-top: 2rem }
th, td { padding: .3rem .8rem; border-bottom: 1px solid #8886; text-align: right; font-variant-numeric: tabular-nums }
th:first-child { text-align: left; font-weight: normal }
thead th, tfoot th, tfoot td { font-weight: bold }
"""


class Heading(NamedTuple):
    """What stands above the table: `value` is added up for each `group_by` of the file `source`."""

    title: str
    source: str
    group_by: str
    value: str
    made_at: datetime


def render_page(heading: Heading, groups: dict[str, Aggregate], *, places: int) -> str:
    """Return the page, which is HTML and well-formed XML; values are shown with `places` decimal places."""
    title = escape_text(heading.title)
    made_at = heading.made_at.isoformat(timespec="seconds")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width"/>
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<p>{escape_text(heading.source)}, <time datetime="{made_at}">{made_at}</time></p>
{_render_chart(heading, groups, places)}
{_render_table(heading, groups, places)}
</body>
</html>
"""


def choose_bars(groups: dict[str, Aggregate]) -> Sequence[str]:
    """Return the groups that the chart shows: all, or those with the largest totals, in the order they have."""
    by_size = sorted(groups, key=lambda name: abs(groups[name].total), reverse=True)
    shown = set(by_size[:MAX_BARS])
    return [name for name in groups if name in shown]


def _render_chart(heading: Heading, groups: dict[str, Aggregate], places: int) -> str:
    shown = choose_bars(groups)
    bars = [Bar(name, groups[name].total, _format(groups[name].total, places)) for name in shown]
    caption = f"Sum of {heading.value} by {heading.group_by}"
    if len(shown) < len(groups):
        caption += f": the largest {len(shown)} of {len(groups)}"
    return f"<figure>\n<figcaption>{escape_text(caption)}</figcaption>\n{draw_bars(bars, title=caption)}\n</figure>"


def _render_table(heading: Heading, groups: dict[str, Aggregate], places: int) -> str:
    everything = Aggregate()
    for aggregate in groups.values():
        everything.merge(aggregate)
    names = (heading.group_by, "Count", "Sum", "Mean", "Least", "Greatest")
    head = "".join(f'<th scope="col">{escape_text(name)}</th>' for name in names)
    body = "\n".join(_render_row(name, aggregate, places) for name, aggregate in groups.items())
    foot = _render_row("All", everything, places)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n<tfoot>\n{foot}\n</tfoot>\n</table>"


def _render_row(name: str, aggregate: Aggregate, places: int) -> str:
    values = (aggregate.total, aggregate.mean, aggregate.least, aggregate.greatest)
    cells = "".join(f"<td>{text}</td>" for text in (f"{aggregate.count:,}", *(_format(v, places) for v in values)))
    return f'<tr><th scope="row">{escape_text(name)}</th>{cells}</tr>'


def _format(value: Decimal, places: int) -> str:
    return f"{value:,.{places}f}"
