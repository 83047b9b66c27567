"""`tripwire-db rehearse`: the upgrade on the real rows, with nobody hurt."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tripwire_db.cli import options, output
from tripwire_db.cli.errors import FOUND
from tripwire_db.cli.progress import Bars

if TYPE_CHECKING:
    from tripwire_db.schema.backup import Rehearsal

File = Annotated[Path, typer.Argument(metavar="BACKUP", help="What `tripwire-db backup` made.")]
To = Annotated[str, typer.Option("--to", metavar="REVISION", help="An id, head, or a step such as +1.")]


def rehearse(file: File, to: To = "head", as_json: options.Json = False) -> None:
    """Upgrade a backup on a scratch server, and take it down again: the real migration on the real rows.

    Tells each revision's time, drift, damaged rows, and where the rows of each table are before, after, and after the
    way back, as in `tripwire-db rehearse course.tar`. Exit codes: 0 nothing found, 1 found something, 2 wrong use.
    """
    from tripwire_db.schema.backup import rehearse as run

    with Bars() as bars:
        done = run(file, to, progress=bars)
    if as_json:
        output.show_json(done)
    else:
        _show(done)
    if not done.good:
        raise typer.Exit(FOUND)


def _show(done: "Rehearsal") -> None:
    from tripwire_db.schema.plan.wording import duration, number

    up, down = (sum(step.seconds for step in steps) for steps in (done.up, done.down))
    output.say(
        f"{done.manifest.database}, {number(done.manifest.rows)} rows, from {done.manifest.revision} to {done.after} on "
        f"PostgreSQL {done.scratch_version}"
    )
    output.say(
        f"Up: {len(done.up)} revisions in {duration(up)}. Down again: {len(done.down)} revisions in {duration(down)}."
    )
    back = {step.revision: step.seconds for step in done.down}
    if done.up:
        steps = ((step.revision, duration(step.seconds), duration(back[step.revision])) for step in done.up)
        output.show(output.table("", ["=Revision", ">Up", ">Down"], steps))
    rows = (
        (one.table, *(None if n is None else number(n) for n in (one.before, one.after, one.back)), one.as_before)
        for one in done.tables
    )
    output.show(output.table("", ["Table", ">Rows", ">After", ">Back", "Every row as before"], rows))
    output.say(f"Drift: {'; '.join(done.drift) or 'none'}.")
    damage = ", ".join(f"{count} {kind}" for kind, count in done.damage.items())
    output.say(f"Damaged rows: {damage or 'none'}.")
    losses = "; ".join(f"{number(count)} {what}" for what, count in done.losses.items())
    output.say(f"The way back declares to lose: {losses or 'nothing'}.")
    for problem in done.problems:
        output.say(f"Problem: {problem}")
