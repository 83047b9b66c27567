"""The page on connections: its pooler's file and its URLs are tried."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.docs.snippets import DOCS, files_of
from tests.faults.test_standby import standby_of
from tests.support.servers.finding import pgbouncer_program
from tests.support.servers.postgres import Postgres
from tests.support.servers.process import Process, free_port, takes_connections
from tripwire_db import PostgresAuth, TripwireRepository, Unavailable, bootstrap, migrations
from tripwire_db.embedded import Cluster, scratch_cluster

PAGE = "how-to/backend/connections.md"


@pytest.fixture
def pooled_url(postgres: Postgres, database_url: str) -> Iterator[str]:
    """The page's pooler before a server of the tests."""
    port = free_port()
    with psycopg.connect(database_url) as connection:
        database = connection.info.dbname
    written = files_of(PAGE)["pgbouncer.ini"]
    for stands, here in {
        "course = host=DATABASE_HOST port=5432": f"course = host={postgres.host} port={postgres.port} dbname={database}",
        "listen_port = 6432": f"listen_port = {port}",
    }.items():
        assert stands in written
        written = written.replace(stands, here)
    with Process("pgbouncer") as process:
        process.write("users.txt", '"postgres" ""\n')
        process.start(
            [pgbouncer_program(), process.write("pgbouncer.ini", written)],
            env={},
            ready=lambda: takes_connections(port),
        )
        yield f"postgresql://postgres@127.0.0.1:{port}/course"


@pytest.mark.parametrize("told", [True, None])
def test_through_the_page_s_pooler_many_threads_share_few_connections(
    pooled_url: str, database_url: str, told: bool | None
) -> None:
    with (
        PostgresAuth(pooled_url) as auth,
        TripwireRepository.connect(pooled_url, auth=auth, pool_size=30, transaction_pooler=told) as repository,
        ThreadPoolExecutor(30) as threads,
    ):
        manager_id = repository.create_manager(email="dana@sales.kz", full_name="Dana").user_id
        counts = list(threads.map(lambda _: len(repository.list_lessons()), range(300)))
        with psycopg.connect(database_url) as looking:
            query = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""
            (connections,) = looking.execute(query).fetchone() or (None,)
        assert repository.get_manager_stats(manager_id=manager_id).total_students == 0
    assert counts == [3] * 300
    assert 1 <= connections <= 5


def test_a_server_that_does_not_encrypt_is_refused_where_the_url_asks_for_it(pooled_url: str) -> None:
    url = f"{pooled_url}?sslmode=require"
    with (
        PostgresAuth(url) as auth,
        TripwireRepository.connect(url, auth=auth) as repository,
        pytest.raises(Unavailable, match="takes no encrypted connections") as refused,
    ):
        repository.list_lessons()
    assert refused.value.applied is False


@pytest.fixture
def primary() -> Iterator[Cluster]:
    with scratch_cluster(settings={"fsync": False, "synchronous_commit": True}) as primary:
        yield primary


@pytest.mark.heavy
def test_reports_come_from_the_replica_and_after_a_failover_the_same_repository_goes_on_with_all_that_was_acknowledged(
    primary: Cluster,
) -> None:
    assert "?target_session_attrs=read-write" in (DOCS / PAGE).read_text(encoding="utf-8")
    url = primary.create_database("course")
    bootstrap(url)
    migrations.upgrade(url, quiet=True)
    with standby_of(primary) as standby:
        hosts = f"host={primary.socket_dir},{standby.socket_dir}&port={primary.port},{standby.port}"
        both = f"postgresql://postgres@/course?{hosts}&target_session_attrs=read-write"
        with PostgresAuth(both) as auth, TripwireRepository.connect(both, auth=auth) as repository:
            manager_id = repository.create_manager(email="dana@sales.kz", full_name="Dana").user_id
            with TripwireRepository.connect(url, auth=auth, reports_url=standby.url("course")) as reading:
                deadline = time.monotonic() + 60
                while not reading.get_sales_leaderboard():
                    assert time.monotonic() < deadline, "the replica never shows the manager"
                    time.sleep(0.05)  # what a replica has applied is announced by nothing
            primary.stop("immediate")
            with psycopg.connect(standby.url(), autocommit=True) as session:
                session.execute("SELECT pg_promote(true, 120)")
            student = repository.create_tripwire_user(email="a@course.kz", full_name="A", manager_id=manager_id)
            assert student.created
            assert repository.get_manager_stats(manager_id=manager_id).total_students == 1
