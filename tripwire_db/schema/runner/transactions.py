"""A revision is one transaction with its timeouts, or statements outside of any (CONCURRENTLY) and nothing else."""

import re
from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import Connection

from tripwire_db.schema.runner.errors import MigrationError
from tripwire_db.schema.runner.limits import Limits, spell
from tripwire_db.schema.runner.session_state import accepted_by, refuse_statement

RESET = "RESET lock_timeout; RESET statement_timeout"
LONGEST_LOCK_TIMEOUT = 60_000
"""Milliseconds that a revision may set for itself, where the run has not more: traffic waits behind it."""

_AT_END = """
SELECT pg_catalog.pg_current_xact_id_if_assigned()::text, setting::int8
FROM pg_catalog.pg_settings WHERE name = 'lock_timeout'
"""

_CONCURRENTLY = re.compile(r"\s*(CREATE|DROP|REINDEX)\b[^;']*?\bCONCURRENTLY\b", re.IGNORECASE)


def waits_for_snapshots(statement: str) -> bool:
    """Whether a statement builds or drops an index CONCURRENTLY: it waits for older transactions, and nobody for it."""
    return _CONCURRENTLY.match(statement) is not None


def timeouts(settings: Limits, *, local: bool, patient: bool = False) -> str:
    """The two statements that bound waiting and running.

    Args:
        settings: Of this run.
        local: For the transaction only; a plain SET would leak into the revisions after it.
        patient: For a statement that waits for snapshots, whose wait comes on top of the time that it runs.
    """
    scope = "LOCAL " if local else ""
    lock, run = settings.lock_timeout, settings.statement_timeout
    if patient:
        lock, run = settings.concurrent_wait, run and min(run + settings.concurrent_wait, 2**31 - 1)
    return f"SET {scope}lock_timeout = '{spell(lock)}'; SET {scope}statement_timeout = '{spell(run)}'"


class Transactions:
    """Sets the timeouts whenever Alembic begins a transaction, and keeps each revision to one way of working.

    A block outside of the transaction, in the middle of a revision, commits what came before it: a failure afterwards
    would leave half of the revision. So a revision that has done anything in its transaction may not leave it, and one
    that has worked outside may not go on inside. Nor may it end its transaction by SQL or through the driver: the number
    of the transaction tells.
    """

    def __init__(self, settings: Limits) -> None:
        """Take the timeouts to set."""
        self._settings = settings
        self._revision: str | None = None
        self._inside = 0
        self._outside = 0
        self._at_work = False
        self._patient = False
        self._longer = False
        self._xid: str | None = None
        self._accepted: frozenset[str] = frozenset()

    def begin_try(self) -> None:
        """Forget which statement the last try ended at."""
        self._at_work = self._patient = False

    def listen(self, connection: Connection) -> None:
        """Listen to a connection; only after `context.configure()`, which must see it untouched."""
        self._connection = connection
        event.listen(connection, "begin", self._begin)
        event.listen(connection, "commit", self._commit)
        event.listen(connection, "before_cursor_execute", self._execute)

    def wrap(self, step: Any, name: str) -> None:
        """Watch the statements of one revision, and not those of Alembic around it."""
        migrate = step.migration_fn

        def watched(**kw: Any) -> None:
            raw = driver(self._connection)
            self._xid = raw.execute("SELECT pg_catalog.pg_current_xact_id()::text").fetchone()[0]
            self._revision, self._inside, self._outside = name, 0, 0
            self._accepted = accepted_by(step)
            self.begin_try()
            try:
                migrate(**kw)
                if not self._outside:
                    self._look_at_end(raw)
            finally:
                self._revision = None

        watched.__name__ = migrate.__name__  # Alembic's log names the step by it
        step.migration_fn = watched

    @property
    def concurrent(self) -> bool:
        """Whether the last revision worked outside of a transaction."""
        return self._outside > 0

    @property
    def at_work(self) -> bool:
        """Whether the revision has sent a statement in this try."""
        return self._at_work

    @property
    def patient(self) -> bool:
        """Whether the statement at work waits for snapshots."""
        return self._patient

    def _begin(self, connection: Connection) -> None:
        # On the driver itself: SQLAlchemy's own connection is in the middle of beginning.
        raw = driver(connection)
        raw.execute(timeouts(self._settings, local=not raw.autocommit))
        self._longer = False

    def _commit(self, connection: Connection) -> None:
        raw = driver(connection)
        if raw.autocommit:
            raw.execute(RESET)
        elif self._revision and self._inside:
            raise MigrationError(self._mixed(), rule="transaction")

    def ended_early(self, connection: psycopg.Connection[Any]) -> bool:
        """Whether the last revision, which did not finish, has committed a part of itself all the same.

        Args:
            connection: Any, in no transaction.
        """
        if self._xid is None or self.concurrent:
            return False
        row = connection.execute("SELECT pg_catalog.pg_xact_status(%s::xid8)", (self._xid,)).fetchone()
        return row is not None and row[0] == "committed"

    def _look_at_end(self, raw: psycopg.Connection[Any]) -> None:
        """Refuse a revision that is no longer in the transaction it began in, or that waits for locks too long."""
        xid, lock_timeout = raw.execute(_AT_END).fetchone() or (None, 0)
        if xid != self._xid:
            raise MigrationError(
                f"{self._revision} ended its transaction itself: the runner makes one for each revision, so that a "
                "failure leaves nothing half done. Take COMMIT, ROLLBACK and their like out of it.",
                rule="transaction",
            )
        longest = max(LONGEST_LOCK_TIMEOUT, self._settings.lock_timeout)
        if not 0 < lock_timeout <= longest and "lock-timeout" not in self._accepted:
            raise MigrationError(
                f"{self._revision} sets lock_timeout to {spell(lock_timeout)}: traffic would wait behind it that long. "
                f"At most {spell(longest)} is taken; -x lock-timeout gives the whole run more.",
                rule="lock-timeout",
            )

    def _execute(self, connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if self._revision is None:
            return
        refuse_statement(statement, self._revision, self._accepted)
        self._at_work = True
        raw = driver(connection)
        if raw.autocommit:
            self._outside += 1
            self._patient = waits_for_snapshots(statement)
            if self._longer is not self._patient:
                self._longer = self._patient
                raw.execute(timeouts(self._settings, local=False, patient=self._longer))
        else:
            self._inside += 1
        if self._inside and self._outside:
            raise MigrationError(self._mixed(), rule="transaction")

    def _mixed(self) -> str:
        return (
            f"{self._revision} mixes statements in its transaction with a block outside of it (autocommit_block). "
            "A failure between the two would leave half of it: put what needs CONCURRENTLY into a revision of its own."
        )


def driver(connection: Connection) -> Any:
    """The driver's own connection."""
    return connection.connection.dbapi_connection
