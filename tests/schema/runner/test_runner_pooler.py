"""A transaction pooler is no place for migrations: it is recognised, refused, and left as it was."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.schema.runner.chain import Chain
from tests.support.servers.pgbouncer import PgBouncer
from tests.support.servers.postgres import Postgres


@pytest.fixture
def pooled(make_database: Callable[..., str], tmp_path: Path) -> Chain:
    chain = Chain.make(tmp_path, make_database(migrated=None))
    chain.add("CREATE TABLE public.a ()")
    return chain


def _name(chain: Chain) -> str:
    return str(conninfo_to_dict(chain.url)["dbname"])


def test_pgbouncer_in_transaction_mode_is_refused_and_nothing_is_left_behind(
    pooled: Chain, pgbouncer: PgBouncer
) -> None:
    result = pooled.run("upgrade", "head", url=pgbouncer.url(_name(pooled)))

    assert result.code != 0
    assert "is a transaction pooler: its connections share server sessions" in result.out
    assert "Set TRIPWIRE_MIGRATIONS_URL to a direct connection" in result.out
    assert "Traceback" not in result.said
    assert pooled.query("SELECT FROM pg_namespace WHERE nspname = 'tripwire'") == []
    locks = "SELECT FROM pg_locks JOIN pg_database d ON d.oid = database AND d.datname = current_database()"
    assert pooled.query(f"{locks} WHERE locktype = 'advisory' AND classid = 1953655152") == []
    with psycopg.connect(pgbouncer.url(_name(pooled)), autocommit=True, prepare_threshold=None) as later:
        assert later.execute("SELECT current_setting('tripwire.probe', true)").fetchone() in [(None,), ("",)]


def test_it_is_recognised_while_other_clients_are_busy(pooled: Chain, pgbouncer: PgBouncer) -> None:
    url = pgbouncer.url(_name(pooled))
    busy = [psycopg.connect(url, prepare_threshold=None) for _ in range(2)]
    for connection in busy:
        connection.execute("SELECT 1")
    try:
        assert "is a transaction pooler" in pooled.run("upgrade", "head", url=url).out
    finally:
        for connection in busy:
            connection.close()


@pytest.fixture
def session_pooler(postgres: Postgres, tmp_path: Path) -> Iterator[PgBouncer]:
    from tests.support.servers import pgbouncer as module

    with module.pgbouncer(postgres.cluster.socket_dir, postgres.port, pool_mode="session") as server:
        yield server


def test_a_session_pooler_is_as_good_as_a_direct_connection(pooled: Chain, session_pooler: PgBouncer) -> None:
    result = pooled.run("upgrade", "head", url=session_pooler.url(_name(pooled)))
    assert result.code == 0, result
    assert pooled.at() == pooled.revision(1)


def test_supabase_s_transaction_port_is_refused_without_connecting(pooled: Chain) -> None:
    url = "postgresql://postgres.abc:hidden@aws-0-eu-central-1.pooler.supabase.invalid:6543/postgres"
    result = pooled.run("upgrade", "head", url=url)
    assert result.code != 0
    assert "port 6543 is Supabase's transaction pooler" in result.out
    assert "TRIPWIRE_MIGRATIONS_URL" in result.out
    assert "hidden" not in result.said


def test_an_application_url_that_is_said_to_be_a_transaction_pooler_is_refused(pooled: Chain) -> None:
    told = {"TRIPWIRE_POOLER": "transaction"}
    refused = pooled.run("upgrade", "head", url="", TRIPWIRE_DATABASE_URL=pooled.url, **told)
    assert refused.code != 0
    assert "TRIPWIRE_POOLER=transaction says that it is one" in refused.out

    assert pooled.run("upgrade", "head", TRIPWIRE_DATABASE_URL="postgresql://pooler:1/x", **told).code == 0
