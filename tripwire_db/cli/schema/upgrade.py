"""`tripwire-db upgrade`: bring a database up to a revision."""

from pathlib import Path
from typing import Annotated

import typer

from tripwire_db.cli import options, output, targets
from tripwire_db.cli.schema import common
from tripwire_db.cli.schema.backup import take as take_backup

Revision = Annotated[str, typer.Argument(metavar="REVISION", help="An id, head, or a step such as +1.")]
BackupFolder = Annotated[
    Path | None,
    typer.Option("--backup", metavar="DIR", help="Make a verified backup in this folder first.", show_default=False),
]


def upgrade(
    revision: Revision = "head",
    backup: BackupFolder = None,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Bring the schema up to a revision, on a live database.

    One deployer at a time, bounded waits for locks, one transaction a revision: `alembic upgrade` does the same.
    With --backup nothing is upgraded unless a backup was made, restored into a scratch server and counted again.
    """
    with targets.migrations(database_url, may_create=True) as target:
        if target.cluster is not None:  # ours, so surely no Supabase
            from tripwire_db.schema.bootstrap import bootstrap

            bootstrap(target.url)
        if backup is not None:
            _take(target.url, backup)
        outcome = common.migrate(target.url, "upgrade", revision)
    if as_json:
        output.show_json(outcome)


def _take(url: str, folder: Path) -> None:
    """Make a backup, where there is anything to be kept."""
    from tripwire_db import migrations
    from tripwire_db.errors import InvalidInput
    from tripwire_db.schema.plan import wording

    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder: --backup names the one that the backup is put into")
    if migrations.current(url) is None:
        output.note("No backup: this database is at no revision yet.")
        return
    made = take_backup(url, folder)
    output.note(f"Backup: {made.file} ({wording.size(made.bytes)}, verified)")
