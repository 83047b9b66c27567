"""`RedisCache`: the leaderboard in Redis, behind one lock for all processes and one flight for each."""

import asyncio
import logging
import math
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import uuid4

from tripwire_db.cache.redis_loop import RedisLoop
from tripwire_db.cache.stored import SCHEMA_VERSION, CorruptEntry, Rows, dump, load, most_bytes
from tripwire_db.engine.fork import leave_to_parent, watch_forks
from tripwire_db.errors import InvalidInput

if TYPE_CHECKING:
    from redis.asyncio import Redis

T = TypeVar("T")
logger = logging.getLogger("tripwire_db.cache")

LONGEST_TTL = 300
"""Seconds; nobody is shown a leaderboard that is older."""
RETRY_SECONDS = 1.0
"""For how long a Redis that failed is left alone."""

# Finds the rows, or takes the lock, or tells who holds it and for how long. A lock without an end is none of ours.
_ENTER = """
local rows = redis.pcall('GET', KEYS[1])
if rows then return {'rows', type(rows) == 'string' and #rows <= tonumber(ARGV[3]) and rows or ''} end
local holder = redis.pcall('GET', KEYS[2])
local left = redis.call('PTTL', KEYS[2])
if type(holder) == 'string' and left > 0 then return {'wait', holder, left} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {'turn', ARGV[1]}
"""

# Stores the rows if there are any, gives the lock back if it is still ours, and wakes who waits for us.
_LEAVE = """
if ARGV[2] ~= '' then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
if redis.pcall('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
redis.call('RPUSH', KEYS[3], '1')
redis.call('PEXPIRE', KEYS[3], ARGV[4])
return 1
"""


class RedisCache:
    """A cache of leaderboards in Redis 6.2 or newer; needs the extra `redis`.

    Args:
        url: `redis://`, `rediss://` or `unix://`; its password appears in no log or repr.
        ttl: seconds that an answer may be shown, counted from the moment its query began; at most 300.
        timeout: seconds that Redis has for each answer, connecting included, before the database is asked.
        wait: seconds to wait for another process that is already asking the database.

    Raises:
        InvalidInput: an argument out of range, or the package `redis` is not installed.

    Examples:
        >>> cache = RedisCache("redis://:secret@localhost:6379/0")
        >>> cache
        RedisCache('localhost:6379', ttl=300)
    """

    def __init__(self, url: str, ttl: float = LONGEST_TTL, *, timeout: float = 0.2, wait: float = 2.0) -> None:
        self._ttl = _seconds("ttl", ttl, 0.001, LONGEST_TTL)
        self._timeout = _seconds("timeout", timeout, 0.001, 60)
        self._wait = _seconds("wait", wait, 0.001, 60)
        self._url = url
        where = _client(url).connection_pool.connection_kwargs
        self._where = str(where["path"]) if "path" in where else f"{where.get('host')}:{where.get('port')}"
        self._complaints: set[str] = set()
        self._left_alone_until = 0.0
        self._begin()
        watch_forks(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[str, Future[Rows]] = {}
        self._leaders: set[asyncio.Task[None]] = set()
        self._loop: RedisLoop | None = None

    def after_fork(self) -> None:
        """In a child process: leave the connection, its thread and the flights under way to the parent."""
        leave_to_parent(self._loop, self._flights, self._leaders)
        self._begin()

    def __repr__(self) -> str:
        return f"RedisCache({self._where!r}, ttl={self._ttl:g})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back connections; calling again is fine, and a later call opens new ones."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            loop.close()

    def get_or_compute(self, key: str, compute: Callable[[], Rows]) -> Rows:
        """The rows under this key, at most `ttl` seconds old.

        Args:
            key: made by `leaderboard_key`.
            compute: asks the database; called once however many callers wait, and its errors reach them all.
        """
        while True:
            flight, leads = self._board(key)
            if leads:
                with self._landing(key, flight):
                    found = self._call(partial(self._enter, key)).result()
                    if isinstance(found, _Turn):
                        with self._turn(key, found):
                            rows = compute()
                        self._call(partial(self._leave, key, found, rows)).result()
                        found = rows
                    flight.set_result(found)
            with suppress(CancelledError):  # its leader was interrupted: the next one leads
                return list(flight.result())

    async def get_or_compute_async(self, key: str, compute: Callable[[], Awaitable[Rows]]) -> Rows:
        """The same for asyncio; a caller that is cancelled takes nothing from those who wait with it."""
        loop = asyncio.get_running_loop()
        while True:
            flight, leads = self._board(key)
            if leads:
                # A task of its own, so that the flight does not end with the caller who happened to be first.
                leader = loop.create_task(self._lead(key, flight, compute))
                self._leaders.add(leader)
                leader.add_done_callback(self._leaders.discard)
            landed = asyncio.Event()

            def wake(_: Future[Rows], landed: asyncio.Event = landed) -> None:
                with suppress(RuntimeError):  # our loop may be closed by the time another thread's flight lands
                    loop.call_soon_threadsafe(landed.set)

            flight.add_done_callback(wake)
            await landed.wait()
            with suppress(CancelledError):
                return list(flight.result())

    async def _lead(self, key: str, flight: Future[Rows], compute: Callable[[], Awaitable[Rows]]) -> None:
        with self._landing(key, flight):
            found = await asyncio.wrap_future(self._call(partial(self._enter, key)))
            if isinstance(found, _Turn):
                with self._turn(key, found):
                    rows = await compute()
                await asyncio.wrap_future(self._call(partial(self._leave, key, found, rows)))
                found = rows
            flight.set_result(found)

    def _board(self, key: str) -> tuple[Future[Rows], bool]:
        """The flight under way for this key, or a new one and True for the caller who has to lead it."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False
            return self._flights.setdefault(key, Future()), True

    @contextmanager
    def _landing(self, key: str, flight: Future[Rows]) -> Iterator[None]:
        """However the leader ends, those who wait are told: by the rows, by the error, or to go on without it."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 — raised to each caller by the flight, the leader included
            flight.set_exception(error)
        except BaseException:
            flight.cancel()
            raise
        finally:
            with self._lock:
                del self._flights[key]

    @contextmanager
    def _turn(self, key: str, turn: "_Turn") -> Iterator[None]:
        """A computation that fails gives the lock back at once, without waiting for Redis to say so."""
        try:
            yield
        except BaseException:
            self._call(partial(self._leave, key, turn, None))
            raise

    def _call(self, talk: Callable[["Redis"], Coroutine[Any, Any, T]]) -> Future[T]:
        """Talk to Redis on the one line that threads and event loops share."""
        with self._lock:
            if self._loop is None:
                self._loop = RedisLoop(_client(self._url))
                weakref.finalize(self, self._loop.close)
            return self._loop.submit(talk)

    async def _enter(self, key: str, redis: "Redis") -> "Rows | _Turn":
        """The rows that Redis holds, or the turn to compute them; never raises, and ends within `wait`."""
        if time.monotonic() < self._left_alone_until:
            return _Turn.now("")
        rows, lock, _ = _names(key)
        token = uuid4().hex
        deadline = time.monotonic() + self._wait
        try:
            while True:
                async with asyncio.timeout(self._timeout):
                    answer = await redis.eval(
                        _ENTER, 2, rows, lock, token, math.ceil(self._wait * 1000), most_bytes(key)
                    )
                match answer:
                    case [b"rows", bytes(stored)]:
                        found = load(key, stored, self._ttl)
                        if found is None:
                            return _Turn.now(token)
                        self._trust(key)
                        return found
                    case [b"turn", _]:
                        return _Turn.now(token)
                    case [b"wait", bytes(holder), int(left)]:
                        remaining = min(deadline - time.monotonic(), left / 1000)
                    case _:
                        raise CorruptEntry("an answer to a question that was not asked")
                if deadline <= time.monotonic():
                    return _Turn.now(token)
                # The holder leaves one item in a list of its own; rotating it wakes the next waiter too.
                ready = _names(key, holder.decode(errors="replace"))[2]
                async with asyncio.timeout(remaining + self._timeout):
                    await redis.blmove(ready, ready, max(remaining, 0.001))  # type: ignore[arg-type] # fractions are fine
        except CorruptEntry as lie:
            self._complain(key, f"what it holds is no leaderboard of ours ({lie}), and is overwritten")
            return _Turn.now(token)
        except Exception as error:  # noqa: BLE001 — a parser fed with garbage may raise anything
            self._leave_alone(error)
            return _Turn.now("")

    async def _leave(self, key: str, turn: "_Turn", found: Rows | None, redis: "Redis") -> None:
        """Store what was computed, and let the others go on; never raises."""
        if not turn.token:
            return
        names = _names(key, turn.token)
        # Counted from before the query: an answer is as old as the snapshot it was read from.
        left = math.floor((self._ttl - (time.monotonic() - turn.began)) * 1000)
        stored = "" if found is None or left <= 0 else dump(key, turn.at, found)
        try:
            async with asyncio.timeout(self._timeout):
                await redis.eval(_LEAVE, 3, *names, turn.token, stored, left, math.ceil(self._wait * 1000))
        except Exception as error:  # noqa: BLE001 — the same
            self._leave_alone(error)

    def _leave_alone(self, error: Exception) -> None:
        self._left_alone_until = time.monotonic() + RETRY_SECONDS
        self._complain("", f"no good answer within {self._timeout:g} s ({type(error).__name__})")

    def _complain(self, about: str, what: str) -> None:
        """One warning, not one a call: the next comes only after Redis has given us a leaderboard again."""
        if about not in self._complaints:
            self._complaints.add(about)
            logger.warning("leaderboard cache, Redis at %s: %s; the database answers instead", self._where, what)

    def _trust(self, key: str) -> None:
        self._complaints.discard(key)
        if "" in self._complaints:
            self._complaints.discard("")
            logger.info("leaderboard cache, Redis at %s: answers again", self._where)


@dataclass(frozen=True, slots=True)
class _Turn:
    """The right to compute; without a token there is no Redis to store the result in."""

    token: str
    began: float
    at: float

    @classmethod
    def now(cls, token: str) -> Self:
        return cls(token, time.monotonic(), time.time())


def _client(url: str) -> "Redis":
    try:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError:
        raise InvalidInput("the leaderboard cache needs the extra: pip install 'tripwire-db[redis]'") from None
    try:
        # Ends are set by us around each exchange, since the client's own bound each read and not the whole.
        return Redis.from_url(
            url, protocol=2, retry=Retry(NoBackoff(), 0), socket_timeout=None, socket_connect_timeout=None
        )
    except (ValueError, TypeError, AttributeError):
        raise InvalidInput("the Redis URL must look like redis://[user:password@]host:6379/0") from None


def _seconds(name: str, value: object, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise InvalidInput(f"{name} must be a number of seconds from {least:g} to {most:g}")
    return float(value)


def _names(key: str, token: str = "") -> tuple[str, str, str]:
    """Rows, lock and waiting list; the braces keep them on one node of a cluster."""
    name = f"tripwire:leaderboard:v{SCHEMA_VERSION}:{{{key}}}"
    return f"{name}:rows", f"{name}:lock", f"{name}:ready:{token}"
