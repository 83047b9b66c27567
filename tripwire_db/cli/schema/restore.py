"""`tripwire-db restore`: back to what a backup holds."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tripwire_db.cli import options, output, targets
from tripwire_db.cli.errors import FOUND
from tripwire_db.cli.progress import Bars

if TYPE_CHECKING:
    from tripwire_db.schema.backup import OutsideRows, Restore

File = Annotated[Path, typer.Argument(metavar="FILE", help="What `tripwire-db backup` made.")]
Apply = Annotated[bool, typer.Option("--apply", help="Do it; without, only tell what would be done.")]

_TARGETS = {
    "empty": "an empty database: the schema is made by the revisions, then the rows are written",
    "behind": "a database without rows at an older revision: it is upgraded, then the rows are written",
    "matching": "at the backup's revision: all rows of these tables are replaced",
}


def restore(
    file: File, apply: Apply = False, database_url: options.DatabaseUrl = None, as_json: options.Json = False
) -> None:
    """Restore a backup: tell what would be done (exit code 1), or do it with --apply.

    Into an empty database, or into one at the backup's revision, whose rows are replaced: all of them, or none. Auth
    users that are there stay as they are, missing ones are written. Stop the application first, as in
    `tripwire-db restore course.tar --apply`. Restore only files that you made: they can run SQL.
    """
    from tripwire_db.schema import backup

    with targets.migrations(database_url, may_create=apply) as target:
        if apply and target.cluster is not None:  # ours, so surely no Supabase
            from tripwire_db.schema.bootstrap import bootstrap

            bootstrap(target.url)
        if apply:
            with Bars() as bars:
                done = backup.restore(target.url, file, progress=bars)
        else:
            done = backup.look(target.url, file)
    if as_json:
        output.show_json(done)
    else:
        _show(done)
    if not apply:
        raise typer.Exit(FOUND)


def _show(done: "Restore") -> None:
    from tripwire_db.schema.plan import wording

    manifest = done.manifest
    output.say(f"{manifest.made_by}, {output.moment(manifest.at)}: {manifest.database}, revision {manifest.revision}")
    output.say(f"{'Restored' if done.applied else 'To restore'} into {done.database}: {_TARGETS[done.target]}")
    rows = (
        (one.table, wording.number(one.now), wording.number(one.then), "as it was" if one.same else "written")
        for one in done.tables
    )
    output.show(output.table("", ["Table", ">Rows before", ">In the backup", "Rows are"], rows))
    for one in done.outside:
        output.say(_outside(one, applied=done.applied))
    for name in done.added:
        output.say(f"Note: no revision makes {name}: it was made, without what else belonged to it (indexes, grants)")
    if done.stranded:
        output.say(
            f"Note: {done.stranded} auth users came after the backup: they have no rows now. `tripwire-db doctor` lists them"
        )
    if not done.applied:
        output.say("Nothing was changed. With --apply it is done.")


def _outside(one: "OutsideRows", *, applied: bool) -> str:
    verb = "were missing" if applied else "are missing and would be written"
    told = f"{one.table}: {one.needed} rows in the backup, {one.missing} {verb}"
    if one.unwritten:
        told += f", {one.unwritten} could not be written"
    if one.different:
        told += f"; {one.different} have other values here, and were left as they are"
    return told + (f" ({one.reason})" if one.reason else "")
