"""`tripwire-db adopt`: bring a database that was built by hand under Alembic, with no row lost."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from tripwire_db.cli import options, output, targets
from tripwire_db.cli.errors import FOUND

if TYPE_CHECKING:
    from tripwire_db.schema.adopt import Report

Apply = Annotated[bool, typer.Option("--apply", help="Do what the report says; asks nothing.")]
TimeZone = Annotated[
    str | None,
    typer.Option(
        "--time-zone",
        metavar="NAME",
        help="In which zone times without one were written, as in Asia/Almaty; asked for where there are such times.",
    ),
]


MaxStall = Annotated[
    float,
    typer.Option(
        "--max-stall",
        metavar="SECONDS",
        min=0.1,
        help="With --apply, for how long the application may be kept waiting; then all is undone.",
    ),
]


def adopt(
    apply: Apply = False,
    time_zone: TimeZone = None,
    max_stall: MaxStall = 60.0,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Bring a database of the layout v2, or a variant of it, under Alembic; without --apply only report.

    The report: what differs from v2, which rows will be mended and how, which cannot be. With --apply it becomes v2 in
    one transaction, what cannot be mended moves whole to tripwire.quarantine, and the first revision is stamped; then
    `tripwire-db upgrade` does the rest. Extra tables and columns stay.

    The exit code of the report is 1 where there is something to do.
    """
    from tripwire_db.schema.adopt import adopt as bring_in
    from tripwire_db.schema.adopt import inspect

    with targets.migrations(database_url) as target:
        if apply:
            report = bring_in(target.url, time_zone=time_zone, max_stall=max_stall)
        else:
            report = inspect(target.url, time_zone=time_zone)
    if as_json:
        output.show_json(report)
    else:
        _show(report)
    if report.revision is None:
        raise typer.Exit(FOUND)


def _show(report: "Report") -> None:
    if report.revision is not None and not report.applied:
        output.say(f"This database is under Alembic already, at {report.revision}: nothing to adopt.")
        return
    for column in report.secrets:
        output.note(
            f"{column} looks like passwords in clear text. It stays as it is, and in no output: have the people choose new "
            "ones, then drop the column",
            label="WARNING",
        )
    for note in report.notes:
        output.note(note, label="Note")
    for blocker in report.blockers:
        output.note(blocker, label="To settle first")
    if report.differences:
        output.show(
            output.table(
                f"Objects that are not as v2 has them ({len(report.differences)})",
                ["kind", "name", "", "what is done"],
                [(d.kind.replace("_", " "), d.name, d.change, d.action) for d in report.differences],
            )
        )
    if report.mendings:
        output.show(
            output.table(
                "Rows that are mended where they are",
                ["table", ">rows", "how", "by"],
                [(m.table, m.rows, m.how, m.by) for m in report.mendings],
            )
        )
    if report.quarantined:
        output.show(
            output.table(
                f"Rows that nobody can mend, for tripwire.quarantine ({len(report.quarantined)})",
                ["table", "key", "reason"],
                [(q.table, q.key, q.reason) for q in report.quarantined],
            )
        )
    moved = Counter(q.table for q in report.quarantined)
    if report.applied:
        what = (
            ", ".join(f"{count} {'row' if count == 1 else 'rows'} of {table}" for table, count in sorted(moved.items()))
            or "no row"
        )
        output.say(f"Adopted: the database is v2 at revision {report.revision}; {what} moved to tripwire.quarantine.")
        output.say("Next: tripwire-db upgrade")
    else:
        if not (report.differences or report.mendings or report.quarantined or report.blockers):
            output.say("The database is exactly v2.")
        then = (
            "settle what stands above, then tripwire-db adopt again" if report.blockers else "tripwire-db adopt --apply"
        )
        output.say(f"Nothing was changed. Next: {then}")
