"""The leaderboard's cache on a real Redis: right, never too old, and closed without a trace."""

import gc
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
import redis

from tests.backend.cache.leaderboards import (
    KEY,
    OTHER_KEY,
    OTHER_ROWS,
    ROWS,
    Query,
    patient,
    rows_name,
    wait_until_blocked,
)
from tripwire_db.cache import LONGEST_TTL, RedisCache, leaderboard_key
from tripwire_db.cache import redis as cache_module
from tripwire_db.errors import InvalidInput
from tripwire_db.results import LeaderboardRow

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
    deadline = time.monotonic() + 30
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
