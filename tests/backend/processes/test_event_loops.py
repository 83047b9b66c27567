"""An async repository belongs to the event loop that uses it first, until it is closed; and says so elsewhere."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.backend.flows.world import World
from tripwire_db import AsyncTripwireRepository, PostgresAuth, RedisCache, TripwireError
from tripwire_db.flows.students import list_students

CALLS: dict[str, Callable[[AsyncTripwireRepository], Any]] = {
    "a flow": lambda repository: repository.list_students(),
    "an operation": lambda repository: repository.create_manager(email="x@sales.kz", full_name="X"),
    "a cached answer": lambda repository: repository.get_sales_leaderboard(),
    "a plan": lambda repository: repository.explain(list_students()),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_second_event_loop_is_told_so_with_nothing_done(it: World, redis_url: str, call: Callable[..., Any]):
    with PostgresAuth(it.url) as auth, RedisCache(redis_url) as cache:
        repository = AsyncTripwireRepository.connect(it.url, auth=auth, leaderboard_cache=cache)
        asyncio.run(used(repository.list_students()))
        before = it.dump()
        with pytest.raises(TripwireError, match="open one inside each"):
            asyncio.run(used(call(repository)))
        assert it.dump() == before
        asyncio.run(repository.close())
        asyncio.run(used_and_closed(repository, call))


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_event_loop_that_is_not_asyncios_is_told_so(it: World, redis_url: str, call: Callable[..., Any]):
    with PostgresAuth(it.url) as auth, RedisCache(redis_url) as cache:
        repository = AsyncTripwireRepository.connect(it.url, auth=auth, leaderboard_cache=cache)
        # What runs a coroutine without asyncio, as trio does, begins it so.
        with pytest.raises(TripwireError, match="needs asyncio"):
            call(repository).send(None)
        assert it.count("users") == 0


def test_trio_is_told_so(it: World):
    trio = pytest.importorskip("trio")
    with PostgresAuth(it.url) as auth:
        repository = AsyncTripwireRepository.connect(it.url, auth=auth)
        with pytest.raises(TripwireError, match="needs asyncio"):
            trio.run(repository.list_students)


async def used(call: Any) -> Any:
    return await call


async def used_and_closed(repository: AsyncTripwireRepository, call: Callable[..., Any]) -> None:
    await call(repository)
    await repository.close()
