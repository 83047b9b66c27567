"""The leaderboard's cache on a real Redis: right, never too old, computed once, and never in the way."""

import asyncio
import gc
import json
import logging
import multiprocessing
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from multiprocessing.synchronize import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis

from tests.support.servers.finding import redis_program
from tests.support.servers.process import takes_connections
from tests.support.servers.redis import Redis
from tripwire_db.cache import LONGEST_TTL, RedisCache, leaderboard_key
from tripwire_db.cache import redis as cache_module
from tripwire_db.cache.stored import SCHEMA_VERSION
from tripwire_db.errors import InvalidInput
from tripwire_db.results import LeaderboardRow

KEY = leaderboard_key("postgresql://app:sesame@db.example/course", 10)
OTHER_KEY = leaderboard_key("postgresql://app:sesame@db.example/course", 5)
CALLERS = 50

ROWS = [
    LeaderboardRow(
        UUID("6b1f3a52-52f0-4c38-9e55-0f7f6f0a4a10"),
        "Әлия O'Brien 😀",
        "a@example.com",
        100,
        60,
        40,
        Decimal("500000.10"),
        Decimal("66.6666666666666667"),
        7,
        Decimal("35000.50"),
    ),
    LeaderboardRow(UUID(int=7), None, None, 0, 0, 0, Decimal(0), Decimal("0E-20"), 0, Decimal(0)),
    LeaderboardRow(UUID(int=8), "", "b@example.com", 2**40, 1, 2, Decimal("1E+30"), Decimal(100), 3, Decimal("0.01")),
    LeaderboardRow(None, "Gone", None, 1, 0, 0, Decimal(1), Decimal(0), 0, Decimal(0)),
]
OTHER_ROWS = ROWS[:1]


def patient(url: str, ttl: float = LONGEST_TTL, *, wait: float = 2) -> RedisCache:
    """A cache that gives Redis more time than a busy machine takes, where time is not the point."""
    return RedisCache(url, ttl, timeout=10, wait=wait)


class Query:
    """A query that counts its calls, and may be held until it is let go."""

    def __init__(self, rows: list[LeaderboardRow] | None = None) -> None:
        self.rows = ROWS if rows is None else rows
        self.calls = 0
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self._lock = threading.Lock()

    def __call__(self) -> list[LeaderboardRow]:
        with self._lock:
            self.calls += 1
        self.begun.set()
        assert self.go_on.wait(10)
        return list(self.rows)

    async def in_asyncio(self) -> list[LeaderboardRow]:
        return await asyncio.to_thread(self)


@pytest.fixture
def cache(redis_url: str) -> Iterator[RedisCache]:
    with patient(redis_url) as cache:
        yield cache


@pytest.fixture
def other_process(redis_url: str) -> Iterator[RedisCache]:
    """Another cache of the same Redis: it shares nothing else, as if it were in another process."""
    with patient(redis_url) as cache:
        yield cache


@pytest.fixture
def store(redis_url: str) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(redis_url) as store:
        yield store


def rows_name(key: str = KEY) -> str:
    return cache_module._names(key)[0]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# --- right ---------------------------------------------------------------------------------------------------------


def test_what_comes_out_is_exactly_what_went_in(cache: RedisCache, other_process: RedisCache) -> None:
    query = Query()
    for reader in (cache, cache, other_process):
        rows = reader.get_or_compute(KEY, query)
        assert rows == ROWS
        assert [(str(row.total_revenue), str(row.avg_completion_rate)) for row in rows] == [
            (str(row.total_revenue), str(row.avg_completion_rate)) for row in ROWS
        ]
    assert query.calls == 1


def test_an_empty_leaderboard_is_an_answer_too(cache: RedisCache) -> None:
    query = Query([])
    assert [cache.get_or_compute(KEY, query) for _ in range(2)] == [[], []]
    assert query.calls == 1


def test_limits_and_databases_do_not_share_answers(cache: RedisCache) -> None:
    assert cache.get_or_compute(KEY, Query()) == ROWS
    assert cache.get_or_compute(OTHER_KEY, Query(OTHER_ROWS)) == OTHER_ROWS
    assert cache.get_or_compute(KEY, Query(OTHER_ROWS)) == ROWS


def test_a_caller_who_changes_the_list_changes_nobody_elses(cache: RedisCache) -> None:
    query = Query()
    query.go_on.clear()
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(cache.get_or_compute, KEY, query) for _ in range(2)]
        query.go_on.set()
        first, second = (call.result() for call in calls)
    first.clear()
    assert second == ROWS


def test_a_key_tells_databases_and_limits_apart_and_not_people() -> None:
    base = leaderboard_key("postgresql://app:sesame@db.example:5432/course", 10)
    assert leaderboard_key("postgresql://other:word@db.example:5432/course", 10) == base
    others = [
        leaderboard_key("postgresql://app:sesame@db.example:5432/course", 11),
        leaderboard_key("postgresql://app:sesame@db.example:5432/course", 10, date(2026, 1, 1)),
        leaderboard_key("postgresql://app:sesame@db.example:5432/course", 10, None, date(2026, 1, 1)),
        leaderboard_key("postgresql://app:sesame@db.example:5432/course", 10, None, None, "UTC"),
        leaderboard_key("postgresql://app:sesame@db.example:5432/other", 10),
        leaderboard_key("postgresql://app:sesame@db.example:5433/course", 10),
        leaderboard_key("postgresql://app:sesame@other.example:5432/course", 10),
        leaderboard_key("postgresql:///course?host=/run/a", 10),
        leaderboard_key("postgresql:///course?host=/run/b", 10),
        leaderboard_key("postgresql:///course?host=/run/b&port=5433", 10),
    ]
    assert len({base, *others}) == len(others) + 1
    assert "sesame" not in base


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["http://localhost"], {}),
        ([""], {}),
        ([None], {}),
        (["redis://:sesame@localhost:port"], {}),
        (["redis://localhost", 0], {}),
        (["redis://localhost", 301], {}),
        (["redis://localhost", True], {}),
        (["redis://localhost", "300"], {}),
        (["redis://localhost"], {"timeout": 0}),
        (["redis://localhost"], {"timeout": float("nan")}),
        (["redis://localhost"], {"wait": -1}),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_made(arguments: list[Any], options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        RedisCache(*arguments, **options)
    assert "sesame" not in str(caught.value)


def test_the_password_is_in_no_repr() -> None:
    assert repr(RedisCache("redis://me:sesame@localhost:6380/0", 60)) == "RedisCache('localhost:6380', ttl=60)"
    assert repr(RedisCache("unix:///run/redis.sock?password=sesame")) == "RedisCache('/run/redis.sock', ttl=300)"


# --- never too old -------------------------------------------------------------------------------------------------


def query_that_lasts(milliseconds: int, store: "redis.Redis") -> Callable[[], list[LeaderboardRow]]:
    """A query that ends when Redis, which counts the lives of answers too, has counted so many milliseconds."""

    def query() -> list[LeaderboardRow]:
        store.set("hourglass", "", px=milliseconds)
        while store.exists("hourglass"):
            pass
        return ROWS

    return query


def test_an_answer_ends_with_its_time_counted_from_the_begin_of_its_query(redis_url: str, store: "redis.Redis") -> None:
    with patient(redis_url, LONGEST_TTL) as cache:
        cache.get_or_compute(KEY, query_that_lasts(500, store))
        left = store.pttl(rows_name())
    assert 240_000 < left <= 299_500


def test_an_answer_that_has_ended_is_asked_for_again(redis_url: str, store: "redis.Redis") -> None:
    query = Query()
    with patient(redis_url, 0.2) as cache:
        cache.get_or_compute(KEY, query)
        gone_by = time.monotonic() + 0.2
        while store.exists(rows_name()):
            assert time.monotonic() < gone_by + 1
        cache.get_or_compute(KEY, query)
    assert query.calls == 2


def test_an_answer_that_redis_never_forgets_is_not_shown_past_its_time(redis_url: str, store: "redis.Redis") -> None:
    query = Query()
    with patient(redis_url) as writer:
        writer.get_or_compute(KEY, query)
    document = json.loads(store.get(rows_name()) or b"")
    document["at"] -= LONGEST_TTL
    store.set(rows_name(), json.dumps(document))
    with patient(redis_url) as reader:
        reader.get_or_compute(KEY, query)
        assert query.calls == 2
        reader.get_or_compute(KEY, query)
    assert query.calls == 2


def test_an_answer_whose_query_took_longer_than_its_life_is_not_stored(redis_url: str, store: "redis.Redis") -> None:
    with patient(redis_url, 0.4) as cache:
        assert cache.get_or_compute(KEY, query_that_lasts(500, store)) == ROWS
    assert not store.exists(rows_name())


# --- computed once -------------------------------------------------------------------------------------------------


def test_fifty_threads_make_one_query(cache: RedisCache) -> None:
    query = Query()
    start = threading.Barrier(CALLERS)

    def call(_: int) -> list[LeaderboardRow]:
        start.wait()
        return cache.get_or_compute(KEY, query)

    with ThreadPoolExecutor(CALLERS) as pool:
        assert list(pool.map(call, range(CALLERS))) == [ROWS] * CALLERS
    assert query.calls == 1


async def test_fifty_tasks_make_one_query(cache: RedisCache) -> None:
    query = Query()
    answers = await asyncio.gather(*(cache.get_or_compute_async(KEY, query.in_asyncio) for _ in range(CALLERS)))
    assert answers == [ROWS] * CALLERS
    assert query.calls == 1


async def test_threads_and_tasks_share_one_query(cache: RedisCache) -> None:
    query = Query()
    query.go_on.clear()
    tasks = [asyncio.create_task(cache.get_or_compute_async(KEY, query.in_asyncio)) for _ in range(10)]
    threads = [asyncio.create_task(asyncio.to_thread(cache.get_or_compute, KEY, query)) for _ in range(3)]
    await asyncio.to_thread(query.begun.wait)
    query.go_on.set()
    assert await asyncio.gather(*tasks, *threads) == [ROWS] * 13
    assert query.calls == 1


def _ask(url: str, start: Barrier, calls: Any, answers: Any) -> None:
    def query() -> list[LeaderboardRow]:
        with calls.get_lock():
            calls.value += 1
        wait_until_blocked(url, 2)  # the other two processes have found it under way
        return ROWS

    with patient(url, wait=20) as cache, ThreadPoolExecutor(20) as pool:
        start.wait()
        for rows in pool.map(lambda _: cache.get_or_compute(KEY, query), range(20)):
            answers.put(rows == ROWS)


def test_sixty_callers_in_three_processes_make_one_query(redis_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    start, calls, answers = context.Barrier(3), context.Value("i", 0), context.Queue()
    processes = [context.Process(target=_ask, args=(redis_url, start, calls, answers)) for _ in range(3)]
    for process in processes:
        process.start()
    told = [answers.get(timeout=60) for _ in range(60)]
    for process in processes:
        process.join()
    assert all(told)
    assert calls.value == 1


def test_who_waits_for_another_process_is_woken_by_it_and_not_by_the_clock(
    redis_url: str, other_process: RedisCache
) -> None:
    slow, never = Query(), Query()
    slow.go_on.clear()
    with (
        patient(redis_url, wait=20) as holder,
        patient(redis_url, wait=20) as waiter,
        ThreadPoolExecutor(2) as pool,
    ):
        held = pool.submit(holder.get_or_compute, KEY, slow)
        slow.begun.wait()
        waiting = pool.submit(waiter.get_or_compute, KEY, never)
        wait_until_blocked(redis_url)
        began = time.monotonic()
        slow.go_on.set()
        assert waiting.result() == held.result() == ROWS
        assert time.monotonic() - began < 3
    assert never.calls == 0


def wait_until_blocked(url: str, clients: int = 1) -> None:
    with redis.Redis.from_url(url) as store:
        deadline = time.monotonic() + 30
        while store.info("clients")["blocked_clients"] < clients:
            assert time.monotonic() < deadline


def test_several_waiters_are_all_woken(redis_url: str) -> None:
    slow, never = Query(), Query()
    slow.go_on.clear()
    caches = [patient(redis_url, wait=20) for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        calls = [pool.submit(caches[0].get_or_compute, KEY, slow)]
        slow.begun.wait()
        calls += [pool.submit(waiter.get_or_compute, KEY, never) for waiter in caches[1:]]
        wait_until_blocked(redis_url, 4)
        began = time.monotonic()
        slow.go_on.set()
        assert [call.result() for call in calls] == [ROWS] * 5
        assert time.monotonic() - began < 3
    for each in caches:
        each.close()
    assert never.calls == 0


def test_a_holder_that_fails_lets_the_next_one_go_on_at_once(redis_url: str) -> None:
    def fail() -> list[LeaderboardRow]:
        wait_until_blocked(redis_url)
        raise LookupError("the database is away")

    query = Query()
    with (
        patient(redis_url, wait=20) as holder,
        patient(redis_url, wait=20) as waiter,
        ThreadPoolExecutor(2) as pool,
    ):
        failing = pool.submit(holder.get_or_compute, KEY, fail)
        with redis.Redis.from_url(redis_url) as store:
            while not store.exists(cache_module._names(KEY)[1]):
                pass
        began = time.monotonic()
        assert pool.submit(waiter.get_or_compute, KEY, query).result() == ROWS
        assert time.monotonic() - began < 2
        with pytest.raises(LookupError):
            failing.result()


def test_a_holder_that_died_is_waited_for_no_longer_than_said(redis_url: str, store: "redis.Redis") -> None:
    _, lock, _ = cache_module._names(KEY)
    store.set(lock, "a process that was killed", px=60_000)
    query = Query()
    with patient(redis_url, wait=0.3) as cache:
        began = time.monotonic()
        assert cache.get_or_compute(KEY, query) == ROWS
        assert 0.25 < time.monotonic() - began < 3
        assert cache.get_or_compute(KEY, query) == ROWS
    assert query.calls == 1


@pytest.mark.parametrize("lock", ["without an end", "a list"])
def test_a_lock_that_none_of_us_can_have_taken_is_taken_over(
    cache: RedisCache, store: "redis.Redis", lock: str
) -> None:
    name = cache_module._names(KEY)[1]
    store.set(name, "for ever") if lock == "without an end" else store.rpush(name, "x")
    began = time.monotonic()
    assert cache.get_or_compute(KEY, Query()) == ROWS
    assert time.monotonic() - began < 3
    assert not store.exists(name)


def test_an_error_of_the_query_reaches_each_caller_and_is_not_kept(cache: RedisCache) -> None:
    start = threading.Barrier(10)

    def fail() -> list[LeaderboardRow]:
        raise LookupError("the database is away")

    def call(_: int) -> str:
        start.wait()
        with pytest.raises(LookupError) as caught:
            cache.get_or_compute(KEY, fail)
        return str(caught.value)

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(call, range(10))) == {"the database is away"}
    assert cache.get_or_compute(KEY, Query()) == ROWS


async def test_a_task_that_is_cancelled_takes_nothing_from_the_others(cache: RedisCache) -> None:
    query = Query()
    query.go_on.clear()
    first = asyncio.create_task(cache.get_or_compute_async(KEY, query.in_asyncio))
    await asyncio.to_thread(query.begun.wait)
    second = asyncio.create_task(cache.get_or_compute_async(KEY, query.in_asyncio))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    query.go_on.set()
    assert await second == ROWS
    assert query.calls == 1


def test_a_leader_that_is_interrupted_is_followed_by_the_next(cache: RedisCache) -> None:
    leading, interrupt, query = threading.Event(), threading.Event(), Query()

    def interrupted() -> list[LeaderboardRow]:
        leading.set()
        interrupt.wait()
        raise KeyboardInterrupt

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.get_or_compute, KEY, interrupted)
        leading.wait()
        waiting = pool.submit(cache.get_or_compute, KEY, query)
        interrupt.set()
        assert waiting.result() == ROWS
        with pytest.raises(KeyboardInterrupt):
            first.result()


def test_an_event_loop_that_ends_in_the_middle_leaves_the_next_one_free(cache: RedisCache) -> None:
    query = Query()

    async def give_up() -> None:
        never = asyncio.Event()

        async def hang() -> list[LeaderboardRow]:
            query.begun.set()
            await never.wait()
            return []

        call = asyncio.create_task(cache.get_or_compute_async(KEY, hang))
        await asyncio.to_thread(query.begun.wait)
        call.cancel()

    asyncio.run(give_up())
    assert cache.get_or_compute(KEY, query) == ROWS


# --- never in the way ----------------------------------------------------------------------------------------------


@contextmanager
def server_that(answers: Callable[[socket.socket], None]) -> Iterator[str]:
    """Something that listens where Redis should, and answers in its own way."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closing = threading.Event()
        connections: list[socket.socket] = []

        def guarded(connection: socket.socket) -> None:
            try:
                answers(connection)
                closing.wait()
            except OSError:
                pass
            finally:
                connection.close()

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connections.append(connection)
                threading.Thread(target=guarded, args=(connection,), daemon=True).start()

        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        try:
            yield f"redis://:sesame@127.0.0.1:{listener.getsockname()[1]}/0"
        finally:
            closing.set()
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join()


def _say(*parts: bytes, pause: float = 0.0) -> Callable[[socket.socket], None]:
    def answers(connection: socket.socket) -> None:
        while connection.recv(65536):
            for part in parts:
                connection.sendall(part)
                if pause:
                    time.sleep(pause)

    return answers


def _drip(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"$1000000\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


BAD_SERVERS = {
    "silent": lambda _: None,
    "hanging up": lambda connection: connection.shutdown(socket.SHUT_RDWR),
    "dripping": _drip,
    "slow": _say(b"+OK\r\n", pause=5),
    "an HTTP server": _say(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "binary noise": _say(bytes(range(256)) * 8),
    "refusing": _say(b"-NOAUTH Authentication required.\r\n"),
    "loading": _say(b"-LOADING Redis is loading the dataset in memory\r\n"),
    "full": _say(b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"),
    "always fine": _say(b"+OK\r\n"),
    "a number": _say(b":5\r\n"),
    "nothing": _say(b"$-1\r\n"),
    "an empty list": _say(b"*0\r\n"),
    "a nested list": _say(b"*1\r\n" * 500 + b"*0\r\n"),
    "a foolish length": _say(b"$99999999999999999999\r\nx\r\n"),
    "a negative length": _say(b"*-7\r\n"),
}


@pytest.mark.parametrize("answers", BAD_SERVERS.values(), ids=BAD_SERVERS)
def test_a_bad_redis_costs_one_warning_and_little_time(
    caplog: pytest.LogCaptureFixture, answers: Callable[[socket.socket], None]
) -> None:
    query = Query()
    with server_that(answers) as url, RedisCache(url) as cache:
        cache.get_or_compute(KEY, query)
        began = time.monotonic()
        for _ in range(5):
            assert cache.get_or_compute(KEY, query) == ROWS
        assert time.monotonic() - began < 2
    assert query.calls == 6
    (warning,) = warnings(caplog)
    assert "the database answers instead" in warning
    assert "sesame" not in caplog.text


def test_a_redis_that_is_not_there_costs_one_warning_for_fifty_callers_and_one_query(
    caplog: pytest.LogCaptureFixture,
) -> None:
    query = Query()
    query.go_on.clear()
    with RedisCache("redis://127.0.0.1:1/0") as cache, ThreadPoolExecutor(CALLERS) as pool:
        calls = [pool.submit(cache.get_or_compute, KEY, query) for _ in range(CALLERS)]
        query.begun.wait()
        query.go_on.set()
        assert [call.result() for call in calls] == [ROWS] * CALLERS
    assert len(warnings(caplog)) == 1


def test_a_redis_that_dies_and_comes_back_is_used_again(
    caplog: pytest.LogCaptureFixture, redis_server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(cache_module, "RETRY_SECONDS", 0.0)
    query = Query()
    with patient(redis_server.url) as cache:
        cache.get_or_compute(KEY, query)
        redis_server.process.kill()
        for _ in range(3):
            assert cache.get_or_compute(KEY, query) == ROWS
        assert query.calls == 4
        restart(redis_server)
        for _ in range(3):
            assert cache.get_or_compute(KEY, query) == ROWS
        assert query.calls == 5
    assert len(warnings(caplog)) == 1
    assert "answers again" in caplog.text


def restart(server: Redis) -> None:
    command = [redis_program(), "--port", str(server.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server.process.start(command, env={}, ready=lambda: takes_connections(server.port))


GARBAGE: dict[str, Callable[["redis.Redis", str], Any]] = {
    "garbage": lambda store, name: store.set(name, b"\x00\xff garbage"),
    "nothing": lambda store, name: store.set(name, b""),
    "null": lambda store, name: store.set(name, b"null"),
    "a list": lambda store, name: store.set(name, b"[1, 2]"),
    "deep": lambda store, name: store.set(name, b"[" * 100_000),
    "20 million digits": lambda store, name: store.set(name, b"1" * 20_000_000),
    "a redis list": lambda store, name: (store.delete(name), store.rpush(name, "x")),
    "a redis hash": lambda store, name: (store.delete(name), store.hset(name, "x", "y")),
}
EDITS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another version": lambda document: document.update(version=SCHEMA_VERSION + 1),
    "no version": lambda document: document.pop("version"),
    "another limit": lambda document: document.update(key=OTHER_KEY),
    "from the future": lambda document: document.update(at=time.time() + 3600),
    "no time": lambda document: document.update(at=None),
    "not a time": lambda document: document.update(at=float("nan")),
    "no rows": lambda document: document.update(rows=None),
    "rows of another kind": lambda document: document.update(rows=["x"]),
    "a column too few": lambda document: document["rows"][0].pop("email"),
    "a column too many": lambda document: document["rows"][0].update(password="x"),
    "a count that is text": lambda document: document["rows"][0].update(total_students="100"),
    "a count that is true": lambda document: document["rows"][0].update(total_students=True),
    "a count below zero": lambda document: document["rows"][0].update(active_students=-1),
    "money that is a float": lambda document: document["rows"][0].update(total_revenue=1.5),
    "money that is no number": lambda document: document["rows"][0].update(total_revenue="lots"),
    "money without end": lambda document: document["rows"][0].update(total_revenue="Infinity"),
    "money below zero": lambda document: document["rows"][0].update(total_revenue="-1"),
    "more money than there is": lambda document: document["rows"][0].update(total_revenue="1e1000000"),
    "money of very many digits": lambda document: document["rows"][0].update(total_revenue="9" * 30_000),
    "a rate above 100": lambda document: document["rows"][0].update(avg_completion_rate="100.01"),
    "a rate below zero": lambda document: document["rows"][0].update(avg_completion_rate="-0.01"),
    "more students than there are people": lambda document: document["rows"][0].update(total_students=10**30),
    "more completed than sold": lambda document: document["rows"][0].update(total_students=0, completed_students=1),
    "a seller twice": lambda document: document["rows"].append(document["rows"][0]),
    "more rows than were asked for": lambda document: document.update(
        rows=[{**document["rows"][0], "manager_id": str(uuid4())} for _ in range(11)]
    ),
    "an id that is none": lambda document: document["rows"][0].update(manager_id="me"),
    "a name that is a number": lambda document: document["rows"][0].update(manager_name=5),
}


def edited(edit: Callable[[dict[str, Any]], Any]) -> Callable[["redis.Redis", str], Any]:
    def tamper(store: "redis.Redis", name: str) -> None:
        document = json.loads(store.get(name) or b"")
        edit(document)
        store.set(name, json.dumps(document), ex=300)

    return tamper


LIES = {**GARBAGE, **{name: edited(edit) for name, edit in EDITS.items()}}


@pytest.fixture(scope="module")
def shared_redis() -> Iterator[str]:
    from tests.support.servers.redis import redis as run_redis

    with run_redis() as server:
        yield server.url


@pytest.mark.parametrize("tamper", LIES.values(), ids=LIES)
def test_a_lie_costs_one_warning_is_never_believed_and_is_overwritten(
    shared_redis: str, caplog: pytest.LogCaptureFixture, tamper: Callable[["redis.Redis", str], Any]
) -> None:
    query = Query()
    with redis.Redis.from_url(shared_redis) as store, patient(shared_redis) as cache:
        store.flushall()
        cache.get_or_compute(KEY, query)
        tamper(store, rows_name())
        assert cache.get_or_compute(KEY, query) == ROWS
        assert query.calls == 2
        assert cache.get_or_compute(KEY, query) == ROWS
        assert query.calls == 2
    assert len(warnings(caplog)) == 1


def test_a_redis_that_lies_each_time_is_told_of_once(
    cache: RedisCache, store: "redis.Redis", caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        store.set(rows_name(), "garbage")
        assert cache.get_or_compute(KEY, Query()) == ROWS
    assert len(warnings(caplog)) == 1


def test_an_answer_stored_under_another_limit_is_not_shown(
    cache: RedisCache, store: "redis.Redis", caplog: pytest.LogCaptureFixture
) -> None:
    cache.get_or_compute(OTHER_KEY, Query(OTHER_ROWS))
    store.copy(rows_name(OTHER_KEY), rows_name(KEY))
    assert cache.get_or_compute(KEY, Query()) == ROWS
    assert len(warnings(caplog)) == 1


# --- lifetime ------------------------------------------------------------------------------------------------------


def test_a_closed_cache_leaves_no_thread_and_no_connection_and_opens_anew_when_used(
    redis_url: str, store: "redis.Redis"
) -> None:
    query = Query()
    cache = patient(redis_url)
    for _ in range(3):
        cache.get_or_compute(KEY, query)
        cache.close()
        cache.close()
    assert query.calls == 1
    assert not [thread for thread in threading.enumerate() if thread.name == "tripwire-db-cache"]
    deadline = time.monotonic() + 5
    while store.info("clients")["connected_clients"] > 1:
        assert time.monotonic() < deadline


def test_a_cache_that_is_forgotten_leaves_no_thread(redis_url: str) -> None:
    patient(redis_url).get_or_compute(KEY, Query())
    deadline = time.monotonic() + 30
    while [thread for thread in threading.enumerate() if thread.name == "tripwire-db-cache"]:
        gc.collect()  # the client's own frames keep each other, and what they saw, until then
        assert time.monotonic() < deadline


def test_closing_while_others_wait_harms_none_of_them(redis_url: str, store: "redis.Redis") -> None:
    store.set(cache_module._names(KEY)[1], "somebody", px=60_000)
    query = Query()
    with patient(redis_url, wait=1) as cache, ThreadPoolExecutor(5) as pool:
        calls = [pool.submit(cache.get_or_compute, KEY, query) for _ in range(5)]
        wait_until_blocked(redis_url)
        cache.close()
        assert [call.result() for call in calls] == [ROWS] * 5
