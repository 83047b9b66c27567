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
TimeZone = Annotated[
    str, typer.Option("--time-zone", metavar="NAME", help="The IANA time zone whose midnights part the days.")
]
ManagerArgument = Annotated[str, typer.Argument(metavar="MANAGER", help="The manager: id or e-mail.")]
StudentArgument = Annotated[str, typer.Argument(metavar="STUDENT", help="The student: id or e-mail.")]
PasswordStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin",
        help="Read a password from standard input (on a terminal it is asked for). Without: no password.",
    ),
]
