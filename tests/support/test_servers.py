"""The servers of the tests themselves: each one answers, and each test's database is its own."""

import urllib.request
from collections.abc import Callable

import psycopg
import redis

from tests.support.servers.pgbouncer import PgBouncer
from tests.support.servers.postgres import Postgres
from tests.support.servers.postgrest import PostgREST
from tests.support.servers.redis import Redis
from tripwire_db import migrations

MakeDatabase = Callable[..., str]


def scalar(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        return connection.execute(query).fetchone()[0]


def test_each_version_gives_a_migrated_database(make_database: MakeDatabase, major: int):
    url = make_database(server=major)
    assert scalar(url, "SELECT current_setting('server_version_num')::int / 10000") == major
    assert migrations.current(url) == migrations.heads()[0]


def test_each_test_has_a_database_of_its_own(make_database: MakeDatabase):
    one, other = make_database(migrated=False), make_database(migrated=False)
    assert scalar(one, "SELECT current_database()") != scalar(other, "SELECT current_database()")


def test_postgrest_serves_the_schema(database_url: str, make_postgrest: Callable[[str], PostgREST]):
    server = make_postgrest(database_url)
    request = urllib.request.Request(
        f"{server.url}/modules?select=id", headers={"Authorization": f"Bearer {server.token('service_role')}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert b"16" in answer.read()


def test_pgbouncer_lends_a_session_for_one_transaction_only(
    pgbouncer: PgBouncer, postgres: Postgres, empty_database_url: str
):
    name = str(scalar(empty_database_url, "SELECT current_database()"))
    url = pgbouncer.url(name)
    with (
        psycopg.connect(url, autocommit=True, prepare_threshold=None) as one,
        psycopg.connect(url, prepare_threshold=None) as other,
    ):
        before = one.execute("SELECT pg_backend_pid()").fetchone()
        other.execute("SELECT 1")  # holds that server connection in a transaction
        assert one.execute("SELECT pg_backend_pid()").fetchone() != before


def test_redis_answers(redis_server: Redis):
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.ping()
