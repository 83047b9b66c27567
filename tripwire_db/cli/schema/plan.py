"""`tripwire-db plan`: what an upgrade or a downgrade would do, before it does."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tripwire_db.cli import options, output, targets
from tripwire_db.cli.errors import FOUND
from tripwire_db.errors import InvalidInput

if TYPE_CHECKING:
    from tripwire_db.schema.plan import Plan, PlannedRevision

FORMATS = ("text", "markdown", "html", "json")


def plan(
    to: Annotated[
        str, typer.Option("--to", metavar="REV", help="An id, head, base, or a step such as +1 or -1.")
    ] = "head",
    max_block: Annotated[
        str, typer.Option(metavar="TIME", help="How long writes may be held up, as in 500ms or 2s.")
    ] = "1s",
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help=f"One of {', '.join(FORMATS)}.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    all_revisions: Annotated[
        bool, typer.Option("--all", help="Detail also revisions that hold up no write for longer than a tenth of TIME.")
    ] = False,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Show what an upgrade or a downgrade would do to a live database, before it does.

    The revisions are run on a scratch server, statement by statement, from the live database's own revision: which locks
    they take and what waits behind them, what they rewrite, read, change and lose, and how long that takes at the live
    size; and whether the application of the last release goes on working. The live database is only read: its sizes, and who would be in the way now.

    Exit codes: 0 writes are held up for no longer than --max-block, 1 they are, 2 wrong use.
    """
    from alembic.util import CommandError

    from tripwire_db.errors import Refused
    from tripwire_db.schema.plan import make_plan

    chosen = "json" if as_json else form
    if chosen not in FORMATS:
        raise InvalidInput(f"--format must be one of {', '.join(FORMATS)}")
    limit = _seconds(max_block)
    with targets.migrations(database_url) as target:
        try:
            found = make_plan(target.url, to, say=lambda text: output.note(f"{text} …"))
        except CommandError as error:
            raise Refused(f"on the scratch server: {error}") from error
    _print(found, chosen, limit, all_revisions=all_revisions)
    if found.blocks_longer_than(limit):
        raise typer.Exit(FOUND)


def _seconds(text: str) -> float:
    from tripwire_db.schema.runner import MigrationError
    from tripwire_db.schema.runner.limits import milliseconds

    try:
        return milliseconds("--max-block", text) / 1000
    except MigrationError as error:
        raise InvalidInput(str(error)) from None


def _print(found: "Plan", form: str, limit: float, *, all_revisions: bool) -> None:
    if form == "markdown":
        from tripwire_db.schema.plan.markdown import as_markdown

        sys.stdout.write(as_markdown(found, limit))
    elif form == "html":
        from tripwire_db.schema.plan.html import as_html

        sys.stdout.write(as_html(found, limit))
    elif form == "json":
        too_long = [{"revision": revision, "block": block} for revision, block in found.blocks_longer_than(limit)]
        output.show_json({"live_seconds": found.live_seconds, "too_long": too_long, **output.plain(found)})
    else:
        _show(found, limit, all_revisions=all_revisions)


def _show(found: "Plan", limit: float, *, all_revisions: bool) -> None:
    from tripwire_db.schema.plan import wording

    output.say(wording.headline(found))
    output.say(wording.drift_line(found))
    for one in found.drift:
        output.say(f"    {one}")
    if not found.revisions:
        output.say(wording.NOTHING_TO_DO)
    else:
        columns = ["=Revision", "What", ">Time", ">Writes wait", "Where"]
        if found.last_release is not None:
            columns.append(f"Release {found.last_release}")
        rows = ((*_row(one), *wording.release_cell(found, one)) for one in found.revisions)
        output.show(output.table("", columns, rows))
    for revision in found.revisions:
        worst = wording.worst(revision)
        if all_revisions or revision.losses or revision.breaks or (worst is not None and worst.seconds > limit / 10):
            _detail(found, revision)
    now = list(wording.in_the_way(found.live, found.revisions))
    output.say("Now in the live database:" if now else "Now in the live database: nothing stands in the way.")
    for line in now:
        output.say(f"    {line}")
    for note in found.notes:
        output.say(f"Note: {note}")
    if found.revisions:
        output.say()
        output.say(wording.verdict(found, limit))
        if released := wording.release_line(found):
            output.say(released)


def _row(revision: "PlannedRevision") -> tuple[str, ...]:
    from tripwire_db.schema.plan import wording

    worst = wording.worst(revision)
    return (
        revision.revision,
        revision.title.partition(": ")[0],
        wording.duration(revision.live_seconds),
        wording.duration(worst.seconds) if worst else "–",
        f"{worst.table}: {worst.holdup}" if worst else "",
    )


def _detail(found: "Plan", revision: "PlannedRevision") -> None:
    from tripwire_db.schema.plan import wording

    output.say(f"{revision.revision} {revision.title}")
    measured, scaled = wording.duration(revision.scratch_seconds), wording.duration(revision.live_seconds)
    output.say(f"    {wording.way(revision)}; {measured} on the scratch server, {scaled} at the live size")
    for loss in revision.losses:
        output.say(f"    loses {wording.number(loss.count)} {loss.what}")
    for line in (*wording.broken_calls(found, revision), *wording.held_up(revision)):
        output.say(f"    {line}")
    for statement, told in wording.works(revision):
        output.say(f"    {wording.times(statement)}: {told}")
        output.say(f"        {statement.sql}")
    output.say()
