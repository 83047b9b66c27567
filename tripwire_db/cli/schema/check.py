"""`tripwire-db check`: whether a chain of revisions is safe, reversible and true to the models."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tripwire_db.cli.errors import FOUND
from tripwire_db.errors import InvalidInput

FORMATS = ("text", "json", "github", "junit", "sarif")


def check(
    chain: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER]",
            show_default=False,
            help="The folder of env.py and versions/; by default ./alembic, else the chain of this package.",
        ),
    ] = None,
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help=f"One of {', '.join(FORMATS)}.")] = "text",
    new_since: Annotated[
        str | None,
        typer.Option(
            metavar="REV",
            show_default=False,
            help="Find fault only with what came after this revision of the chain, or of git.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Check a chain of revisions, for CI; no database is needed, a scratch server is started and removed.

    One head, names, docstrings; each revision up, down and up again with rows in all tables; the chain against the
    models; every aggregation called; offline SQL rendered; lint of each revision, by squawk where it is installed and by
    rules of our own; what each revision does to access and to the API; what every release says to the database, played
    after each newer revision, and what this package says, at the head. The first revision is the declared baseline of
    the lint. A revision that breaks a rule on purpose says why: LINT = {"rule": "reason"}.

    Exit codes: 0 no finding, 1 findings, 2 wrong use.
    """
    from tripwire_db.schema.check import RULES, render
    from tripwire_db.schema.check import check as run

    chosen = "json" if as_json else form
    if chosen not in FORMATS:
        raise InvalidInput(f"--format must be one of {', '.join(FORMATS)}")
    if chain is not None and not (chain / "env.py").is_file():
        raise InvalidInput(f"{chain} is no folder of a chain: there is no env.py in it")
    report = run(chain, new_since=new_since)
    text = render(report, chosen, RULES)  # type: ignore[arg-type]
    if text:
        sys.stdout.write(text + "\n")
    if report.findings:
        raise typer.Exit(FOUND)
