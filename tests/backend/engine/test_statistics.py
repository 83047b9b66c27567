"""The server's own statistics tell flows and applications apart."""

from collections.abc import Iterator

import psycopg
import pytest

from tripwire_db import PostgresAuth, TripwireRepository, bootstrap, migrations
from tripwire_db.embedded import scratch_cluster


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with scratch_cluster(settings={"shared_preload_libraries": "pg_stat_statements"}) as cluster:
        url = cluster.create_database("course")
        bootstrap(url)
        migrations.upgrade(url, quiet=True)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements SCHEMA public")
        yield url


def test_pg_stat_statements_tells_flows_apart_and_sessions_have_a_name(url: str):
    with PostgresAuth(url) as auth, TripwireRepository.connect(url, auth=auth) as repository:
        manager = repository.create_manager(email="m@sales.kz", full_name="M")
        student = repository.create_tripwire_user(email="s@course.kz", full_name="S", manager_id=manager.user_id)
        for _ in range(3):
            repository.get_student(user_id=student.user_id)
        repository.list_lessons()
        with psycopg.connect(url) as connection:
            found = connection.execute(
                r"SELECT substring(query FROM 'tripwire:([\w.]+)'), sum(calls)::int FROM pg_stat_statements"
                " WHERE query LIKE '%/* tripwire:%' GROUP BY 1"
            )
            calls = dict(found.fetchall())
            named = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tripwire-db'")
            assert named.fetchone() >= (1,)
    assert (calls["get_student"], calls["list_lessons"], calls["create_tripwire_user"]) == (3, 1, 1)
