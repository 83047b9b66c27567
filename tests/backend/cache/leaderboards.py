"""The leaderboards that the tests of the cache store, the query that makes them, and caches that are in no hurry."""

import asyncio
import logging
import threading
import time
from decimal import Decimal
from uuid import UUID

import pytest
import redis

from tripwire_db.cache import LONGEST_TTL, RedisCache, leaderboard_key
from tripwire_db.cache import redis as cache_module
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


def rows_name(key: str = KEY) -> str:
    return cache_module._names(key)[0]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def wait_until_blocked(url: str, clients: int = 1) -> None:
    with redis.Redis.from_url(url) as store:
        deadline = time.monotonic() + 30
        while store.info("clients")["blocked_clients"] < clients:
            assert time.monotonic() < deadline
