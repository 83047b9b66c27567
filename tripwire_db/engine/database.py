"""Runs flows on pools of connections, sync and async by the same rules; what is tried again is told by `attempts`."""

import asyncio
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import psycopg
import sqlalchemy
from psycopg import AsyncRawCursor, RawCursor
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import _WaitTimeout
from psycopg.pq import TransactionStatus
from sqlalchemy import PoolProxiedConnection
from sqlalchemy.exc import DBAPIError, MissingGreenlet
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.util.concurrency import greenlet_spawn

from tripwire_db.engine.driver_errors import ANSWER_TIMEOUT_SECONDS, is_dead
from tripwire_db.engine.retry import POOL_TIMEOUT_SECONDS, Attempts
from tripwire_db.engine.statement import Flow, Row
from tripwire_db.errors import InvalidInput
from tripwire_db.settings import libpq_url

T = TypeVar("T")

TRANSACTION_POOLER_PORT = 6543
CANCEL_TIMEOUT_SECONDS = 1.0
"""How long calling it off may take, and the answer to that; then the connection is taken for lost."""
CONNECT_TIMEOUT_SECONDS = 5
# What a session was told when it began, it keeps: a new one may be read-write again, have another timeout, or plan anew.
_SPENT_SQLSTATES = {"0A000", "25006", "57014"}
# … and all that began before it know no better.
_SPENT_TOGETHER = {"0A000", "25006"}


class _BoundedConnection(psycopg.Connection[Any]):
    """A connection that does not wait for ever. A statement that is not answered in time is called off.

    The server then says that it did nothing, or the answer came just now, or there is still silence: a lost connection.
    Without that a statement that waits for a table's lock, which no lock_timeout of its own can bound since the lock is
    taken before the statement begins, would take effect long after its caller was told to try again.
    """

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            return super().wait(gen, interval, timeout or ANSWER_TIMEOUT_SECONDS)
        except _WaitTimeout:
            if timeout is not None:
                raise
        try:
            self.cancel_safe(timeout=CANCEL_TIMEOUT_SECONDS)
            return super().wait(gen, interval, CANCEL_TIMEOUT_SECONDS)
        except (_WaitTimeout, psycopg.OperationalError) as silence:
            if silence.sqlstate is not None:
                raise  # the server has spoken: as a rule it says that the statement was called off
            self.close()
            raise psycopg.OperationalError(f"no answer within {ANSWER_TIMEOUT_SECONDS:g} s") from None


class _BoundedAsyncConnection(psycopg.AsyncConnection[Any]):
    """The same for asyncio."""

    async def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:  # noqa: ASYNC109
        try:
            return await super().wait(gen, interval, timeout or ANSWER_TIMEOUT_SECONDS)
        except _WaitTimeout:
            if timeout is not None:
                raise
        try:
            await self.cancel_safe(timeout=CANCEL_TIMEOUT_SECONDS)
            return await super().wait(gen, interval, CANCEL_TIMEOUT_SECONDS)
        except (_WaitTimeout, psycopg.OperationalError) as silence:
            if silence.sqlstate is not None:
                raise
            await self.close()
            raise psycopg.OperationalError(f"no answer within {ANSWER_TIMEOUT_SECONDS:g} s") from None


def _engine_options(pool_size: int) -> dict[str, Any]:
    return {
        "isolation_level": "AUTOCOMMIT",
        "skip_autocommit_rollback": True,
        "pool_size": pool_size,
        "max_overflow": 0,
        "pool_timeout": POOL_TIMEOUT_SECONDS,
        # The connection used last is the one most likely to be alive, and the least likely to be at all is let go.
        "pool_use_lifo": True,
        "use_native_hstore": False,
    }


def connection_arguments(url: object, transaction_pooler: bool | None = None) -> dict[str, Any]:
    """What psycopg needs to connect to `url`: any `postgresql://` URL, unix sockets included.

    Behind a transaction pooler (told, or seen from Supabase's port for it, 6543) nothing may rely on a session:
    a prepared statement belongs to one.

    Raises:
        InvalidInput: `url` is no PostgreSQL URL.
    """
    if not isinstance(url, str):
        raise InvalidInput("the database URL must be a string that begins with postgresql://")
    try:
        arguments: dict[str, Any] = conninfo_to_dict(libpq_url(url))
    except psycopg.ProgrammingError:
        # libpq's own message repeats the URL, and with it the password.
        raise InvalidInput("the database URL cannot be read: percent-encode special characters in it") from None
    if transaction_pooler is None:
        transaction_pooler = str(arguments.get("port", "")) == str(TRANSACTION_POOLER_PORT)
    defaults = {"connect_timeout": CONNECT_TIMEOUT_SECONDS, "application_name": "tripwire-db", "keepalives_idle": 30}
    return {**defaults, **arguments, "prepare_threshold": None if transaction_pooler else 5}


class _Later:
    """Something to await that begins only then: where SQLAlchemy finds that it may not wait, nothing is left begun."""

    def __init__(self, begin: Callable[[], Awaitable[Any]]) -> None:
        self._begin = begin

    def __await__(self) -> Any:
        return self._begin().__await__()


class _Generation:
    """Tells the connections made before the server went away from those made after: none of the former is used again.

    One dead connection means that its siblings are dead too. Those in the pool are closed when they are borrowed next,
    those in use when they come back; so the pool never grows beyond its size, and nobody meets two dead ones in a row.
    """

    def __init__(self) -> None:
        self.number = 0

    def is_outlived(self, info: dict[Any, Any], number: int) -> bool:
        """Whether a borrowed connection is older than the generation that was current before it was borrowed."""
        return bool(info.setdefault(_Generation, number) < number)

    def end(self, info: dict[Any, Any], error: BaseException) -> None:
        """Begin a new generation where an error says that all of this one is spent; once for each generation."""
        all_spent = is_dead(error) or (isinstance(error, psycopg.Error) and error.sqlstate in _SPENT_TOGETHER)
        if all_spent and info.get(_Generation) == self.number:
            self.number += 1


class Database:
    """A pool of AUTOCOMMIT connections that runs flows from any thread.

    Args:
        url: any `postgresql://` URL, unix sockets included.
        pool_size: at most so many connections, 1–1000.
        transaction_pooler: True behind one; None tells it from port 6543.
    """

    def __init__(self, url: str, *, pool_size: int = 20, transaction_pooler: bool | None = None) -> None:
        arguments = connection_arguments(url, transaction_pooler)
        self.engine = sqlalchemy.create_engine(
            "postgresql+psycopg://",
            creator=lambda: _BoundedConnection.connect(**arguments),
            **_engine_options(pool_size),
        )
        self._generation = _Generation()

    def run(self, flow: Flow[T]) -> T:
        """Run a flow, again where that is safe and may help; one round trip where all goes well.

        Raises:
            TripwireError: what the flow's own documentation names, `ConstraintViolated` or `Unavailable`.
        """
        attempts = Attempts(flow.name, flow.definition.writes)
        with attempts.logged():
            attempts.rows = self._again(attempts, lambda: self._rows(attempts, flow))
            while attempts.lost_race():
                attempts.rows = self._again(attempts, lambda: self._rows(attempts, flow))
            return flow.decode(attempts.rows)

    def transact(self, name: str, work: Callable[[Callable[[Flow[Any]], Any]], T]) -> T:
        """Do `work`, which is given a function that runs flows, in one transaction; tried again as a flow is.

        For the one case that needs it, compensation. What `work` raises itself passes through.
        """
        attempts = Attempts(name, writes=True)

        def transaction() -> T:
            with self._connection() as connection, connection.transaction():
                return work(lambda flow: flow.decode(_execute(connection, flow, attempts)))

        with attempts.logged():
            return self._again(attempts, transaction)

    def _again(self, attempts: Attempts, act: Callable[[], T]) -> T:
        while True:
            attempts.begin()
            try:
                return act()
            except (DBAPIError, PoolTimeout, psycopg.Error) as error:
                time.sleep(attempts.backoff(error))

    def _rows(self, attempts: Attempts, flow: Flow[Any]) -> Sequence[Row]:
        with self._connection() as connection:
            return _execute(connection, flow, attempts)

    def explain(self, flow: Flow[Any]) -> str:
        """The server's plan for a flow, as text; the flow is not run.

        Raises:
            InvalidInput: `flow` is none.
            Unavailable: the database cannot be reached.
        """
        _require_flow(flow)
        attempts = Attempts(f"explain {flow.name}", writes=False)

        def plan() -> str:
            with self._connection() as connection:
                lines = connection.execute(f"EXPLAIN {flow.sql()}".encode(), dict(flow.parameters))
                return "\n".join(line for (line,) in lines)

        with attempts.logged():
            return self._again(attempts, plan)

    def close(self) -> None:
        """Close the pool's connections."""
        self.engine.dispose()

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        while True:
            generation = self._generation.number
            pooled = self.engine.raw_connection()
            try:
                if self._generation.is_outlived(pooled.info, generation):
                    pooled.invalidate()
                    continue
                connection: psycopg.Connection[Any] = pooled.driver_connection  # type: ignore[assignment]
                try:
                    yield connection
                except BaseException as error:
                    if _is_spent(connection, error):
                        self._generation.end(pooled.info, error)
                        pooled.invalidate()
                    raise
            finally:
                pooled.close()
            return


class AsyncDatabase:
    """The same for asyncio."""

    def __init__(self, url: str, *, pool_size: int = 20, transaction_pooler: bool | None = None) -> None:
        from sqlalchemy.ext.asyncio import create_async_engine  # brings the ORM, 0.1 s that sync callers need not wait

        arguments = connection_arguments(url, transaction_pooler)

        async def connect() -> Any:
            try:
                return await _BoundedAsyncConnection.connect(**arguments)
            except asyncio.CancelledError as cancelled:
                # Its traceback would keep the half-made connection open until the garbage collector comes.
                traceback.clear_frames(cancelled.__traceback__)
                raise

        self.engine = create_async_engine(
            "postgresql+psycopg://", async_creator=lambda: _Later(connect), **_engine_options(pool_size)
        )
        self._generation = _Generation()

    async def run(self, flow: Flow[T]) -> T:
        """As `Database.run`."""
        attempts = Attempts(flow.name, flow.definition.writes)
        with attempts.logged():
            attempts.rows = await self._again(attempts, lambda: self._rows(attempts, flow))
            while attempts.lost_race():
                attempts.rows = await self._again(attempts, lambda: self._rows(attempts, flow))
            return flow.decode(attempts.rows)

    async def transact(self, name: str, work: Callable[[Callable[[Flow[Any]], Awaitable[Any]]], Awaitable[T]]) -> T:
        """As `Database.transact`."""
        attempts = Attempts(name, writes=True)

        async def transaction() -> T:
            async with self._connection() as connection, connection.transaction():

                async def run(flow: Flow[Any]) -> Any:
                    return flow.decode(await _execute_async(connection, flow, attempts))

                return await work(run)

        with attempts.logged():
            return await self._again(attempts, transaction)

    async def _again(self, attempts: Attempts, act: Callable[[], Awaitable[T]]) -> T:
        while True:
            attempts.begin()
            try:
                return await act()
            except (DBAPIError, PoolTimeout, psycopg.Error) as error:
                await asyncio.sleep(attempts.backoff(error))

    async def _rows(self, attempts: Attempts, flow: Flow[Any]) -> Sequence[Row]:
        async with self._connection() as connection:
            return await _execute_async(connection, flow, attempts)

    async def explain(self, flow: Flow[Any]) -> str:
        """As `Database.explain`."""
        _require_flow(flow)
        attempts = Attempts(f"explain {flow.name}", writes=False)

        async def plan() -> str:
            async with self._connection() as connection:
                lines = await connection.execute(f"EXPLAIN {flow.sql()}".encode(), dict(flow.parameters))
                return "\n".join([line async for (line,) in lines])

        with attempts.logged():
            return await self._again(attempts, plan)

    async def close(self) -> None:
        """Close the pool's connections."""
        await self.engine.dispose()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        while True:
            generation = self._generation.number
            pooled = await self._borrow()
            try:
                if self._generation.is_outlived(pooled.info, generation):
                    await greenlet_spawn(pooled.invalidate)
                    continue
                connection: psycopg.AsyncConnection[Any] = pooled.driver_connection  # type: ignore[assignment]
                try:
                    yield connection
                except BaseException as error:
                    if _is_spent(connection, error):
                        self._generation.end(pooled.info, error)
                        await greenlet_spawn(pooled.invalidate)
                    raise
            finally:
                pooled.close()
            return

    async def _borrow(self) -> PoolProxiedConnection:
        """A connection of the pool: at once where one is idle and alive, for nothing is waited for then."""
        if self.engine.sync_engine.pool.checkedin():  # type: ignore[attr-defined]
            try:
                return self.engine.sync_engine.raw_connection()
            except MissingGreenlet:
                pass  # the idle one has to be connected anew
        return await self.engine.raw_connection()


def _require_flow(flow: object) -> None:
    if not isinstance(flow, Flow):
        raise InvalidInput("only a flow can be explained: one that a function of tripwire_db.flows gives")


def _execute(connection: psycopg.Connection[Any], flow: Flow[Any], attempts: Attempts) -> Sequence[Row]:
    cursor = RawCursor(connection, row_factory=flow.definition.rows_of)
    return cursor.execute(*attempts.sending(flow)).fetchall()


async def _execute_async(
    connection: psycopg.AsyncConnection[Any], flow: Flow[Any], attempts: Attempts
) -> Sequence[Row]:
    cursor = AsyncRawCursor(connection, row_factory=flow.definition.rows_of)
    await cursor.execute(*attempts.sending(flow))
    return await cursor.fetchall()


def _is_spent(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any], error: BaseException) -> bool:
    """Whether a connection must not go back to the pool: it is lost, in doubt, or holds a plan that no longer fits."""
    idle = connection.info.transaction_status is TransactionStatus.IDLE
    told = isinstance(error, psycopg.Error) and error.sqlstate in _SPENT_SQLSTATES
    return connection.closed or not idle or told or is_dead(error)
