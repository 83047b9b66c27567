"""A cache on a real Redis, a second one as of another process, and a look into Redis itself."""

from collections.abc import Iterator

import pytest
import redis

from tests.backend.cache.leaderboards import patient
from tripwire_db.cache import RedisCache


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
