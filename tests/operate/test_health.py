"""`health`: each thing that can be wrong is planted once, and the check whose business it is says so."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.cli.conftest import run_command
from tests.operate.rows import all_rows
from tests.support.servers.finding import postgres_bin
from tests.support.servers.redis import Redis
from tests.support.servers.versions import versions
from tripwire_db import migrations
from tripwire_db.embedded import Cluster, scratch_cluster
from tripwire_db.operate import Check, Limits, health
from tripwire_db.operate.health import names
from tripwire_db.schema.bootstrap import bootstrap

CALM = Limits()


@pytest.fixture(scope="module", params=versions(15, 17, 18))
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A server of these tests' own: slots, locks and connections of others would be found, too."""
    with scratch_cluster(postgres_bin(request.param)) as running:
        template = running.create_database("template_of_health")
        bootstrap(template)
        migrations.upgrade(template, quiet=True)
        yield running


@pytest.fixture
def database_url(cluster: Cluster) -> str:
    return cluster.create_database(f"course_{uuid4().hex[:12]}", template="template_of_health")


def checked(url: str, limits: Limits = CALM, **more: str) -> dict[str, Check]:
    return {check.name: check for check in health({"TRIPWIRE_DATABASE_URL": url, **more}, limits=limits)}


def not_good(checks: dict[str, Check]) -> set[str]:
    return {check.name for check in checks.values() if check.outcome != "good"}


@contextmanager
def session(url: str, *, autocommit: bool = True) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, autocommit=autocommit) as connection:
        yield connection


def test_a_fresh_database_is_well_and_stays_as_it_is(database_url: str) -> None:
    before = all_rows(database_url)

    found = checked(database_url)

    assert list(found) == list(names())
    assert not_good(found) == set()
    assert all_rows(database_url) == before


PLANTED = {
    "revision": "UPDATE tripwire.alembic_version SET version_num = '20261119090000'",
    "version tables": "CREATE TABLE public.alembic_version (version_num text)",
    "event triggers": "ALTER EVENT TRIGGER pgrst_watch DISABLE",
    "invalid indexes": "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.idx_users_role'::regclass",
    "sequences": "SELECT setval('tripwire.certificate_number_seq', 9000000000000000000)",
    "doctor": "INSERT INTO auth.users (id, email) VALUES ('00000000-0000-0000-0000-000000000001', 'a@example.kz');"
    " INSERT INTO public.tripwire_users (user_id, email, full_name)"
    " VALUES ('00000000-0000-0000-0000-000000000001', 'a@example.kz', 'A')",
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_seen(database_url: str, name: str) -> None:
    with session(database_url) as connection:
        connection.execute(PLANTED[name].encode())

    found = checked(database_url)

    assert found[name].outcome == "failed"
    assert not_good(found) <= {name, "doctor"}  # which tells invalid indexes, too


def test_supabases_account_of_migrations_that_disagrees_is_seen(database_url: str) -> None:
    with session(database_url) as connection:
        connection.execute("CREATE SCHEMA supabase_migrations")
        connection.execute("CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY)")

    assert (
        "supabase_migrations disagrees with Alembic about 20261101090000"
        in checked(database_url)["version tables"].detail
    )


def test_an_index_that_nobody_uses_and_one_that_is_bloated_are_warnings(database_url: str) -> None:
    with session(database_url) as connection:
        connection.execute("CREATE TABLE public.wide (id int, filler text) WITH (autovacuum_enabled = false)")
        connection.execute("CREATE INDEX idx_wide ON public.wide (filler)")
        connection.execute(
            "INSERT INTO public.wide SELECT n, repeat(md5(n::text), 4) FROM generate_series(1, 20000) AS n"
        )
        connection.execute("DELETE FROM public.wide WHERE id % 100 <> 0")
        connection.execute("VACUUM ANALYZE public.wide")
        limits = Limits(unused_index_bytes=10**6, bloated_index_bytes=10**6, dead_rows=10**9)

    found = checked(database_url, limits)

    assert not_good(found) == {"unused indexes", "bloated indexes"}
    assert {found[name].outcome for name in not_good(found)} == {"warning"}
    assert all(found[name].detail.startswith("idx_wide (") for name in not_good(found))


def test_dead_rows_are_a_warning(database_url: str) -> None:
    with session(database_url) as connection:
        connection.execute("CREATE TABLE public.dead (id int) WITH (autovacuum_enabled = false)")
        connection.execute("INSERT INTO public.dead SELECT generate_series(1, 12000)")
        connection.execute("DELETE FROM public.dead WHERE id > 100")
        connection.execute("SELECT pg_stat_force_next_flush()")
        connection.execute("SELECT 1")

    assert checked(database_url)["dead rows"] == Check("dead rows", "warning", "dead (11900 dead, 100 live)")


def test_an_open_transaction_and_a_wait_for_a_lock_are_seen(database_url: str) -> None:
    with session(database_url, autocommit=False) as holder, session(database_url, autocommit=False) as waiter:
        pid = holder.info.backend_pid
        holder.execute("LOCK TABLE public.lessons IN SHARE MODE")
        waiting = threading.Thread(target=waiter.execute, args=("LOCK TABLE public.lessons IN ROW EXCLUSIVE MODE",))
        waiting.start()
        with session(database_url) as looker:
            deadline = time.monotonic() + 60
            while not looker.execute(
                "SELECT 1 FROM pg_locks WHERE NOT granted AND pid = %s", (waiter.info.backend_pid,)
            ).fetchone():
                assert time.monotonic() < deadline
                time.sleep(0.02)

        found = checked(database_url, Limits(transaction_seconds=0, lock_seconds=0))
        holder.rollback()
        waiting.join()

    assert not_good(found) == {"oldest transaction", "locks"}
    assert f"pid {pid}, open for" in found["oldest transaction"].detail
    assert found["locks"].detail.endswith(f"for pid {pid}")


def test_connections_and_wraparound_are_told_by_their_part(database_url: str) -> None:
    found = checked(database_url, Limits(connections=0.0, wraparound=0.0))

    assert not_good(found) == {"connections", "wraparound"}


def test_a_slot_that_nobody_uses_is_seen(database_url: str) -> None:
    with session(database_url) as connection, ExitStack() as stack:
        connection.execute("SELECT pg_create_physical_replication_slot('forgotten', true)")
        stack.callback(connection.execute, "SELECT pg_drop_replication_slot('forgotten')")

        found = checked(database_url)

    assert found["replication slots"].detail == "forgotten is used by nobody and keeps WAL"


def test_redis_and_auth_are_asked(database_url: str, redis_server: Redis) -> None:
    assert checked(database_url, TRIPWIRE_REDIS_URL=redis_server.url)["redis"] == Check("redis", "good", "answers")
    away = {
        "TRIPWIRE_REDIS_URL": "redis://127.0.0.1:1/0",
        "TRIPWIRE_SUPABASE_URL": "http://127.0.0.1:1",
        "TRIPWIRE_SERVICE_ROLE_KEY": "secret",
    }

    found = checked(database_url, **away)

    assert not_good(found) == {"auth", "redis"}
    assert not any("secret" in check.detail for check in found.values())


def test_a_database_that_is_away_is_one_line() -> None:
    found = checked("postgresql://nobody@127.0.0.1:1/course")

    assert [check.outcome for check in found.values()] == ["failed"]


def test_the_command_ends_with_1_where_a_check_failed(database_url: str) -> None:
    well = run_command("health", url=database_url)
    with session(database_url) as connection:
        connection.execute("ALTER EVENT TRIGGER pgrst_watch DISABLE")
    ill = run_command("health", "--json", url=database_url)

    assert (well.code, len(well.out.splitlines())) == (0, len(list(names())))
    assert (ill.code, ill.json["healthy"]) == (1, False)
    assert [check["name"] for check in ill.json["checks"] if check["outcome"] == "failed"] == ["event triggers"]
