"""The flow engine: named steps that become one SQL statement. Values only, no I/O.

A `FlowStatement` is built once: common table expressions that hang from a gate, each step writing one table, and a
final SELECT that reports what they did. A `Flow` is such a statement with its parameters: a value that the sync and the
async repository run alike, in one round trip, on an AUTOCOMMIT connection, where the statement is the transaction.

The rules that make such a statement right are in CONTRIBUTING.md; in short:

- the gate locks the student's row first, and a closed gate yields no row, so every step behind it writes nothing;
- what decides comes from the locked row, from a step's own WHERE or from RETURNING, never from sibling rows;
- one table per step, and no row is touched twice.
"""

import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import RLock
from types import ModuleType
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    CTE,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    DateTime,
    Delete,
    FromClause,
    Insert,
    Select,
    Subquery,
    Table,
    Text,
    Update,
    bindparam,
    case,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import Insert as UpsertInsert
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import TypeEngine

from tripwire_db.engine.compiler import DIALECT
from tripwire_db.engine.fork import watch_forks
from tripwire_db.engine.parameters import as_text

T = TypeVar("T")
Row = Any
"""A row of the report: its columns are attributes."""
Parameters = Mapping[str, Any]
Decode = Callable[[Sequence[Row], Parameters], T]

LOCK_TIMEOUT_SECONDS = 4
"""How long a flow waits for a row that somebody else holds, before it gives up with nothing written."""

# Each step's row count stands in the report under this prefix, for the log.
ROWS_PREFIX = "rows_"


# A call that finds its work done by an earlier one acknowledges what that wrote, and need not write anything itself: then
# its commit would not wait for a synchronous standby, which may never have heard of the earlier one. So, where there is
# a standby to wait for, each flow that may write leaves a few bytes in the WAL.
_STANDBY_WAIT = case(
    (
        func.pg_catalog.current_setting(literal_column("'synchronous_standby_names'")) != literal_column("''"),
        func.pg_catalog.pg_logical_emit_message(
            literal_column("true"), literal_column("'tripwire'"), literal_column("''::text"), type_=Text
        ),
    )
)


def param(name: str, type_: type[TypeEngine[Any]] | TypeEngine[Any] = Text) -> BindParameter[Any]:
    """A named parameter of a flow; its type is rendered as a cast, so that NULL has one too."""
    return bindparam(name, type_=type_)


def one_row() -> Subquery:
    """A row to join a report's facts to, each of which may be missing.

    Examples:
        >>> select(student.c.user_id).select_from(one_row()).outerjoin(student, true())
    """
    return select(literal_column("1")).subquery("one")


def into(table: Table, source: FromClause, /, **columns: Any) -> UpsertInsert:
    """`INSERT INTO table (columns) SELECT columns FROM source`: one row of `table` for each row of `source`.

    A row that is made was updated then, too: `updated_at` is `created_at`, where the table has it.
    """
    if "created_at" in columns and "updated_at" in table.c:
        columns["updated_at"] = columns["created_at"]
    return insert(table).from_select(list(columns), select(*columns.values()).select_from(source))


class StatementBuilder:
    """Collects the gates, the steps and the report of one flow, in the order of the specification."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tables: dict[str, str] = {}
        self._ctes: list[CTE] = []
        self._report: Select[*tuple[Any, ...]] | None = None

    @cached_property
    def settings(self) -> CTE:
        """One row: `at`, the time of the call, and a lock timeout for this statement alone.

        It is joined by whatever locks, so the timeout is set before the first wait, and it leaves nothing behind on
        the connection. The time is the database's, unless the repository was given a clock.
        """
        timeout = func.set_config("lock_timeout", f"{LOCK_TIMEOUT_SECONDS}s", literal_column("true"))
        at = func.coalesce(param("at", DateTime(timezone=True)), func.clock_timestamp())
        return self.gate("settings", select(timeout.label("lock_timeout"), at.label("at")))

    @property
    def at(self) -> ColumnElement[Any]:
        """The time of the call; `settings` must be in FROM."""
        return self.settings.c.at

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of gates and steps, in their order."""
        return tuple(cte.name for cte in self._ctes)

    def gate(self, name: str, statement: Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]]) -> CTE:
        """A SELECT that locks, finds or decides. Where it yields no row, nothing that hangs from it happens."""
        # MATERIALIZED, so that it runs once and in full, however often it is read.
        return self._add(statement.cte(name).prefix_with("MATERIALIZED"))

    def step(self, name: str, statement: Insert | Update | Delete) -> CTE:
        """A statement that writes one table; its RETURNING carries on to later steps, and is counted for the log."""
        self.tables[name] = statement.table.description
        return self._add(statement.cte(name))

    def report(self, statement: Select[*tuple[Any, ...]]) -> None:
        """The final SELECT. Where its column `raced` is true, the same statement is run once more."""
        self._report = statement

    def statement(self) -> Select[Any]:
        """Everything as one statement."""
        if self._report is None:
            raise AssertionError(f"the flow {self.name} reports nothing")
        counts = [
            select(func.count()).select_from(cte).scalar_subquery().label(ROWS_PREFIX + cte.name)
            for cte in self._ctes
            if cte.name in self.tables
        ]
        waiting = [_STANDBY_WAIT.label("standby_wait")] if self.tables else []
        return self._report.add_columns(*counts, *waiting).add_cte(*self._ctes)

    def _add(self, cte: CTE) -> CTE:
        self._ctes.append(cte)
        return cte


@dataclass(frozen=True, eq=False)
class FlowStatement(Generic[T]):
    """The statement of a flow; built and compiled once, on first use.

    Attributes:
        name: the flow's name, which its statement begins with, and its log records, its errors and the docs share.
        build: fills in gates, steps and report.
        decode: makes the result of the report's rows, or raises what they mean.

    Examples:
        >>> def _count(b: StatementBuilder) -> None:
        ...     b.report(select(func.count().label("n")).select_from(tripwire_users))
        >>> _COUNT = FlowStatement("count_students", _count, lambda rows, asked: rows[0].n)
        >>> print(_COUNT.flow().sql())
        /* tripwire:count_students */ SELECT /* tripwire:count_students */ pg_catalog.count(*) AS n
        FROM public.tripwire_users
    """

    name: str
    build: Callable[[StatementBuilder], None]
    decode: Decode[T]

    def flow(self, **parameters: Any) -> "Flow[T]":
        """This statement with its parameters."""
        return Flow(self, parameters)

    @cached_property
    def _built(self) -> StatementBuilder:
        builder = StatementBuilder(self.name)
        self.build(builder)
        return builder

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of its gates and steps, in their order."""
        return self._built.parts

    @property
    def tables(self) -> Mapping[str, str]:
        """The table that each step writes, by the step's name, in their order."""
        return self._built.tables

    @cached_property
    def statement(self) -> Select[Any]:
        """The statement as SQLAlchemy Core."""
        return self._built.statement()

    @cached_property
    def sql(self) -> str:
        """The statement as psycopg takes it, with `%(name)s` for each parameter.

        It begins with a comment that names the flow, so that logs and statistics of the server, which keep only the
        beginning of a long statement, tell whose it is. And again after the first word, since pg_stat_statements leaves out
        what stands before it, from PostgreSQL 18 on.
        """
        comment = f"/* tripwire:{self.name} */"
        word, _, rest = str(self.statement.compile(dialect=DIALECT)).partition(" ")
        return f"{comment} {word} {comment} {rest}"

    @cached_property
    def prepared(self) -> tuple[bytes, tuple[str, ...]]:
        """The statement with `$1`, `$2`, … as the server takes it, and the parameters' names in that order.

        What psycopg would make of `sql` on every call, made once: the same bytes are also found at once among those that
        it has prepared.
        """
        names: list[str] = []

        def numbered(match: re.Match[str]) -> str:
            if match[0] == "%%":
                return "%"
            if match[1] not in names:
                names.append(match[1])
            return f"${names.index(match[1]) + 1}"

        return re.sub(r"%%|%\((\w+)\)s", numbered, self.sql).encode(), tuple(names)

    def rows_of(self, cursor: Any) -> Any:
        """A row factory for psycopg: named tuples, whose class is made once, since the statement never changes."""
        if cursor.pgresult is None:  # `description` would be made anew on every call, and costs more than the rows
            return tuple
        return self._row_type._make

    @cached_property
    def _row_type(self) -> Any:
        names = [column.name for column in self.statement.selected_columns]
        return namedtuple("Row", names)  # noqa: PYI024 - the names are the statement's

    @property
    def writes(self) -> bool:
        """False for a flow that only reads."""
        return bool(self.tables)

    def step_of(self, table: str | None) -> str | None:
        """The step that writes this table: an error is told by its table, never by its text.

        Where two steps write one table, the first.
        """
        return next((step for step, written in self.tables.items() if written == table), None)


def statements_in(*modules: ModuleType) -> dict[str, FlowStatement[Any]]:
    """The statements that stand in modules as constants, by their flows' names."""
    found: dict[str, FlowStatement[Any]] = {}
    for value in (value for module in modules for value in vars(module).values()):
        if isinstance(value, FlowStatement) and found.setdefault(value.name, value) is not value:
            raise AssertionError(f"two statements are called {value.name}")
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Flow(Generic[T]):
    """A statement with its parameters: a value, to be run as often as one likes."""

    definition: FlowStatement[T]
    parameters: Parameters

    @property
    def name(self) -> str:
        """The flow's name."""
        return self.definition.name

    @property
    def statement(self) -> Select[Any]:
        """The statement as SQLAlchemy Core, to look at its parts or its cache key."""
        return self.definition.statement

    def prepared(self) -> tuple[bytes, list[str | None]]:
        """The statement with `$1`, `$2`, … and its parameters in that order, as text."""
        sql, names = self.definition.prepared
        return sql, [as_text(self.parameters[name]) for name in names]

    def sql(self) -> str:
        """The statement as psycopg takes it; run it by hand with `connection.execute(flow.sql(), flow.parameters)`."""
        return self.definition.sql

    def decode(self, rows: Sequence[Row]) -> T:
        """The result, made of the rows that the statement reported."""
        return self.definition.decode(rows, self.parameters)


class _BuildLocks:
    """The locks under which statements are built: `cached_property` has one in Python 3.11."""

    def after_fork(self) -> None:
        """Replace them in a child process: a thread that is not there any more may hold one."""
        for kind in (StatementBuilder, FlowStatement):
            for member in vars(kind).values():
                if isinstance(member, cached_property) and hasattr(member, "lock"):
                    member.lock = RLock()


_BUILD_LOCKS = _BuildLocks()
watch_forks(_BUILD_LOCKS)
