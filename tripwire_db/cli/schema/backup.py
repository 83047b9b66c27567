"""`tripwire-db backup`: a file to go back to."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tripwire_db.cli import options, output, targets
from tripwire_db.cli.progress import Bars

if TYPE_CHECKING:
    from tripwire_db.schema.backup import Backup

Place = Annotated[
    Path, typer.Argument(metavar="FILE|DIR", help="The file to make; in a folder it is named after database and time.")
]
Jobs = Annotated[int, typer.Option("--jobs", "-j", metavar="N", help="How many tables are dumped at once.")]
NoVerify = Annotated[
    bool, typer.Option("--no-verify", help="Do not restore it into a scratch server: for very large databases.")
]


def backup(
    place: Place,
    jobs: Jobs = 1,
    no_verify: NoVerify = False,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Make a backup of the project's schemas, and of the auth users that they need, in one file.

    The database is only read, in one snapshot. The file is restored into a scratch server and counted again, is
    readable by you alone, and never takes another's place: `tripwire-db backup /var/backups`. It holds people's
    data and the hashes of their passwords: keep it as safe as the database.
    """
    with targets.migrations(database_url) as target:
        made = take(target.url, place, jobs=jobs, verify=not no_verify)
    if as_json:
        output.show_json(document(made))
    else:
        show(made)


def take(url: str, place: Path, *, jobs: int = 1, verify: bool = True) -> "Backup":
    """Make it, with bars."""
    from tripwire_db.schema.backup import make_backup

    with Bars() as bars:
        return make_backup(url, place, jobs=jobs, verify=verify, progress=bars)


def document(made: "Backup") -> dict[str, object]:
    """What JSON tells of it."""
    return {**output.plain(made.manifest), "file": str(made.file), "file_bytes": made.bytes} | {
        "seconds": made.seconds,
        "verified": made.verified,
        "notes": list(made.notes),
    }


def show(made: "Backup") -> None:
    """Tell people of it."""
    from tripwire_db.schema.plan import wording

    manifest = made.manifest
    proof = "restored into a scratch server and counted again" if made.verified else "not verified"
    output.say(f"{made.file}: {wording.size(made.bytes)}, {wording.number(manifest.rows)} rows, {proof}")
    output.say(f"    {manifest.database}, PostgreSQL {manifest.server_version}, revision {manifest.revision}")
    for table, state in manifest.outside.items():
        output.say(f"    with {state.rows} rows of {table}")
    for note in made.notes:
        output.say(f"Note: {note}")
