"""Runs flows on a connection of the caller's, inside the caller's transaction, each in a savepoint of its own.

Nothing is committed there, and nothing is tried again: what another transaction has won stays invisible, or in the way,
until the caller's own ends. A flow that fails or is refused is undone to its savepoint, which sets back what it set for
itself (`lock_timeout`) and frees what it locked, and leaves the caller's transaction usable.
"""

import inspect
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import psycopg
import sqlalchemy
from psycopg import sql
from psycopg.pq import PipelineStatus, TransactionStatus
from psycopg.rows import tuple_row
from sqlalchemy.exc import DBAPIError

from tripwire_db.engine.driver_errors import driver_error, is_lost, translated
from tripwire_db.engine.execution import (
    analyzed,
    analyzed_async,
    execute,
    execute_async,
    plan_of,
    plan_of_async,
    require_flow,
)
from tripwire_db.engine.retry import Attempts
from tripwire_db.engine.statement import Flow
from tripwire_db.errors import InvalidInput, TripwireError, Unavailable
from tripwire_db.postgres.errors import without_rows

T = TypeVar("T")

_LOST_RACE_SQLSTATES = {"40001", "40P01"}
_BEGIN = "SAVEPOINT tripwire; SELECT pg_catalog.current_setting('lock_timeout')"
# A timeout set for the transaction outlives the release of a savepoint: the caller's own is put back.
_RELEASE = sql.SQL("SELECT pg_catalog.set_config('lock_timeout', {}, true); RELEASE SAVEPOINT tripwire")
_UNDO = "ROLLBACK TO SAVEPOINT tripwire; RELEASE SAVEPOINT tripwire"


class Within:
    """Runs flows in the transaction of a psycopg connection, or of a SQLAlchemy connection or session.

    Raises:
        InvalidInput: `connection` is none of these, or an async one.
    """

    def __init__(self, connection: Any) -> None:
        known = isinstance(connection, psycopg.Connection | sqlalchemy.Connection)
        if not known and (not _is_session(connection) or _is_async(connection)):
            raise _wrong_kind("a psycopg.Connection, a SQLAlchemy Connection or a Session")
        self._connection = connection

    def run(self, flow: Flow[T]) -> T:
        """Run a flow once, in a savepoint.

        Raises:
            TripwireError: what the flow's own documentation names, or what says that the transaction cannot go on.
        """
        attempts = Attempts(flow.name, flow.definition.writes, in_transaction=True)
        with attempts.logged(), _told(attempts), self._savepoint() as connection:
            attempts.rows = execute(connection, flow, attempts)
            while attempts.lost_race():
                attempts.rows = execute(connection, flow, attempts)
            return flow.decode(attempts.rows)

    def explain(self, flow: Flow[Any], *, analyze: bool = False) -> str:
        """As `Database.explain`, as this transaction would run it; what is run is undone to a savepoint."""
        require_flow(flow)
        attempts = Attempts(f"explain {flow.name}", writes=False, in_transaction=True)
        with attempts.logged(), _told(attempts), self._savepoint() as connection:
            if analyze:
                return str(analyzed(connection, flow, attempts))
            return plan_of(connection, flow)

    @contextmanager
    def _savepoint(self) -> Iterator[psycopg.Connection[Any]]:
        connection = self._driver_connection()
        _require_usable(connection)
        cursor = psycopg.Cursor(connection, row_factory=tuple_row)
        cursor.execute(_BEGIN, prepare=False)
        lock_timeout = _answer(cursor)
        try:
            yield connection
            cursor.execute(_RELEASE.format(lock_timeout), prepare=False)
        except BaseException:
            if not connection.closed:
                cursor.execute(_UNDO, prepare=False)
            raise

    def _driver_connection(self) -> psycopg.Connection[Any]:
        if isinstance(self._connection, psycopg.Connection):
            return self._connection
        pooled: sqlalchemy.Connection
        pooled = (
            self._connection if isinstance(self._connection, sqlalchemy.Connection) else self._connection.connection()
        )
        if not pooled.in_transaction():
            pooled.begin()  # SQLAlchemy commits only a transaction that it knows of
        driver = pooled.connection.driver_connection
        if not isinstance(driver, psycopg.Connection):
            raise _wrong_driver(driver)
        return driver


class AsyncWithin:
    """The same for asyncio."""

    def __init__(self, connection: Any) -> None:
        known = isinstance(connection, psycopg.AsyncConnection) or hasattr(connection, "get_raw_connection")
        if not known and not (_is_session(connection) and _is_async(connection)):
            raise _wrong_kind("a psycopg.AsyncConnection, a SQLAlchemy AsyncConnection or an AsyncSession")
        self._connection = connection

    async def run(self, flow: Flow[T]) -> T:
        """As `Within.run`."""
        attempts = Attempts(flow.name, flow.definition.writes, in_transaction=True)
        with attempts.logged(), _told(attempts):
            async with self._savepoint() as connection:
                attempts.rows = await execute_async(connection, flow, attempts)
                while attempts.lost_race():
                    attempts.rows = await execute_async(connection, flow, attempts)
                return flow.decode(attempts.rows)

    async def explain(self, flow: Flow[Any], *, analyze: bool = False) -> str:
        """As `Within.explain`."""
        require_flow(flow)
        attempts = Attempts(f"explain {flow.name}", writes=False, in_transaction=True)
        with attempts.logged(), _told(attempts):
            async with self._savepoint() as connection:
                if analyze:
                    return str(await analyzed_async(connection, flow, attempts))
                return await plan_of_async(connection, flow)

    @asynccontextmanager
    async def _savepoint(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        connection = await self._driver_connection()
        _require_usable(connection)
        cursor = psycopg.AsyncCursor(connection, row_factory=tuple_row)
        await cursor.execute(_BEGIN, prepare=False)
        lock_timeout = await _answer_async(cursor)
        try:
            yield connection
            await cursor.execute(_RELEASE.format(lock_timeout), prepare=False)
        except BaseException:
            if not connection.closed:
                await cursor.execute(_UNDO, prepare=False)
            raise

    async def _driver_connection(self) -> psycopg.AsyncConnection[Any]:
        if isinstance(self._connection, psycopg.AsyncConnection):
            return self._connection
        is_session = not hasattr(self._connection, "get_raw_connection")
        pooled = await self._connection.connection() if is_session else self._connection
        if not pooled.in_transaction():
            await pooled.begin()
        driver = (await pooled.get_raw_connection()).driver_connection
        if not isinstance(driver, psycopg.AsyncConnection):
            raise _wrong_driver(driver)
        return driver


def needs_auth() -> InvalidInput:
    """Tell why a method that calls the auth service has no place in a transaction, and what to do instead."""
    return InvalidInput(
        "create_tripwire_user, create_manager and delete_student call the auth service, which no transaction can undo, so "
        "they cannot run within yours: call them on the repository itself first, which is idempotent, then write your own "
        "rows in a transaction that may be repeated"
    )


def _answer(cursor: psycopg.Cursor[Any]) -> str:
    cursor.nextset()
    (value,) = cursor.fetchone() or ("0",)
    return str(value)


async def _answer_async(cursor: psycopg.AsyncCursor[Any]) -> str:
    cursor.nextset()
    (value,) = await cursor.fetchone() or ("0",)
    return str(value)


@contextmanager
def _told(attempts: Attempts) -> Iterator[None]:
    """Tell what a driver's error means to a transaction that is the caller's."""
    attempts.begin()
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        driver = driver_error(error)
        if not isinstance(driver, psycopg.Error):
            raise
        raise _meaning(driver, attempts) from without_rows(driver)


def _meaning(driver: psycopg.Error, attempts: Attempts) -> TripwireError:
    if is_lost(driver):
        return Unavailable(
            f"{attempts.name}: the connection was lost, and all that your transaction did with it: begin it again",
            applied=False,
        )
    if driver.sqlstate in _LOST_RACE_SQLSTATES:
        return Unavailable(
            f"{attempts.name}: another transaction was first (SQLSTATE {driver.sqlstate}); nothing was written by this "
            "call: roll your transaction back, and begin it again",
            applied=False,
        )
    return translated(driver, attempts.name, attempts.flow)


def _require_usable(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> None:
    """Refuse a connection on which no savepoint can be made.

    Raises:
        InvalidInput: it commits by itself, its transaction has failed, or it is in pipeline mode.
    """
    status = connection.info.transaction_status
    if status is TransactionStatus.INERROR:
        raise InvalidInput(
            "the transaction of this connection has failed before: roll it back, or back to a savepoint, first",
            argument="connection",
        )
    if connection.autocommit and status is TransactionStatus.IDLE:
        raise InvalidInput(
            "this connection commits each statement by itself: begin a transaction (with connection.transaction():), or "
            "use the repository without within()",
            argument="connection",
        )
    if connection.pgconn.pipeline_status != PipelineStatus.OFF:
        raise InvalidInput(
            "this connection is in pipeline mode: leave the `with connection.pipeline()` block first",
            argument="connection",
        )


def _is_session(connection: object) -> bool:
    # Told by its methods: the ORM takes 0.1 s to import, and whoever has a session has it.
    return callable(getattr(connection, "get_bind", None)) and callable(getattr(connection, "connection", None))


def _is_async(session: Any) -> bool:
    return inspect.iscoroutinefunction(session.connection)


def _wrong_kind(wanted: str) -> InvalidInput:
    return InvalidInput(f"within() takes {wanted}, of the repository's kind, sync or async", argument="connection")


def _wrong_driver(driver: object) -> InvalidInput:
    return InvalidInput(
        f"within() needs psycopg, and this SQLAlchemy connection is {type(driver).__module__}'s: make its engine with a "
        "postgresql+psycopg:// URL",
        argument="connection",
    )
