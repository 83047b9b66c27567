"""`tripwire-db leaderboard`: the sellers, ranked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tripwire_db.cli import formats, options, output, targets

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from tripwire_db.results import LeaderboardRow

Limit = Annotated[int, typer.Option("--limit", help="At most so many sellers, 1–1000.")]


def leaderboard(
    limit: Limit = 10,
    since: options.Since = None,
    until: options.Until = None,
    period: options.Period = None,
    time_zone: options.TimeZone = output.TIME_ZONE,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Show the sellers by students, then revenue; of all time, or of the students sold on some days."""
    from tripwire_db.results import LeaderboardRow

    form = formats.chosen(json=as_json, csv=as_csv)
    with targets.backend(database_url) as backend:
        days = backend.days(since, until, period, time_zone)
        rows = backend.repository.get_sales_leaderboard(
            limit=limit, since=days.since, until=days.until, time_zone=time_zone
        )
    if formats.show(form, rows, LeaderboardRow):
        return
    if rows:
        output.show(picture(rows))
    else:
        output.say("Nobody sells yet: tripwire-db manager create")


def picture(rows: "Sequence[LeaderboardRow]") -> "Table | Text":
    """The leaderboard as a table."""
    return output.table(
        "Leaderboard",
        [">#", *output.person_columns("Manager"), ">Students", ">Active", ">Completed", ">Revenue", ">Course"],
        (
            (
                place,
                *output.person(row.manager_name, row.email),
                row.total_students,
                row.active_students,
                row.completed_students,
                row.total_revenue,
                output.percent(row.avg_completion_rate),
            )
            for place, row in enumerate(rows, 1)
        ),
        caption="Revenue in KZT, of every student sold; Course is the mean part of it that they have completed.",
    )
