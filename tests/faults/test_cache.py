"""The leaderboard's cache as the repository uses it: right, stale at most for its time, and never in the way."""

import asyncio
import logging
from decimal import Decimal

import pytest

from tests.backend.flows.both import opened
from tests.backend.flows.world import World
from tests.faults.crowd import together
from tests.faults.figures import Figures
from tests.support.servers.proxy import Proxy
from tests.support.servers.redis import Redis
from tripwire_db import AsyncTripwireRepository, PostgresAuth, RedisCache


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_fifty_callers_at_once_ask_the_database_once(kind: str, it: World, redis_url: str):
    seller = it.manager()
    it.student(seller, price="12.50")
    with (
        Proxy(it.url) as proxy,
        PostgresAuth(it.url) as auth,
        RedisCache(redis_url, timeout=10, wait=10) as cache,  # more than a busy machine takes
        opened(kind, proxy.url, auth=auth, leaderboard_cache=cache) as repository,
    ):
        answers = together([lambda: repository.get_sales_leaderboard(limit=5)] * 50)
        assert len([request for request in proxy.requests if "leaderboard" in request.text]) == 1
        assert all(answer == it.repository.get_sales_leaderboard(limit=5) for answer in answers)
        assert answers[0][0].total_revenue == Decimal("12.50")
        it.student(seller)
        assert repository.get_sales_leaderboard(limit=5) == answers[0]  # up to five minutes old, and told to be
        assert repository.get_sales_leaderboard(limit=6)[0].total_students == 2


def test_a_redis_that_dies_costs_one_warning_and_no_answer(
    kind: str, it: World, redis_server: Redis, caplog: pytest.LogCaptureFixture, figures: Figures
):
    it.student()
    with (
        PostgresAuth(it.url) as auth,
        RedisCache(redis_server.url) as cache,
        opened(kind, it.url, auth=auth, leaderboard_cache=cache) as repository,
    ):
        right = it.repository.get_sales_leaderboard(limit=5)
        assert repository.get_sales_leaderboard(limit=5) == right
        redis_server.process.kill()
        answers = together([lambda: repository.get_sales_leaderboard(limit=5)] * 20)
        assert answers == [right] * 20
    assert len(warnings(caplog)) == 1
    figures.survived("redis dead", 20)


async def test_a_redis_that_never_was_costs_one_warning_in_an_event_loop_too(
    it: World, caplog: pytest.LogCaptureFixture, figures: Figures
):
    it.student()
    right = it.repository.get_sales_leaderboard(limit=5)
    with PostgresAuth(it.url) as auth, RedisCache("redis://127.0.0.1:1/0") as cache:
        async with AsyncTripwireRepository.connect(it.url, auth=auth, leaderboard_cache=cache) as repository:
            answers = await asyncio.gather(*[repository.get_sales_leaderboard(limit=5) for _ in range(20)])
    assert answers == [right] * 20
    assert len(warnings(caplog)) == 1
    figures.survived("redis dead", 20)
