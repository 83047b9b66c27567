"""What tracing found: the locks of a statement, and its work on each table."""

from dataclasses import dataclass
from typing import Literal

Blocked = Literal["reads and writes", "writes", "other migrations", "nothing"]
"""What of an application and of its operators waits behind a lock; a stronger one blocks what a weaker one does, too."""

BLOCKED: dict[str, Blocked] = {
    "ACCESS EXCLUSIVE": "reads and writes",
    "EXCLUSIVE": "writes",
    "SHARE ROW EXCLUSIVE": "writes",
    "SHARE": "writes",
    "SHARE UPDATE EXCLUSIVE": "other migrations",
    "ROW EXCLUSIVE": "other migrations",
    "ROW SHARE": "nothing",
    "ACCESS SHARE": "nothing",
}
"""The modes of table locks, the strongest first, and what each blocks."""

CONFLICTS: dict[str, frozenset[str]] = {
    "ACCESS EXCLUSIVE": frozenset(BLOCKED),
    "EXCLUSIVE": frozenset(BLOCKED) - {"ACCESS SHARE"},
    "SHARE ROW EXCLUSIVE": frozenset(BLOCKED) - {"ACCESS SHARE", "ROW SHARE"},
    "SHARE": frozenset(BLOCKED) - {"ACCESS SHARE", "ROW SHARE", "SHARE"},
    "SHARE UPDATE EXCLUSIVE": frozenset(BLOCKED) - {"ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE"},
    "ROW EXCLUSIVE": frozenset({"SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"}),
    "ROW SHARE": frozenset({"EXCLUSIVE", "ACCESS EXCLUSIVE"}),
    "ACCESS SHARE": frozenset({"ACCESS EXCLUSIVE"}),
}
"""The modes that each mode waits for, where somebody else holds them on the same table."""


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that a statement took and no statement before it in the same revision held.

    Attributes:
        relation: as in `public.users`: a table, or an index.
        table: the table that it is about: the relation itself, or that of the index.
        mode: as in `ACCESS EXCLUSIVE`.
        held: whether it is held until the revision's end; else only until the statement's.
    """

    relation: str
    table: str
    mode: str
    held: bool

    @property
    def blocks(self) -> Blocked:
        """What waits behind it."""
        return BLOCKED[self.mode]


@dataclass(frozen=True, slots=True)
class TableWork:
    """What a statement did to a table that was there before the revision.

    Attributes:
        table: as in `public.users`.
        rewritten: its rows went into a new file: a type change, a volatile default, SET UNLOGGED, CLUSTER.
        emptied: it got a new and empty file (TRUNCATE).
        scans: how often it was read from end to end.
        read: the rows that these scans read.
        inserted: rows.
        updated: rows.
        deleted: rows.
        indexes_built: those that were built or rebuilt, as in `public.users_email_key`.
    """

    table: str
    rewritten: bool = False
    emptied: bool = False
    scans: int = 0
    read: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    indexes_built: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NestedStatement:
    """What a DO block, a function or a trigger executed, as the server tells it: literals of queries are `$1`, `$2` ….

    Attributes:
        sql: its text.
        calls: how often it ran.
        rows: that it gave or changed, of all calls.
        seconds: of all calls.
    """

    sql: str
    calls: int
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class TracedStatement:
    """One statement that reached the server.

    Attributes:
        sql: its text, without the values of its parameters.
        transactional: whether it ran in the revision's transaction; False for CONCURRENTLY.
        seconds: how long it ran.
        locks: that it took on what was there before the revision.
        work: on each table that was there before the revision and that it did anything to.
        wal_bytes: that it wrote to the log; without images of whole pages, which a server adds after each checkpoint.
        nested: what it executed in turn, in this order.
        line: of the revision's file that sent it; None where another file did.
    """

    sql: str
    transactional: bool
    seconds: float
    locks: tuple[Lock, ...]
    work: tuple[TableWork, ...]
    wal_bytes: int = 0
    nested: tuple[NestedStatement, ...] = ()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class TracedRevision:
    """One revision, run once.

    Attributes:
        revision: its id.
        title: the first line of its docstring.
        down: whether it was taken back.
        statements: in this order.
        tables: those that were there before it.
    """

    revision: str
    title: str
    down: bool
    statements: tuple[TracedStatement, ...]
    tables: frozenset[str]

    @property
    def transactional(self) -> bool:
        """Whether it is one transaction; else each statement is one of its own (CONCURRENTLY)."""
        return all(statement.transactional for statement in self.statements)

    @property
    def seconds(self) -> float:
        """The time of its statements."""
        return sum(statement.seconds for statement in self.statements)
