"""A Redis that is silent, slow, gone or lying costs one warning, and the database answers instead."""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
import redis

from tests.backend.cache.leaderboards import (
    CALLERS,
    KEY,
    OTHER_KEY,
    OTHER_ROWS,
    ROWS,
    Query,
    patient,
    rows_name,
    warnings,
)
from tests.support.servers.finding import redis_program
from tests.support.servers.process import takes_connections
from tests.support.servers.redis import Redis
from tripwire_db.cache import RedisCache
from tripwire_db.cache import redis as cache_module
from tripwire_db.cache.stored import SCHEMA_VERSION


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
