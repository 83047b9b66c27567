"""Runs flows on pools of connections, sync and async by the same rules; what is tried again is told by `retry`."""

import asyncio
import time
import traceback
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import psycopg
import sqlalchemy
from psycopg.pq import TransactionStatus
from sqlalchemy import PoolProxiedConnection
from sqlalchemy.exc import DBAPIError, MissingGreenlet
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.util.concurrency import greenlet_spawn

from tripwire_db.engine import execution
from tripwire_db.engine.analysis import Analysis
from tripwire_db.engine.connection import BoundedAsyncConnection, BoundedConnection, connection_arguments
from tripwire_db.engine.driver_errors import NotConfirmed, is_dead
from tripwire_db.engine.fork import leave_to_parent, watch_forks
from tripwire_db.engine.retry import POOL_TIMEOUT_SECONDS, Attempts
from tripwire_db.engine.statement import Flow, Row
from tripwire_db.errors import TripwireError

T = TypeVar("T")

# What a session was told when it began, it keeps: a new one may be read-write again, have another timeout, or plan anew.
_SPENT_SQLSTATES = {"0A000", "25006", "57014"}
# … and all that began before it know no better.
_SPENT_TOGETHER = {"0A000", "25006"}


def _engine_options(pool_size: int) -> dict[str, Any]:
    return {
        "isolation_level": "AUTOCOMMIT",
        "skip_autocommit_rollback": True,
        "pool_reset_on_return": None,  # nothing is open on a connection that comes back: see _is_spent
        "pool_size": pool_size,
        "max_overflow": 0,
        "pool_timeout": POOL_TIMEOUT_SECONDS,
        # The connection used last is the one most likely to be alive, and the least likely to be at all is let go.
        "pool_use_lifo": True,
        "use_native_hstore": False,
    }


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
        transaction_pooler: True behind one; None tells it from port 6543, and by each new connection.
    """

    def __init__(self, url: str, *, pool_size: int = 20, transaction_pooler: bool | None = None) -> None:
        self._arguments = connection_arguments(url, transaction_pooler)
        self._pool_size = pool_size
        self._open()
        watch_forks(self)

    def _open(self) -> None:
        arguments = self._arguments
        self.engine = sqlalchemy.create_engine(
            "postgresql+psycopg://",
            creator=lambda: BoundedConnection.connect(**arguments),
            **_engine_options(self._pool_size),
        )
        # Whoever forgets to close it leaves no connection behind.
        self._closed_at_last = weakref.finalize(self, self.engine.dispose)
        self._generation = _Generation()

    def after_fork(self) -> None:
        """In a child process: leave the pool to the parent, and open another when it is needed."""
        self._closed_at_last.detach()
        leave_to_parent(self.engine)
        self._open()

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
                return work(lambda flow: flow.decode(execution.execute(connection, flow, attempts)))

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
            return execution.execute(connection, flow, attempts)

    def explain(self, flow: Flow[Any], *, analyze: bool = False) -> str:
        """The server's plan for a flow, which is not run; or, with `analyze`, what `analyze` tells, as text."""
        execution.require_flow(flow)
        if analyze:
            return str(self.analyze(flow))
        attempts = Attempts(f"explain {flow.name}", writes=False)

        def plan() -> str:
            with self._connection() as connection:
                return execution.plan_of(connection, flow)

        with attempts.logged():
            return self._again(attempts, plan)

    def analyze(self, flow: Flow[Any], *, plan: bool = False) -> Analysis:
        """Run a flow in a transaction that is rolled back, and tell step by step what it did.

        Args:
            flow: what to run.
            plan: take the server's whole plan along, of a further run.

        Raises:
            InvalidInput: `flow` is none.
            ConstraintViolated: a step is refused by a constraint; as a call would be.
            Unavailable: the database cannot be reached, or a row is held by somebody.
        """
        execution.require_flow(flow)
        attempts = Attempts(f"explain {flow.name}", writes=False)

        def undone() -> Analysis:
            with self._connection() as connection:
                return execution.analyzed(connection, flow, attempts, plan=plan)

        with attempts.logged():
            return self._again(attempts, undone)

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
                connection: BoundedConnection = pooled.driver_connection  # type: ignore[assignment]
                try:
                    with _confirmed(connection):
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
        self._arguments = connection_arguments(url, transaction_pooler)
        self._pool_size = pool_size
        self._open()
        watch_forks(self)

    def _open(self) -> None:
        from sqlalchemy.ext.asyncio import create_async_engine  # brings the ORM, 0.1 s that sync callers need not wait

        arguments = self._arguments

        async def connect() -> Any:
            try:
                return await BoundedAsyncConnection.connect(**arguments)
            except asyncio.CancelledError as cancelled:
                # Its traceback would keep the half-made connection open until the garbage collector comes.
                traceback.clear_frames(cancelled.__traceback__)
                raise

        self.engine = create_async_engine(
            "postgresql+psycopg://", async_creator=lambda: _Later(connect), **_engine_options(self._pool_size)
        )
        self._generation = _Generation()
        self._loop: asyncio.AbstractEventLoop | None = None

    def after_fork(self) -> None:
        """As `Database.after_fork`."""
        leave_to_parent(self.engine, self._loop)
        self._open()

    def require_loop(self) -> None:
        """Refuse to work where the pool's connections cannot be waited for: it belongs to the loop that used it first.

        Raises:
            TripwireError: another event loop runs, or none of asyncio's.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise TripwireError(
                "the async repository needs asyncio, and no event loop of asyncio runs here: call it from a coroutine "
                "that asyncio runs, or use TripwireRepository in a thread (as with trio.to_thread.run_sync)"
            ) from None
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise TripwireError(
                "this repository belongs to another event loop, the one that used it first: open one inside each "
                "asyncio.run (async with AsyncTripwireRepository.connect(…)), or close it at the end of the first"
            )

    async def run(self, flow: Flow[T]) -> T:
        """As `Database.run`; see `require_loop`."""
        self.require_loop()
        attempts = Attempts(flow.name, flow.definition.writes)
        with attempts.logged():
            attempts.rows = await self._again(attempts, lambda: self._rows(attempts, flow))
            while attempts.lost_race():
                attempts.rows = await self._again(attempts, lambda: self._rows(attempts, flow))
            return flow.decode(attempts.rows)

    async def transact(self, name: str, work: Callable[[Callable[[Flow[Any]], Awaitable[Any]]], Awaitable[T]]) -> T:
        """As `Database.transact`."""
        self.require_loop()
        attempts = Attempts(name, writes=True)

        async def transaction() -> T:
            async with self._connection() as connection, connection.transaction():

                async def run(flow: Flow[Any]) -> Any:
                    return flow.decode(await execution.execute_async(connection, flow, attempts))

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
            return await execution.execute_async(connection, flow, attempts)

    async def explain(self, flow: Flow[Any], *, analyze: bool = False) -> str:
        """As `Database.explain`."""
        self.require_loop()
        execution.require_flow(flow)
        if analyze:
            return str(await self.analyze(flow))
        attempts = Attempts(f"explain {flow.name}", writes=False)

        async def plan() -> str:
            async with self._connection() as connection:
                return await execution.plan_of_async(connection, flow)

        with attempts.logged():
            return await self._again(attempts, plan)

    async def analyze(self, flow: Flow[Any], *, plan: bool = False) -> Analysis:
        """As `Database.analyze`."""
        self.require_loop()
        execution.require_flow(flow)
        attempts = Attempts(f"explain {flow.name}", writes=False)

        async def undone() -> Analysis:
            async with self._connection() as connection:
                return await execution.analyzed_async(connection, flow, attempts, plan=plan)

        with attempts.logged():
            return await self._again(attempts, undone)

    async def close(self) -> None:
        """Close the pool's connections; then any event loop may open new ones."""
        await self.engine.dispose()
        self._loop = None

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        while True:
            generation = self._generation.number
            pooled = await self._borrow()
            try:
                if self._generation.is_outlived(pooled.info, generation):
                    await greenlet_spawn(pooled.invalidate)
                    continue
                connection: BoundedAsyncConnection = pooled.driver_connection  # type: ignore[assignment]
                try:
                    with _confirmed(connection):
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


@contextmanager
def _confirmed(connection: BoundedConnection | BoundedAsyncConnection) -> Iterator[None]:
    """Refuse to take a commit for done, or an error for the whole story, where the standby was not waited for.

    Raises:
        NotConfirmed: the server has said so.
    """
    connection.standby_wait.cut_short = False
    try:
        yield
    except Exception as error:
        if connection.standby_wait.cut_short:
            raise NotConfirmed from error
        raise
    if connection.standby_wait.cut_short:
        raise NotConfirmed


def _is_spent(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any], error: BaseException) -> bool:
    """Whether a connection must not go back to the pool: it is lost, in doubt, or holds a plan that no longer fits."""
    idle = connection.info.transaction_status is TransactionStatus.IDLE
    told = isinstance(error, psycopg.Error) and error.sqlstate in _SPENT_SQLSTATES
    return connection.closed or not idle or told or is_dead(error)
