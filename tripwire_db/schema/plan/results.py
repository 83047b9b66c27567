"""What a plan says: by statement, by revision, and of the live database now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tripwire_db.schema.tracing import Lock

Holdup = Literal["nothing", "other migrations", "writes to changed rows", "writes", "reads and writes"]
"""What waits, the strongest last: whoever is held up by a weaker one is held up by a stronger one, too."""

HOLDUPS: tuple[Holdup, ...] = ("nothing", "other migrations", "writes to changed rows", "writes", "reads and writes")


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table's size; rows as the server estimates them, bytes with TOAST and without indexes."""

    rows: int
    bytes: int
    index_bytes: int


@dataclass(frozen=True, slots=True)
class PlannedWork:
    """What a statement does to one table that the live database has.

    Attributes:
        table: as in `public.users`.
        rewritten: its rows go into a new file.
        emptied: TRUNCATE.
        scanned: whether it is read from end to end.
        changed_rows: inserted, updated and deleted, at the live size.
        indexes_built: those that are built or rebuilt.
        size: of the live table.
    """

    table: str
    rewritten: bool
    emptied: bool
    scanned: bool
    changed_rows: int
    indexes_built: tuple[str, ...]
    size: TableSize


@dataclass(frozen=True, slots=True)
class PlannedStatement:
    """One statement.

    Attributes:
        sql: on one line, shortened.
        transactional: False for CONCURRENTLY.
        locks: on tables and indexes that the live database has.
        work: on tables that the live database has.
        scratch_seconds: how long it took on the scratch server.
        live_seconds: how long that is at the live size.
        wal_bytes: that it writes to the log at the live size, without images of whole pages.
        space_bytes: that it needs beside the old files until the commit, where it rewrites a table.
    """

    sql: str
    transactional: bool
    locks: tuple[Lock, ...]
    work: tuple[PlannedWork, ...]
    scratch_seconds: float
    live_seconds: float
    wal_bytes: int
    space_bytes: int


@dataclass(frozen=True, slots=True)
class Block:
    """A time in which something waits at a table, unless a stronger block of the same table covers it.

    Attributes:
        table: as in `public.users`.
        holdup: what waits.
        mode: the lock, as in `ACCESS EXCLUSIVE`.
        statement: which statement of the revision takes it, from 0.
        start: seconds after the revision's begin, at the live size.
        seconds: until the lock is given back, at the live size.
    """

    table: str
    holdup: Holdup
    mode: str
    statement: int
    start: float
    seconds: float


@dataclass(frozen=True, slots=True)
class CountedLoss:
    """Rows or values of the live database that a downgrade loses."""

    what: str
    count: int


@dataclass(frozen=True, slots=True)
class PlannedRevision:
    """One revision.

    Attributes:
        revision: its id.
        title: what it is for.
        transactional: one transaction; else CONCURRENTLY, each statement by itself.
        statements: in this order.
        blocks: what waits, where and when.
        losses: what a downgrade loses, with live counts; those that lose nothing are left out.
        scratch_seconds: on the scratch server.
        live_seconds: at the live size.
        breaks: calls of the last release's application that fail or answer otherwise from here on, one an entry.
    """

    revision: str
    title: str
    transactional: bool
    statements: tuple[PlannedStatement, ...]
    blocks: tuple[Block, ...]
    losses: tuple[CountedLoss, ...]
    scratch_seconds: float
    live_seconds: float
    breaks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """A transaction that has been open for longer than a migration waits for a lock.

    Attributes:
        pid: of its backend; 0 for a prepared transaction.
        seconds: how long it has been open.
        session: whose it is and what it does, without literals.
        tables: that it has locked so that the plan would wait for it there.
        snapshot: whether it holds a snapshot, which CONCURRENTLY waits for.
    """

    pid: int
    seconds: float
    session: str
    tables: tuple[str, ...]
    snapshot: bool


@dataclass(frozen=True, slots=True)
class Wraparound:
    """An autovacuum to prevent wraparound: at work (with its pid), or due (with the table's age in transactions)."""

    table: str
    pid: int | None
    age: int | None


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica, and how far it is behind; None where the server does not say."""

    name: str
    state: str | None
    lag_seconds: float | None
    lag_bytes: int | None


@dataclass(frozen=True, slots=True)
class InvalidIndex:
    """An index that no query takes and that every write keeps: what a failed CONCURRENTLY leaves."""

    name: str
    table: str


@dataclass(frozen=True, slots=True)
class LiveState:
    """What stands in the way in the live database at the moment of the look."""

    at: datetime
    transactions: tuple[OpenTransaction, ...]
    wraparound: tuple[Wraparound, ...]
    replicas: tuple[Replica, ...]
    invalid_indexes: tuple[InvalidIndex, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an upgrade or a downgrade would do.

    Attributes:
        database: which one, without its password.
        server_version: of the live database, as in `17.6`.
        scratch_version: of the server that the revisions ran on.
        before: the revision the database is at; None for none.
        after: the one that it would be at; None for none.
        down: whether it is a downgrade.
        drift: what was changed by hand in the live database, one object an entry: there the plan may be wrong.
        revisions: in the order in which they would run.
        live: what stands in the way now.
        measured_with: how many rows of `measured_table` the times come from.
        measured_table: whose rows at the live database set the scale.
        notes: what to know when reading it.
        last_release: whose application was tried after each revision; None where none was released for this schema.
    """

    database: str
    server_version: str
    scratch_version: str
    before: str | None
    after: str | None
    down: bool
    drift: tuple[str, ...]
    revisions: tuple[PlannedRevision, ...]
    live: LiveState
    measured_with: int
    measured_table: str
    notes: tuple[str, ...]
    last_release: str | None = None

    @property
    def live_seconds(self) -> float:
        """How long all revisions take at the live size."""
        return sum(revision.live_seconds for revision in self.revisions)

    def blocks_longer_than(self, seconds: float) -> tuple[tuple[str, Block], ...]:
        """The revision and the block, for each that holds up writes for longer."""
        return tuple(
            (revision.revision, block)
            for revision in self.revisions
            for block in revision.blocks
            if "writes" in block.holdup and block.seconds > seconds
        )
