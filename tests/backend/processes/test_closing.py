"""Whoever makes an object closes it; what is shared is not closed under anybody's hands."""

import gc
import threading
from typing import Any

import psycopg
import pytest

from tests.backend.flows.both import opened
from tests.backend.flows.world import World
from tests.support.servers.admin_api import AdminApi
from tripwire_db import AsyncTripwireRepository, PostgresAuth, RedisCache, SupabaseAuth, TripwireRepository


def sessions(url: str, name: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [name]).fetchone()
        assert row is not None
        return int(row[0])


def wait_for_sessions(url: str, name: str, wanted: int) -> None:
    """A server notices that somebody has hung up a moment later."""
    deadline = threading.Event()
    for _ in range(600):
        if sessions(url, name) == wanted:
            return
        deadline.wait(0.05)
    assert sessions(url, name) == wanted


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_closing_a_repository_leaves_auth_and_cache_that_were_handed_in(it: World, redis_url: str, kind: str):
    url = f"{it.url}&application_name=handed-in"
    with PostgresAuth(url, pool_size=1) as auth, RedisCache(redis_url) as cache:
        with opened(kind, it.url, auth=auth, leaderboard_cache=cache) as repository:
            repository.create_manager(email="m@sales.kz", full_name="M")
            repository.get_sales_leaderboard()
        assert sessions(it.url, "handed-in") == 1
        assert cache._loop is not None
    wait_for_sessions(it.url, "handed-in", 0)


def test_closing_what_the_environment_made_closes_its_auth_and_its_cache(it: World, redis_url: str):
    environment = {"TRIPWIRE_DATABASE_URL": f"{it.url}&application_name=from-env", "TRIPWIRE_REDIS_URL": redis_url}
    with TripwireRepository.from_env(environment) as repository:
        repository.create_manager(email="m@sales.kz", full_name="M")
        repository.get_sales_leaderboard()
        cache: Any = repository._cache
        assert cache._loop is not None
        assert sessions(it.url, "from-env") == 2
    assert cache._loop is None
    wait_for_sessions(it.url, "from-env", 0)


async def test_closing_an_async_one_that_the_environment_made_closes_its_auth_too(it: World):
    environment = {"TRIPWIRE_DATABASE_URL": f"{it.url}&application_name=from-env-async"}
    async with AsyncTripwireRepository.from_env(environment) as repository:
        await repository.create_manager(email="m@sales.kz", full_name="M")
    wait_for_sessions(it.url, "from-env-async", 0)


@pytest.mark.parametrize("closed", ["the other repository", "the auth object itself"])
def test_closing_does_not_break_a_call_of_the_auth_service_under_way(it: World, closed: str):
    with AdminApi(it.url) as api, SupabaseAuth(api.url, api.service_role_key) as auth:
        repository = TripwireRepository.connect(it.url, auth=auth)
        other = TripwireRepository.connect(it.url, auth=auth)
        asked, go_on = threading.Event(), threading.Event()

        def hold_the_creation(method: str, _: str) -> None:
            if method == "POST":
                asked.set()
                go_on.wait(60)

        api.decide = hold_the_creation
        outcome: list[Any] = []
        caller = threading.Thread(
            target=lambda: outcome.append(repository.create_manager(email="m@sales.kz", full_name="M"))
        )
        caller.start()
        assert asked.wait(60)
        (other if closed == "the other repository" else auth).close()
        go_on.set()
        caller.join(60)
        repository.close()
        assert [manager.email for manager in outcome] == ["m@sales.kz"]


def test_a_repository_and_an_auth_object_that_nobody_closed_leave_no_connection_behind(it: World):
    url = f"{it.url}&application_name=forgotten"
    repository = TripwireRepository.connect(url, auth=PostgresAuth(url))
    repository.create_manager(email="m@sales.kz", full_name="M")
    assert sessions(it.url, "forgotten") == 2
    del repository
    gc.collect()
    wait_for_sessions(it.url, "forgotten", 0)
