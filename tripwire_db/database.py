"""Runs flows: engines, connections, retries, and what becomes of a driver's errors. Sync and async, same rules.

Every flow is idempotent, so one that met a serialization failure, a deadlock or a lost connection is simply run again,
with exponential backoff and jitter, a bounded number of times. Nothing else is retried.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg
import sqlalchemy
from psycopg import AsyncRawCursor, RawCursor
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import _WaitTimeout
from psycopg.pq import TransactionStatus
from psycopg.rows import namedtuple_row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tripwire_db.errors import ConstraintViolated, EmailTaken, InvalidInput, Refused, TripwireError, Unavailable
from tripwire_db.flow import LOCK_TIMEOUT_SECONDS, ROWS_PREFIX, Flow, Row
from tripwire_db.settings import libpq_url

T = TypeVar("T")
logger = logging.getLogger("tripwire_db")

TRANSACTION_POOLER_PORT = 6543
ANSWER_TIMEOUT_SECONDS = 8.0
"""A statement that is not answered by then is called off; longer than any row is waited for."""
CANCEL_TIMEOUT_SECONDS = 1.0
"""How long calling it off may take, and the answer to that; then the connection is taken for lost."""
CONNECT_TIMEOUT_SECONDS = 5
POOL_TIMEOUT_SECONDS = 30.0

MAX_ATTEMPTS = 6
RETRY_WINDOW_SECONDS = 15.0
"""No new attempt is begun after that."""
_FIRST_BACKOFF_SECONDS = 0.1
# One lost race is ordinary, two are bad luck, five would be a defect that must not turn into a loop.
_MAX_RUNS = 5

# Serialization failure, deadlock; and a prepared plan that a migration has made stale, which a new connection cures.
_RETRIED_SQLSTATES = {"40001", "40P01", "0A000"}
# The server is on its way down or up, or has cut us off: the connection is lost, though the server said so itself.
_LOST_SQLSTATES = {"57P01", "57P02", "57P03", "57P05", "53300"}
# What a session was told when it began, it keeps: a new one may be read-write again, have another timeout, or plan anew.
_SPENT_SQLSTATES = {"0A000", "25006", "57014"}
# … and all that began before it know no better.
_SPENT_TOGETHER = {"0A000", "25006"}
# Read-only may be what the session was told long ago: a second one, made now, knows.
_RETRIED_ONCE = {"25006"}
_UNIQUE_VIOLATION = "23505"
_EMAIL_CONSTRAINTS = {"uq_users_email", "uq_tripwire_users_email"}

_REASONS = {
    "ck_tripwire_users_price": "price must not be negative",
    "ck_users_email_lower": "e-mails are stored in lower case",
    "ck_tripwire_users_email_lower": "e-mails are stored in lower case",
    "ck_tripwire_users_modules_completed": "0 to 3 modules",
    "ck_student_progress_completed_at": "a completed lesson has its time, no other has",
    "fk_student_progress_module_id_lesson_id": "the lesson does not belong to the module",
    "fk_users_id": "the auth user is gone",
    "fk_tripwire_users_user_id": "the auth user is gone",
    "fk_tripwire_users_granted_by": "the manager is gone",
}

_ADVICE = {
    "25006": "the database is read-only (a replica, or its disk is full): use the primary's URL, or free the disk",
    "26000": "prepared statements get lost: this is a transaction pooler, so set TRIPWIRE_POOLER=transaction",
    "42P05": "prepared statements collide: this is a transaction pooler, so set TRIPWIRE_POOLER=transaction",
    "42501": "the database role may not do this: connect as the owner or as a member of service_role",
    "42P01": "the schema is not the one this package needs: run `tripwire-db upgrade`",
    "42703": "the schema is not the one this package needs: run `tripwire-db upgrade`",
    "42883": "the schema is not the one this package needs: run `tripwire-db upgrade`",
    "3F000": "the schema is not the one this package needs: run `tripwire-db upgrade`",
    "42P10": "a constraint of the schema is missing: run `tripwire-db drift`",
    "53100": "the database's disk is full: free some space, then call again",
    "53200": "the database is out of memory: call again later",
    "55P03": f"somebody else has held a row for more than {LOCK_TIMEOUT_SECONDS} s: call again",
    "57014": f"the statement was not done within {ANSWER_TIMEOUT_SECONDS:g} s (somebody may hold a table's lock), met the "
    "role's statement_timeout, or was cancelled by hand: call again",
}


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


@dataclass(slots=True)
class Attempts:
    """How often something was tried, and whether it may be tried again. Knows no I/O, so all runners share it.

    Attributes:
        name: of the flow, or of the transaction.
        writes: False for what only reads.
        flow: whose statement was sent last; an error is told by its steps.
    """

    name: str
    writes: bool
    flow: Flow[Any] | None = None
    number: int = 0
    races: int = 0
    started: float = field(default_factory=time.monotonic)
    _perhaps_applied: bool = False

    def begin(self) -> None:
        """An attempt begins; nothing is sent yet."""
        self.number += 1
        self.flow = None

    def sending(self, flow: Flow[Any]) -> tuple[str, list[Any]]:
        """A statement and its parameters; from here on nobody can know, until an answer comes."""
        self.flow = flow
        return flow.prepared()

    def backoff(self, error: BaseException) -> float:
        """Seconds to wait before the next attempt.

        Raises:
            TripwireError: what the error means, where another attempt is not safe, not useful or not left.
        """
        if isinstance(error, PoolTimeout):
            raise Unavailable(
                f"{self.name}: no connection of the pool came free within {POOL_TIMEOUT_SECONDS:g} s; nothing was "
                "written: raise pool_size, or make fewer calls at once",
                applied=self._applied,
            ) from None
        driver = _driver_error(error)
        if not isinstance(driver, psycopg.Error):
            raise error
        lost = is_lost(driver)
        if lost and self.flow is not None and self.writes:
            self._perhaps_applied = True
        again = driver.sqlstate in _RETRIED_SQLSTATES or (driver.sqlstate in _RETRIED_ONCE and self.number == 1)
        if not lost and not again:
            raise translated(driver, self.name, self.flow, applied=self._applied) from driver
        if self.flow is None and explained(driver) is not None:
            raise self._given_up(driver) from driver
        if self.number >= MAX_ATTEMPTS or time.monotonic() - self.started > RETRY_WINDOW_SECONDS:
            raise self._given_up(driver) from driver
        # Half of the delay is jitter: callers that failed together do not come back together.
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        return float(_FIRST_BACKOFF_SECONDS * 2 ** (self.number - 1) * jitter)

    @property
    def _applied(self) -> bool | None:
        return None if self._perhaps_applied else False

    def _given_up(self, driver: psycopg.Error) -> Unavailable:
        state = "it is not known whether it took effect" if self._perhaps_applied else "nothing was written"
        seconds = time.monotonic() - self.started
        attempts = "one attempt" if self.number == 1 else f"{self.number} attempts"
        why = explained(driver) or str(driver).partition("\n")[0]
        return Unavailable(
            f"{self.name}: gave up after {attempts} in {seconds:.1f} s, {state}: {why}. Calling again is safe",
            applied=self._applied,
        )

    def lost_race(self, rows: Sequence[Row]) -> bool:
        """Whether the gate waited and a step found its row taken: then the statement is run once more, to tell by whom."""
        self.races += 1
        return self.races < _MAX_RUNS and bool(rows) and getattr(rows[0], "raced", False)

    def log(self, rows: Sequence[Row]) -> None:
        """One record for each flow: its name, its user, how long it took, and how many rows each step wrote."""
        if self.flow is None or not logger.isEnabledFor(logging.INFO):
            return
        facts = {
            "flow": self.name,
            "user": self.flow.parameters.get("user_id"),
            "duration": time.monotonic() - self.started,
            "attempts": self.number,
            "rows": _rows_per_step(rows),
        }
        logger.info("%(flow)s user=%(user)s %(duration).4f s attempts=%(attempts)d rows=%(rows)s", facts, extra=facts)


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
        all_spent = _is_dead(error) or (isinstance(error, psycopg.Error) and error.sqlstate in _SPENT_TOGETHER)
        if all_spent and info.get(_Generation) == self.number:
            self.number += 1


def _rows_per_step(rows: Sequence[Row]) -> dict[str, int]:
    first = rows[0]._asdict() if rows else {}
    return {name.removeprefix(ROWS_PREFIX): n for name, n in first.items() if name.startswith(ROWS_PREFIX)}


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
        attempts = Attempts(flow.name, flow.recipe.writes)
        rows = self._again(attempts, lambda: self._rows(attempts, flow))
        while attempts.lost_race(rows):
            rows = self._again(attempts, lambda: self._rows(attempts, flow))
        attempts.log(rows)
        return flow.decode(rows)

    def transact(self, name: str, work: Callable[[Callable[[Flow[Any]], Any]], T]) -> T:
        """Do `work`, which is given a function that runs flows, in one transaction; tried again as a flow is.

        For the one case that needs it, compensation. What `work` raises itself passes through.
        """
        attempts = Attempts(name, writes=True)

        def transaction() -> T:
            with self._connection() as connection, connection.transaction():
                return work(lambda flow: flow.decode(_execute(connection, attempts.sending(flow))))

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
            return _execute(connection, attempts.sending(flow))

    def explain(self, flow: Flow[Any]) -> str:
        """The server's plan for a flow, as text; the flow is not run."""
        with self._connection() as connection:
            plan = connection.execute(f"EXPLAIN {flow.sql()}", dict(flow.parameters))
            return "\n".join(line for (line,) in plan)

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
        arguments = connection_arguments(url, transaction_pooler)

        async def connect() -> Any:
            return await _BoundedAsyncConnection.connect(**arguments)

        self.engine: AsyncEngine = create_async_engine(
            "postgresql+psycopg://", async_creator=connect, **_engine_options(pool_size)
        )
        self._generation = _Generation()

    async def run(self, flow: Flow[T]) -> T:
        """As `Database.run`."""
        attempts = Attempts(flow.name, flow.recipe.writes)
        rows = await self._again(attempts, lambda: self._rows(attempts, flow))
        while attempts.lost_race(rows):
            rows = await self._again(attempts, lambda: self._rows(attempts, flow))
        attempts.log(rows)
        return flow.decode(rows)

    async def transact(self, name: str, work: Callable[[Callable[[Flow[Any]], Awaitable[Any]]], Awaitable[T]]) -> T:
        """As `Database.transact`."""
        attempts = Attempts(name, writes=True)

        async def transaction() -> T:
            async with self._connection() as connection, connection.transaction():

                async def run(flow: Flow[Any]) -> Any:
                    return flow.decode(await _execute_async(connection, attempts.sending(flow)))

                return await work(run)

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
            return await _execute_async(connection, attempts.sending(flow))

    async def explain(self, flow: Flow[Any]) -> str:
        """As `Database.explain`."""
        async with self._connection() as connection:
            plan = await connection.execute(f"EXPLAIN {flow.sql()}", dict(flow.parameters))
            return "\n".join([line async for (line,) in plan])

    async def close(self) -> None:
        """Close the pool's connections."""
        await self.engine.dispose()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        while True:
            generation = self._generation.number
            async with self.engine.connect() as borrowed:
                pooled = await borrowed.get_raw_connection()
                if self._generation.is_outlived(pooled.info, generation):
                    await borrowed.invalidate()
                    continue
                connection: psycopg.AsyncConnection[Any] = pooled.driver_connection  # type: ignore[assignment]
                info = pooled.info
                try:
                    yield connection
                except BaseException as error:
                    if _is_spent(connection, error):
                        self._generation.end(info, error)
                        await borrowed.invalidate()
                    raise
            return


def _execute(connection: psycopg.Connection[Any], statement: tuple[str, list[Any]]) -> Sequence[Row]:
    return RawCursor(connection, row_factory=namedtuple_row).execute(*statement).fetchall()


async def _execute_async(connection: psycopg.AsyncConnection[Any], statement: tuple[str, list[Any]]) -> Sequence[Row]:
    cursor = AsyncRawCursor(connection, row_factory=namedtuple_row)
    return await (await cursor.execute(*statement)).fetchall()


def _driver_error(error: BaseException) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def _is_dead(error: BaseException) -> bool:
    driver = _driver_error(error)
    return isinstance(driver, psycopg.Error) and is_lost(driver)


def _is_spent(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any], error: BaseException) -> bool:
    """Whether a connection must not go back to the pool: it is lost, in doubt, or holds a plan that no longer fits."""
    idle = connection.info.transaction_status is TransactionStatus.IDLE
    told = isinstance(error, psycopg.Error) and error.sqlstate in _SPENT_SQLSTATES
    return connection.closed or not idle or told or _is_dead(error)


def is_lost(error: psycopg.Error) -> bool:
    """Whether the connection, not the statement, is what failed."""
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state.startswith("08") or state in _LOST_SQLSTATES


# libpq gives no code for a connection that was refused, so here alone the text decides; it names no password.
_REFUSALS = {
    "tenant or user not found": "the pooler does not know this user: behind Supabase's pooler the user name is "
    "postgres.<project-ref>, on a direct connection it is postgres",
    "(enotfound) tenant/user": "the pooler does not know this user: behind Supabase's pooler the user name is "
    "postgres.<project-ref>, on a direct connection it is postgres",
    "password authentication failed": "the server refused user name or password: check the database URL",
    "no password supplied": "the server asks for a password: put one into the database URL",
    "no pg_hba.conf entry": "the server does not let this user in from here: check its pg_hba.conf, or sslmode in the URL",
    "could not translate host name": "the host name in the database URL is not known here",
    "failed to resolve host": "the host name in the database URL is not known here",
}


def explained(error: psycopg.Error) -> str | None:
    """What a refused connection means, where trying again will not help; None where it may."""
    message = str(error).lower()
    if 'database "' in message and "does not exist" in message:
        return "the server has no such database: check the end of the database URL"
    return next((meaning for text, meaning in _REFUSALS.items() if text in message), None)


def translated(
    error: psycopg.Error, name: str, flow: Flow[Any] | None, *, applied: bool | None = False
) -> TripwireError:
    """What a driver's error means to whoever called the flow.

    Told by SQLSTATE, table, constraint and column. DETAIL repeats the values of rows, so it is never read.
    """
    state = error.sqlstate or ""
    diag = error.diag
    if state == _UNIQUE_VIOLATION and diag.constraint_name in _EMAIL_CONSTRAINTS:
        return EmailTaken(f"{name}: another user already has this e-mail; use another one")
    if state.startswith("23") or state == "P0001":
        return ConstraintViolated(
            flow=name,
            step=None if flow is None else flow.recipe.step_of(diag.table_name),
            table=diag.table_name,
            constraint=diag.constraint_name,
            column=diag.column_name,
            sqlstate=state,
            reason=_REASONS.get(diag.constraint_name or "", ""),
        )
    if state.startswith("22") or isinstance(error, psycopg.DataError):
        return InvalidInput(f"{name}: {(diag.message_primary or str(error))[:300]}")
    if state in _ADVICE:
        advice = f"{name}: {_ADVICE[state]}; nothing was written"
        return Refused(advice) if state == "42501" else Unavailable(advice, applied=applied)
    return Unavailable(
        f"{name}: the database answered SQLSTATE {state or 'none'} ({type(error).__name__}); nothing was written",
        applied=applied,
    )
