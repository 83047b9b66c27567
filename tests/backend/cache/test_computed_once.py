"""Whoever asks at the same time, in threads, tasks or processes, shares one query; none waits for one that is gone."""

import asyncio
import multiprocessing
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from typing import Any

import pytest
import redis

from tests.backend.cache.leaderboards import CALLERS, KEY, ROWS, Query, patient, wait_until_blocked
from tripwire_db.cache import RedisCache
from tripwire_db.cache import redis as cache_module
from tripwire_db.results import LeaderboardRow


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
