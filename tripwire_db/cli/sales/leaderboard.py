"""`tripwire-db leaderboard`: the sellers, ranked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tripwire_db.cli import options, output, targets

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from tripwire_db.results import LeaderboardRow

Limit = Annotated[int, typer.Option("--limit", help="At most so many sellers, 1–1000.")]


def leaderboard(limit: Limit = 10, database_url: options.DatabaseUrl = None, as_json: options.Json = False) -> None:
    """Show the sellers by students, then revenue."""
    with targets.backend(database_url) as backend:
        rows = backend.repository.get_sales_leaderboard(limit=limit)
    if as_json:
        output.show_json(rows)
    elif rows:
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
