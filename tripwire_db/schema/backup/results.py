"""What backups, restores and rehearsals tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol


class Progress(Protocol):
    """Who is told how far the work is."""

    def began(self, what: str, total: int) -> None:
        """A part of the work begins, of so many steps."""

    def advanced(self) -> None:
        """One step of it is done."""


class Silent:
    """Tells nobody."""

    def began(self, what: str, total: int) -> None:
        """Tell nobody."""

    def advanced(self) -> None:
        """Tell nobody."""


@dataclass(frozen=True, slots=True)
class TableState:
    """The rows of one table at one moment.

    Attributes:
        rows: how many.
        checksum: over all rows, whatever their order and that of the columns.
        columns: each column's type, in their order; without generated ones.
    """

    rows: int
    checksum: str
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Member:
    """A file in the archive: its bytes and their SHA-256."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds.

    Attributes:
        made_by: program and version.
        at: when its snapshot was taken.
        database: user, host, port and name.
        server_version: as in `17.6`.
        revision: the database's.
        bytes: of the tables and their indexes in the server.
        tables: the project's, by name.
        outside: rows of others' tables that these need, by table.
        sequences: the last number that each has given; None where it has given none.
        left_out: tables beside the project's, which are not in the file.
        files: what the archive is made of.
    """

    made_by: str
    at: datetime
    database: str
    server_version: str
    revision: str
    bytes: int
    tables: Mapping[str, TableState]
    outside: Mapping[str, TableState]
    sequences: Mapping[str, int | None]
    left_out: tuple[str, ...]
    files: Mapping[str, Member]

    @property
    def rows(self) -> int:
        """The rows of all of the project's tables."""
        return sum(table.rows for table in self.tables.values())


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made.

    Attributes:
        file: where it is.
        bytes: its size.
        seconds: the time it took, verification included.
        verified: whether it was restored into a scratch server and counted again.
        manifest: what is in it.
        notes: what to know of it.
    """

    file: Path
    bytes: int
    seconds: float
    verified: bool
    manifest: Manifest
    notes: tuple[str, ...]


Target = Literal["empty", "behind", "matching"]
"""A database to restore into: without any table; with the layout of an older revision and no rows; at the backup's revision."""


@dataclass(frozen=True, slots=True)
class TableChange:
    """What a restore does to a table: the rows that are there now, and those of the backup."""

    table: str
    now: int
    then: int
    same: bool


@dataclass(frozen=True, slots=True)
class OutsideRows:
    """What a restore does to a table of others.

    Attributes:
        table: its name.
        needed: rows of the backup.
        missing: those that are not there now; they are written.
        unwritten: those that could not be written, or None before it was tried.
        different: rows that are there with other values, and stay as they are.
        reason: why some cannot be written, or columns of them.
    """

    table: str
    needed: int
    missing: int
    different: int = 0
    unwritten: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Restore:
    """What a restore would do, or did.

    Attributes:
        database: user, host, port and name.
        target: what it is now.
        applied: whether it was done.
        manifest: of the backup.
        tables: one by one.
        outside: rows of others' tables.
        added: tables and columns that no revision makes, and that the backup has.
        stranded: rows of others' tables that the project's rows belonged to, and that the backup does not know.
        seconds: the time it took.
    """

    database: str
    target: Target
    applied: bool
    manifest: Manifest
    tables: tuple[TableChange, ...]
    outside: tuple[OutsideRows, ...]
    added: tuple[str, ...] = ()
    stranded: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class TimedRevision:
    """A revision, and the seconds it took."""

    revision: str
    seconds: float


@dataclass(frozen=True, slots=True)
class AccountedTable:
    """A table's rows before the upgrade, after it, and after the downgrade; None where there is no such table.

    Attributes:
        table: its name.
        before: rows in the backup.
        after: rows at the newest revision.
        back: rows after the way back.
        as_before: whether every row is then as it was.
    """

    table: str
    before: int | None
    after: int | None
    back: int | None
    as_before: bool


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What an upgrade of a backup did, and the way back.

    Attributes:
        manifest: of the backup.
        scratch_version: the version of the server it ran on.
        after: the revision it was upgraded to.
        up: each revision's time.
        down: each revision's time on the way back.
        drift: differences from the chain after the upgrade.
        damage: kinds of damaged rows after the upgrade, with counts.
        losses: what the downgrade says to lose, with counts.
        tables: the account of rows.
        problems: rows that are lost without being declared.
    """

    manifest: Manifest
    scratch_version: str
    after: str
    up: tuple[TimedRevision, ...]
    down: tuple[TimedRevision, ...]
    drift: tuple[str, ...]
    damage: Mapping[str, int]
    losses: Mapping[str, int]
    tables: tuple[AccountedTable, ...]
    problems: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether nothing was found."""
        return not (self.drift or self.damage or self.problems)
