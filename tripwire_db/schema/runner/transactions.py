"""A revision is one transaction with its timeouts, or statements outside of any (CONCURRENTLY) and nothing else."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection

from tripwire_db.schema.runner.errors import MigrationError
from tripwire_db.schema.runner.settings import Settings, spell

RESET = "RESET lock_timeout; RESET statement_timeout"


def timeouts(settings: Settings, *, local: bool) -> str:
    """The two statements that bound waiting and running.

    Args:
        settings: Of this run.
        local: For the transaction only; a plain SET would leak into the revisions after it.
    """
    scope = "LOCAL " if local else ""
    return (
        f"SET {scope}lock_timeout = '{spell(settings.lock_timeout)}'; "
        f"SET {scope}statement_timeout = '{spell(settings.statement_timeout)}'"
    )


class Transactions:
    """Sets the timeouts whenever Alembic begins a transaction, and keeps each revision to one way of working.

    A block outside of the transaction, in the middle of a revision, commits what came before it: a failure afterwards
    would leave half of the revision. So a revision that has done anything in its transaction may not leave it, and one
    that has worked outside may not go on inside.
    """

    def __init__(self, connection: Connection, settings: Settings) -> None:
        """Listen to a connection; only after `context.configure()`, which must see it untouched."""
        self._settings = settings
        self._revision: str | None = None
        self._inside = 0
        self._outside = 0
        event.listen(connection, "begin", self._begin)
        event.listen(connection, "commit", self._commit)
        event.listen(connection, "before_cursor_execute", self._execute)

    def wrap(self, step: Any, name: str) -> None:
        """Watch the statements of one revision, and not those of Alembic around it."""
        migrate = step.migration_fn

        def watched(**kw: Any) -> None:
            self._revision, self._inside, self._outside = name, 0, 0
            try:
                migrate(**kw)
            finally:
                self._revision = None

        watched.__name__ = migrate.__name__  # Alembic's log names the step by it
        step.migration_fn = watched

    @property
    def concurrent(self) -> bool:
        """Whether the last revision worked outside of a transaction."""
        return self._outside > 0

    def _begin(self, connection: Connection) -> None:
        # On the driver itself: SQLAlchemy's own connection is in the middle of beginning.
        raw = driver(connection)
        raw.execute(timeouts(self._settings, local=not raw.autocommit))

    def _commit(self, connection: Connection) -> None:
        raw = driver(connection)
        if raw.autocommit:
            raw.execute(RESET)
        elif self._revision and self._inside:
            raise MigrationError(self._mixed())

    def _execute(self, connection: Connection, *_: Any) -> None:
        if self._revision is None:
            return
        if driver(connection).autocommit:
            self._outside += 1
        else:
            self._inside += 1
        if self._inside and self._outside:
            raise MigrationError(self._mixed())

    def _mixed(self) -> str:
        return (
            f"{self._revision} mixes statements in its transaction with a block outside of it (autocommit_block). "
            "A failure between the two would leave half of it: put what needs CONCURRENTLY into a revision of its own."
        )


def driver(connection: Connection) -> Any:
    """The driver's own connection."""
    return connection.connection.dbapi_connection
