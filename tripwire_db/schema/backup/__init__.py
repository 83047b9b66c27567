"""`tripwire-db backup`, `restore`, `rehearse`: a way back, and the migration on the real rows before it is for real.

A backup is one file: pg_dump's of the project's schemas, the rows of others' tables that they need, and a manifest with
each table's count and checksum, all of one snapshot.
"""

from tripwire_db.schema.backup.archive import read_manifest
from tripwire_db.schema.backup.rehearse import rehearse
from tripwire_db.schema.backup.restore import look, restore
from tripwire_db.schema.backup.results import (
    AccountedTable,
    Backup,
    Manifest,
    Member,
    OutsideRows,
    Progress,
    Rehearsal,
    Restore,
    TableChange,
    TableState,
    TimedRevision,
)
from tripwire_db.schema.backup.write import make_backup

__all__ = [
    "AccountedTable",
    "Backup",
    "Manifest",
    "Member",
    "OutsideRows",
    "Progress",
    "Rehearsal",
    "Restore",
    "TableChange",
    "TableState",
    "TimedRevision",
    "look",
    "make_backup",
    "read_manifest",
    "rehearse",
    "restore",
]
