"""Follows the session of a migration: runs each statement by itself, and looks at what it did."""

import inspect
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import Connection

from tripwire_db.postgres.connect import connect
from tripwire_db.schema.runner.steps import title_of
from tripwire_db.schema.statements import statements
from tripwire_db.schema.tracing import probe
from tripwire_db.schema.tracing.results import Lock, NestedStatement, TracedRevision, TracedStatement

_PAUSE = 0.001

# Text whose semicolons cannot be told from others without a parser: it goes to the server in one piece.
_UNCLEAR = re.compile(r"\\'|\bBEGIN\s+ATOMIC\b", re.IGNORECASE)

# A database's own statements by the time of the first call; before 17 the order is unknown.
_NESTED = """
SELECT s.query, s.calls, s.rows, s.total_exec_time / 1000.0
FROM pg_stat_statements AS s
WHERE NOT s.toplevel AND s.dbid = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = %s)
ORDER BY (to_jsonb(s) ->> 'stats_since')::timestamptz
"""

Locked = frozenset[tuple[int, str]]


class Tracer:
    """Records the revisions of one run; hand it to the runner as the attribute `tracer` of Alembic's configuration.

    Attributes:
        revisions: what ran, in this order; of one that failed, the statements before the failure.
    """

    def __init__(self, url: str, *, statements_url: str | None = None) -> None:
        """Look at the database of a superuser's URL.

        Args:
            url: of a scratch database that nobody else uses.
            statements_url: of a database of the same server that has the extension pg_stat_statements; without one,
                what a DO block executes is not told.
        """
        self.revisions: list[TracedRevision] = []
        self._url = url
        self._statements_url = statements_url
        self._connection: Connection | None = None
        self._found: list[TracedStatement] | None = None
        self._known: probe.Relations = {}
        self._before: probe.Relations = {}
        self._seen: Locked = frozenset()
        self._told = True
        self._wal = 0
        self._path = ""

    def __enter__(self) -> Self:
        """Open the sessions that look."""
        self._watching = connect(self._url, autocommit=True, purpose="tracer")
        self._telling = (
            connect(self._statements_url, autocommit=True, purpose="tracer") if self._statements_url else None
        )
        return self

    def __exit__(self, *_: object) -> None:
        """Close them."""
        self._watching.close()
        if self._telling is not None:
            self._telling.close()

    # -- what the runner calls ----------------------------------------------------------------------------------------

    def follow(self, connection: Connection) -> None:
        """Stand between SQLAlchemy and the driver, from now on."""
        self._connection = connection
        event.listen(connection.engine, "do_execute", self._execute)
        event.listen(connection.engine, "do_execute_no_params", self._execute_bare)

    def wrap(self, step: Any) -> None:
        """Record the statements of one revision, and not those of Alembic around it."""
        migrate = step.migration_fn

        def traced(**kw: Any) -> None:
            self._found, self._path = [], step.revision.path
            self._seen = self._held()  # by Alembic itself, which has read its version table
            self._known = self._before = probe.relations(self._watching.cursor(), "all")
            # In its transaction only what this has counted itself is counted.
            if not self._raw().autocommit:
                self._before = probe.relations(self._raw().cursor(), "own")
            try:
                migrate(**kw)
            finally:
                self.revisions.append(
                    TracedRevision(
                        revision=step.revision.revision,
                        title=title_of(step),
                        down=not step.is_upgrade,
                        statements=tuple(self._found),
                        tables=frozenset(one.name for one in self._known.values() if not one.is_index),
                    )
                )
                self._found = None

        traced.__name__ = migrate.__name__
        step.migration_fn = traced

    # -- one statement ------------------------------------------------------------------------------------------------

    def _execute_bare(self, cursor: Any, statement: str, context: Any) -> bool:
        return self._execute(cursor, statement, None, context)

    def _execute(self, cursor: Any, statement: str, parameters: Any, _context: Any) -> bool:
        """Run a statement instead of SQLAlchemy; several in one text one after the other."""
        if self._found is None:
            return False
        for one in (statement,) if parameters else _taken_apart(statement, inside=not self._raw().autocommit):
            shown = one if parameters is None else one.replace("%%", "%")
            if self._raw().autocommit:
                self._outside(cursor, one, parameters, shown)
            else:
                self._inside(cursor, one, parameters, shown)
        return True

    def _inside(self, cursor: Any, sql: str, parameters: Any, shown: str) -> None:
        """In the transaction: its locks stay, and its own counters tell what it did."""
        with self._nested() as nested:
            start = time.perf_counter()
            cursor.execute(sql, parameters)
            seconds = time.perf_counter() - start
        after = probe.relations(self._raw().cursor(), "own")
        held = self._held()
        self._record(shown, seconds, held - self._seen, after, nested, transactional=True)
        self._seen |= held

    def _outside(self, cursor: Any, sql: str, parameters: Any, shown: str) -> None:
        """By itself (CONCURRENTLY): it is made to wait for a moment, in which its locks are seen."""
        self._flush()
        self._before = probe.relations(self._watching.cursor(), "all")
        with self._nested() as nested, _Held(self._url, self._raw().info.backend_pid, self._tables()) as holder:
            start = time.perf_counter()
            cursor.execute(sql, parameters)
            seconds = time.perf_counter() - start
        self._flush()
        after = probe.relations(self._watching.cursor(), "all")
        self._record(shown, seconds, holder.seen, after, nested, transactional=False)

    def _record(
        self,
        sql: str,
        seconds: float,
        locks: Locked,
        after: probe.Relations,
        nested: list[NestedStatement],
        *,
        transactional: bool,
    ) -> None:
        assert self._found is not None  # noqa: S101 - only called while a revision runs
        wal = probe.wal_position(self._watching) - self._wal
        taken = sorted(
            (
                Lock(one.name, self._table(one), mode, held=transactional)
                for oid, mode in locks
                if (one := self._known.get(oid))
            ),
            key=lambda lock: (lock.table, lock.relation, lock.mode),
        )
        self._found.append(
            TracedStatement(
                sql=sql,
                transactional=transactional,
                seconds=seconds,
                locks=tuple(taken),
                work=probe.work({oid: one for oid, one in self._before.items() if oid in self._known}, after),
                wal_bytes=wal,
                nested=tuple(nested),
                line=_line_of(self._path),
            )
        )
        self._before = after

    @contextmanager
    def _nested(self) -> Iterator[list[NestedStatement]]:
        """Collect what the statement of the block executes in turn."""
        found: list[NestedStatement] = []
        if self._telling is None:
            self._wal = probe.wal_position(self._watching)
            yield found
            return
        if self._told:  # what is counted already would be counted again
            self._telling.execute("SELECT pg_stat_statements_reset()")
        self._wal = probe.wal_position(self._watching)
        yield found
        rows = self._telling.execute(_NESTED, (self._raw().info.dbname,)).fetchall()
        found += [NestedStatement(sql, calls, count, float(seconds)) for sql, calls, count, seconds in rows]
        self._told = bool(found)

    def _held(self) -> Locked:
        return probe.locks(self._watching, self._raw().info.backend_pid).relations

    def _flush(self) -> None:
        """Have the session tell the others what it has counted; by itself it does so when idle, but not each time."""
        self._raw().execute("SELECT pg_catalog.pg_stat_force_next_flush()")

    def _table(self, relation: probe.Relation) -> str:
        """The table's name, of an index too."""
        table = self._known.get(relation.of_table) if relation.of_table is not None else None
        return relation.name if table is None else table.name

    def _tables(self) -> list[str]:
        return [one.name for one in self._before.values() if not one.is_index]

    def _raw(self) -> psycopg.Connection[Any]:
        assert self._connection is not None  # noqa: S101 - `follow` comes first
        raw: psycopg.Connection[Any] = self._connection.connection.dbapi_connection  # type: ignore[assignment]
        return raw


class _Held(threading.Thread):
    """Holds a weak lock on every table until the migrating session waits for it, and notes that session's locks.

    CONCURRENTLY waits for whoever writes to the table, with its own locks taken; so they are seen however fast it is.
    Another statement waits for the table itself, and goes on as soon as it is seen.
    """

    def __init__(self, url: str, pid: int, tables: Sequence[str]) -> None:
        super().__init__(name="tripwire-tracer", daemon=True)
        self.seen: Locked = frozenset()
        self._pid = pid
        self._failure: Exception | None = None
        self._over = threading.Event()
        self._holding = connect(url, purpose="tracer")
        self._looking = connect(url, autocommit=True, purpose="tracer")
        if tables:
            self._holding.execute(f"LOCK TABLE {', '.join(tables)} IN ROW EXCLUSIVE MODE".encode())

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()
        self._holding.close()
        self._looking.close()
        if self._failure is not None:
            raise self._failure

    def run(self) -> None:
        try:
            while not self._over.wait(_PAUSE):
                now = probe.locks(self._looking, self._pid)
                self.seen |= now.relations
                if now.waits_for is not None:
                    self._holding.rollback()
                if now.waits_for == "virtualxid":
                    return  # CONCURRENTLY: what it locks later is what nobody uses any more, and seen only by chance
        except psycopg.Error as error:
            self._failure = error
            self._holding.close()  # so that the statement does not wait for ever


def _taken_apart(sql: str, *, inside: bool) -> list[str]:
    """The statements of a text; as it is where it is one, where it cannot be told, or where all are one transaction."""
    found = [one.sql for one in statements(sql) if not one.inside]
    return [sql] if len(found) < 2 or not inside or _UNCLEAR.search(sql) else found


def _line_of(path: str) -> int | None:
    """The line of a file at which the statement at work was sent: the last call from there."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename != path:
        frame = frame.f_back
    return None if frame is None else frame.f_lineno
