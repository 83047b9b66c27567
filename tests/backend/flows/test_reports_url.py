"""The four sales functions may run elsewhere, and nothing else does; what is given comes before the environment."""

import pickle
from typing import Any

import psycopg
import pytest

from tests.backend.flows.both import opened
from tests.backend.flows.world import World
from tests.support.servers.process import free_port
from tripwire_db import (
    AsyncTripwireRepository,
    InvalidInput,
    PostgresAuth,
    TripwireError,
    TripwireRepository,
    Unavailable,
    settings,
    validation,
)
from tripwire_db.engine import retry

SALES: dict[str, dict[str, Any]] = {
    "get_sales_leaderboard": {},
    "get_sales_chart_data": {},
    "get_manager_stats": {},
    "get_manager_activity": {"manager_id": "00000000-0000-0000-0000-000000000000"},
}


def named(url: str, name: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}application_name={name}"


def sessions(url: str, name: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [name])
        return int(found.fetchone()[0])  # type: ignore[index]


@pytest.mark.parametrize("method", SALES)
def test_a_sales_function_runs_where_reports_are_read(it: World, kind: str, method: str):
    main, reports = f"main-{kind}-{method}", f"reports-{kind}-{method}"
    with (
        PostgresAuth(it.url) as auth,
        opened(kind, named(it.url, main), auth=auth, reports_url=named(it.url, reports)) as repository,
    ):
        getattr(repository, method)(**SALES[method])
        assert (sessions(it.url, main), sessions(it.url, reports)) == (0, 1)


def test_while_reports_are_away_sales_are_unavailable_and_all_else_works(
    it: World, kind: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(retry, "RETRY_WINDOW_SECONDS", 0.1)
    away = f"postgresql://app@127.0.0.1:{free_port()}/course"
    with PostgresAuth(it.url) as auth, opened(kind, it.url, auth=auth, reports_url=away) as repository:
        for method, arguments in SALES.items():
            with pytest.raises(Unavailable) as raised:
                getattr(repository, method)(**arguments)
            assert raised.value.applied is False
        manager = repository.create_manager(email="m@sales.kz", full_name="M")
        student = repository.create_tripwire_user(email="s@course.kz", full_name="S", manager_id=manager.user_id)
        assert repository.get_student(user_id=student.user_id).student.email == "s@course.kz"


def test_inside_the_callers_transaction_reports_are_read_there(it: World):
    away = f"postgresql://app@127.0.0.1:{free_port()}/course"
    with (
        PostgresAuth(it.url) as auth,
        TripwireRepository.connect(it.url, auth=auth, reports_url=away) as repository,
        psycopg.connect(it.url) as connection,
    ):
        assert repository.within(connection).get_manager_stats().total_students == 0


@pytest.mark.parametrize("repository", [TripwireRepository, AsyncTripwireRepository])
async def test_an_argument_of_from_env_comes_before_the_environment(repository: Any, it: World):
    environment = {
        "TRIPWIRE_DATABASE_URL": it.url,
        "TRIPWIRE_POOL_SIZE": "7",
        "TRIPWIRE_REPORTS_URL": named(it.url, "reports"),
        "TRIPWIRE_REDIS_URL": "redis://127.0.0.1:1/0",
    }

    async def close(opened: Any) -> None:
        closing = opened.close()
        if repository is AsyncTripwireRepository:
            await closing

    told = repository.from_env(environment)
    assert (told._database._pool_size, told._reports._pool_size) == (7, 7)
    assert told._cache is not None
    assert len(told._made_here) == 2
    await close(told)
    with PostgresAuth(it.url) as auth:
        given = repository.from_env(environment, auth=auth, pool_size=3, reports_url=None, leaderboard_cache=None)
        assert given._database._pool_size == 3
        assert given._reports is None
        assert given._cache is None
        assert given._made_here == ()
        await close(given)


def test_the_environment_allows_the_pools_that_an_argument_does():
    assert settings.MAX_POOL_SIZE == validation.MAX_POOL_SIZE


@pytest.mark.parametrize("size", ["0", "1001", "-1", "ten", "1e1", "٣", "7.0"])
def test_a_pool_size_that_cannot_be_right_is_refused_by_name(size: str):
    with pytest.raises(InvalidInput, match="TRIPWIRE_POOL_SIZE"):
        TripwireRepository.from_env({"TRIPWIRE_DATABASE_URL": "postgresql:///course", "TRIPWIRE_POOL_SIZE": size})


def test_a_repository_that_is_pickled_says_what_to_do_instead(it: World, kind: str):
    inner = it.repository if kind == "sync" else it.repository.inner
    with pytest.raises(TripwireError, match="in each process"):
        pickle.dumps(inner)
