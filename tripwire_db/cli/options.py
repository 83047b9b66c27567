"""The options and arguments that several commands share."""

from typing import Annotated

import typer

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        metavar="URL",
        show_default=False,
        help="The database, instead of that of the environment; embedded:NAME is one of the embedded server.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV, for spreadsheets.")]
PageJson = Annotated[
    bool, typer.Option("--page-json", help="Print JSON: the rows, what leads to the next page, and the total.")
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="DATE", help="From this day on, as in 2026-03-01.", show_default=False)
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="DATE", help="Up to this day, included.", show_default=False)
]
Period = Annotated[
    str | None,
    typer.Option(
        "--period",
        metavar="NAME",
        help="Instead of dates: today, yesterday, week (since Monday), month (since the 1st), all.",
        show_default=False,
    ),
]
TimeZone = Annotated[
    str, typer.Option("--time-zone", metavar="NAME", help="The IANA time zone whose midnights part the days.")
]
ManagerArgument = Annotated[str, typer.Argument(metavar="MANAGER", help="The manager: id or e-mail.")]
MaybeManagerArgument = Annotated[
    str | None, typer.Argument(metavar="[MANAGER]", help="The manager: id or e-mail; all sellers together without.")
]
StudentArgument = Annotated[str, typer.Argument(metavar="STUDENT", help="The student: id or e-mail.")]
PasswordStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin",
        help="Read a password from standard input (on a terminal it is asked for). Without: no password.",
    ),
]
