"""`tripwire-db drift`: what was changed by hand in a live database."""

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tripwire_db.cli import options, output, targets
from tripwire_db.cli.errors import FOUND

if TYPE_CHECKING:
    from tripwire_db.schema.drift.report import Drift, DriftedObject

_SIGNS = {"missing": "-", "extra": "+", "changed": "~", "fails": "!"}


def drift(
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
    all_objects: Annotated[
        bool, typer.Option("--all", help="List what is not ours too: other tables, functions, event triggers.")
    ] = False,
    allow: Annotated[
        Path | None,
        typer.Option(
            "--allow",
            metavar="FILE",
            help="A TOML file of what the application adds to our tables on purpose: [[allow]] kind, name, reason.",
        ),
    ] = None,
) -> None:
    """Show what differs between a live database and the chain at the database's own revision.

    The live database is only read, in one read-only transaction; what the chain makes is built on a scratch server.
    Revisions that are pending are no drift. Compared are tables, columns, defaults, CHECKs, indexes, triggers, event
    triggers, functions, policies, row-level security, grants, default privileges, owners and settings; each aggregation
    is called once. Exit codes: 0 nothing found, 1 drift, 2 wrong use.

    Example: tripwire-db drift --allow drift.toml
    """
    from tripwire_db.schema.drift import find_drift
    from tripwire_db.schema.drift.allowed import read_allowed

    allowed = read_allowed(allow) if allow else ()
    with targets.migrations(database_url) as target:
        found = find_drift(target.url, allow=allowed)
    if as_json:
        output.show_json(found)
    else:
        _show(found, str(target), all_objects=all_objects)
    if found.findings:
        raise typer.Exit(FOUND)


def _show(found: "Drift", target: str, *, all_objects: bool) -> None:
    count = len(found.findings)
    verdict = "no drift" if not count else f"{count} difference{'s' if count > 1 else ''}"
    output.say(f"{target} at revision {found.revision}: {verdict}")
    _show_findings(found)
    if found.allowed:
        output.say()
        output.say("Allowed by the application:")
    for entry in found.allowed:
        output.say(f"  + {entry.key}: {entry.reason}")
    if all_objects and found.not_ours:
        output.say()
        output.say("Not ours, and left alone:")
        for key in found.not_ours:
            output.say(f"    {key}")
    if found.notes:
        output.say()
    for note in found.notes:
        output.say(f"Note: {note}")


def _show_findings(found: "Drift") -> None:
    for group, findings in groupby(sorted(found.findings, key=_place), key=lambda finding: finding.group):
        output.say()
        output.say(group)
        for finding in findings:
            output.say(f"  {_SIGNS[finding.change]} {finding.kind.replace('_', ' ')} {finding.name}: {finding.change}")
            for difference in finding.differences:
                for line in difference.lines():
                    output.say(f"      {line}")
            if finding.meaning is not None:
                output.say(f"      means: {finding.meaning}")


def _place(finding: "DriftedObject") -> tuple[str, str, str]:
    return finding.group, finding.kind, finding.name
