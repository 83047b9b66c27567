"""`tripwire-db chart`: a manager's sales, day by day, as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from tripwire_db.cli import formats, options, output, targets

if TYPE_CHECKING:
    from rich.text import Text

    from tripwire_db.results import SalesDay

HEIGHT = 8
"""Lines of the picture, without its axis."""
_WIDEST_BAR = 4
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_MARGIN = 6  # the numbers and the line on the left

Days = Annotated[int, typer.Option("--days", help="So many days, today included, 1–3660.")]


def chart(
    manager: options.MaybeManagerArgument = None,
    days: Days = 30,
    since: options.Since = None,
    until: options.Until = None,
    period: options.Period = None,
    time_zone: options.TimeZone = output.TIME_ZONE,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Draw the sales of a manager, or of all sellers together: of the last days, or between dates."""
    from tripwire_db.results import SalesDay

    form = formats.chosen(json=as_json, csv=as_csv)
    with targets.backend(database_url) as backend:
        first, last = backend.days(since, until, period, time_zone)
        if period == "all":  # from the first sale: without any date it would be the last days
            first, last = backend.days(None, None, "today", time_zone)
            first = None
        sales = backend.repository.get_sales_chart_data(
            manager_id=backend.given_manager_id(manager),
            days_back=days,
            since=first,
            until=last,
            time_zone=time_zone,
        )
    if formats.show(form, sales, SalesDay):
        return
    if sales:
        counted = f"{len(sales)} {'day' if len(sales) == 1 else 'days'}"
        output.show(picture(sales, f"Students sold, {counted}, {time_zone}"))
    else:
        output.say("Nothing has been sold yet.")


@dataclass(frozen=True, slots=True)
class _Bar:
    """One bar: a day, or as many days as there is no room for."""

    first: date
    students: int


def picture(sales: "Sequence[SalesDay]", title: str) -> "Text":
    """Bars per day, oldest on the left, with their scale and dates, and what they add up to.

    Args:
        sales: newest first, as the repository gives them.
        title: what stands above.
    """
    from rich.text import Text

    room = min(output.console().width, 120) - _MARGIN
    per_bar = -(-len(sales) // room)  # days, rounded up
    days = list(reversed(sales))
    bars = [
        _Bar(days[at].date, sum(day.students_created for day in days[at : at + per_bar]))
        for at in range(0, len(days), per_bar)
    ]
    width = max(1, min(_WIDEST_BAR, room // len(bars)))
    highest = max(bar.students for bar in bars)
    shown = Text(output.clean(title), style="bold")
    if per_bar > 1:
        shown.append(f" · one bar is {per_bar} days", style="dim")
    shown.append("\n")
    for line in range(HEIGHT, 0, -1):
        label = _label(line, highest)
        shown.append(f"\n{label:>4} ", style="dim")
        shown.append("┤" if label and output.can_draw() else "│" if output.can_draw() else "|", style="dim")
        for bar in bars:
            shown.append(_cell(bar.students, highest, line, width), style="green")
    shown.append(
        "\n   0 " + ("└" + "─" * (width * len(bars)) if output.can_draw() else "+" + "-" * (width * len(bars))),
        style="dim",
    )
    shown.append("\n" + " " * _MARGIN + _dates(bars, width) + "\n\n", style="dim")
    shown.append(_sum(sales))
    return shown


def _label(line: int, highest: int) -> str:
    """The number beside a line: at the top, and in the middle where that is a whole one."""
    if line == HEIGHT and highest:
        return str(highest)
    return str(highest // 2) if line == HEIGHT // 2 and highest and highest % 2 == 0 else ""


def _cell(students: int, highest: int, line: int, width: int) -> str:
    """The part of a bar on one line; where bars are wide enough, a space parts them."""
    eighths = round(students * HEIGHT * 8 / highest) if highest else 0
    if students:
        eighths = max(eighths, 1)
    filled = min(max(eighths - (line - 1) * 8, 0), 8)
    block = _EIGHTHS[filled] if output.can_draw() else "#" if filled >= 4 or (filled and line == 1) else " "
    return block * (width - 1) + " " if width > 1 else block


def _dates(bars: Sequence[_Bar], width: int) -> str:
    """Dates under the bars, as many as fit."""
    line = ""
    for index, bar in enumerate(bars):
        at = index * width
        label = f"{bar.first:%d %b}"
        if at >= len(line) + (2 if line else 0) and at + len(label) <= max(width * len(bars), len(label)):
            line = line.ljust(at) + label
    return line


def _sum(sales: "Sequence[SalesDay]") -> str:
    students = sum(day.students_created for day in sales)
    revenue = sum((day.revenue for day in sales), start=type(sales[0].revenue)(0))
    best = max(sales, key=lambda day: (day.students_created, day.date))
    told = f"{students} {'student' if students == 1 else 'students'}, {output.money(revenue)} KZT"
    return told + (f"; best day {best.date:%d %b %Y}: {best.students_created}" if students else "")
