"""What a role, a database or a pooler has set up for sessions does not reach into a migration."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.schema.runner.chain import ROOT, WAIT_AT_GATE, Chain, eventually
from tests.support.servers.pgbouncer import pgbouncer
from tests.support.servers.proxy import Proxy
from tripwire_db.schema.bootstrap import BootstrapRefused, bootstrap

_MIGRATING = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'tripwire-db%'"
)


@pytest.fixture
def role(url: str) -> Iterator[str]:
    """A superuser of the test's own, so that its settings are nobody else's."""
    name = str(conninfo_to_dict(url)["dbname"])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} SUPERUSER LOGIN").format(sql.Identifier(name)))
        yield name
        connection.execute(sql.SQL("REASSIGN OWNED BY {} TO postgres").format(sql.Identifier(name)))
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def _with(chain: Chain, role: str, **settings: str) -> Chain:
    """The chain as that role migrates it, with these settings of its own."""
    for name, value in settings.items():
        chain.execute(f"ALTER ROLE {role} SET {name} = '{value}'")
    return Chain(chain.folder, make_conninfo(chain.url, user=role), chain.count)


def test_time_outs_of_the_role_end_no_session_in_a_pause(chain: Chain, role: str, server: int) -> None:
    limits = {"idle_session_timeout": "300ms", "idle_in_transaction_session_timeout": "300ms"}
    if server >= 17:
        limits["transaction_timeout"] = "300ms"
    chain.execute("CREATE TABLE public.gate ()")
    chain.add("CREATE TABLE public.first ()", WAIT_AT_GATE)
    by_role = _with(chain, role, **limits)
    deployer = by_role.start("upgrade", "head")
    pid = chain.wait_for_statement("public.gate) LOOP")
    # Everybody has stood idle for longer than they may once this is seen.
    eventually(
        lambda: chain.query(
            f"SELECT 1 FROM pg_stat_activity WHERE pid = {pid} AND clock_timestamp() - xact_start > '700ms'"
        )
    )
    chain.execute("INSERT INTO public.gate DEFAULT VALUES")
    result = deployer.finish()
    assert result.code == 0, result
    assert "connection lost" not in result.err


def test_after_both_connections_are_lost_the_locks_are_taken_again_and_the_revision_runs_again(
    chain: Chain, make_proxy: Callable[[str], Proxy]
) -> None:
    chain.execute("CREATE TABLE public.gate ()")
    chain.add("CREATE TABLE public.first ()", WAIT_AT_GATE)
    proxy = make_proxy(chain.url)
    deployer = chain.start("upgrade", "head", url=proxy.url)
    lost = chain.wait_for_statement("public.gate) LOOP")
    proxy.cut_all()

    eventually(lambda: chain.wait_for_statement("public.gate) LOOP") != lost)
    holders = (
        "SELECT objid::int FROM pg_locks JOIN pg_database d ON d.oid = database AND d.datname = current_database()"
    )
    assert sorted(chain.query(f"{holders} WHERE locktype = 'advisory' AND classid = 1953655152")) == [(1,), (2,)]
    chain.execute("INSERT INTO public.gate DEFAULT VALUES")
    result = deployer.finish()

    assert result.code == 0, result
    assert "upgrade 20260101000000: connection lost; rolled back. Attempt 2 of 10" in result.err
    assert "Traceback" not in result.said


def test_a_session_that_was_ended_in_a_pause_is_opened_again(chain: Chain) -> None:
    chain.execute("CREATE TABLE public.a ()")
    chain.add("ALTER TABLE public.a ADD COLUMN x int")
    blocker = psycopg.connect(chain.url)
    blocker.execute("LOCK TABLE public.a IN ACCESS SHARE MODE")
    deployer = chain.start("-x", "lock-timeout=300ms", "upgrade", "head")
    assert deployer.process.stderr is not None
    next(line for line in deployer.process.stderr if "Attempt 3 of 10" in line)
    eventually(
        lambda: chain.query(
            f"SELECT pg_terminate_backend(pid) FROM ({_MIGRATING} AND state = 'idle' AND query = 'ROLLBACK') AS s"
        )
    )
    next(line for line in deployer.process.stderr if "connection lost" in line)
    blocker.close()
    result = deployer.finish()
    assert result.code == 0, result
    assert chain.at() == chain.revision(1)
    assert "Traceback" not in result.said


def test_a_server_that_stays_away_ends_in_one_message(chain: Chain, make_proxy: Callable[[str], Proxy]) -> None:
    chain.execute("CREATE TABLE public.gate ()")
    chain.add("CREATE TABLE public.first ()", WAIT_AT_GATE)
    proxy = make_proxy(chain.url)
    deployer = chain.start("-x", "lock-attempts=2", "upgrade", "head", url=proxy.url)
    chain.wait_for_statement("public.gate) LOOP")
    proxy.refuse(100)
    proxy.cut_all()
    result = deployer.finish()
    assert result.code != 0
    assert "connection lost, 2 times." in result.out
    assert "Where the database stands could not be asked" in result.out
    assert "Traceback" not in result.said


def test_an_index_at_work_when_the_connection_was_lost_is_not_built_again_unasked(chain: Chain) -> None:
    chain.execute("CREATE TABLE public.gate ()")
    chain.add(WAIT_AT_GATE, "CREATE INDEX CONCURRENTLY gate_x ON public.gate ((1))", concurrent=True)
    deployer = chain.start("upgrade", "head")
    pid = chain.wait_for_statement("public.gate) LOOP")
    chain.execute(f"SELECT pg_terminate_backend({pid})")
    result = deployer.finish()
    assert result.code != 0
    assert "An index may be half built (INVALID)" in result.out
    assert "Traceback" not in result.said


def test_what_the_role_says_of_encoding_and_names_is_not_what_a_revision_meets(chain: Chain, role: str) -> None:
    chain.add(
        "CREATE TABLE public.names AS SELECT 'Әсел'::text AS name, current_setting('client_encoding') AS encoding, "
        "current_setting('quote_all_identifiers') AS quoted, current_setting('transaction_isolation') AS isolation"
    )
    by_role = _with(
        chain, role, client_encoding="LATIN1", quote_all_identifiers="on", default_transaction_isolation="serializable"
    )
    result = by_role.upgrade()
    assert result.code == 0, result
    assert chain.query("SELECT * FROM public.names") == [("Әсел", "UTF8", "off", "read committed")]


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_of_another_encoding_is_refused_before_anything_runs(url: str, encoding: str) -> None:
    name = f"{conninfo_to_dict(url)['dbname']}_{encoding.lower()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
        try:
            other = make_conninfo(url, dbname=name)
            with pytest.raises(BootstrapRefused, match=f"encoding {encoding}"):
                bootstrap(other)
            result = Chain(ROOT, other).upgrade()
            assert result.code != 0
            assert f"This database has the encoding {encoding}" in result.out
            with psycopg.connect(other) as look:
                made = look.execute("SELECT FROM pg_namespace WHERE nspname IN ('tripwire', 'auth')").fetchall()
            assert made == []
        finally:
            connection.execute(f"DROP DATABASE {name}")


@pytest.mark.parametrize("setting", ["session_replication_role", "event_triggers"])
@pytest.mark.parametrize("superuser", [True, False])
def test_a_role_whose_settings_silence_event_triggers_still_tells_postgrest(
    chain: Chain, role: str, server: int, setting: str, superuser: bool
) -> None:
    chain.execute(
        "CREATE FUNCTION public.pgrst_watch() RETURNS event_trigger LANGUAGE plpgsql AS "
        """$$ BEGIN PERFORM pg_notify('pgrst', 'reload schema'); END $$;"""
        "CREATE EVENT TRIGGER pgrst_watch ON ddl_command_end EXECUTE FUNCTION public.pgrst_watch();"
        f"GRANT CREATE ON DATABASE {role} TO {role}; GRANT CREATE ON SCHEMA public TO {role};"
    )
    if not superuser:
        chain.execute(f"ALTER ROLE {role} NOSUPERUSER")
    if server < 17 and setting == "event_triggers":
        with pytest.raises(psycopg.errors.UndefinedObject):  # PostgreSQL 17 brought it
            _with(chain, role, event_triggers="off")
        setting = "session_replication_role"
    silent = {"session_replication_role": "replica", "event_triggers": "off"}[setting]
    by_role = _with(chain, role, **{setting: silent})
    by_role.add("CREATE TABLE public.shown ()")
    with chain.connect() as listener:
        listener.execute("LISTEN pgrst")
        result = by_role.upgrade()
        told = [notify.payload for notify in listener.notifies(timeout=30, stop_after=1)]
    assert result.code == 0, result
    assert told == ["reload schema"]
    assert ("This role may not change its " + setting in result.err) is not superuser
    chain.execute(f"DROP OWNED BY {role}")


def test_a_session_pooler_without_a_session_left_is_no_transaction_pooler(chain: Chain) -> None:
    chain.add("CREATE TABLE public.a ()")
    server = conninfo_to_dict(chain.url)
    with pgbouncer(Path(str(server["host"])), int(str(server["port"])), pool_mode="session", pool_size=2) as pooler:
        result = chain.run("upgrade", "head", url=pooler.url(str(server["dbname"])))
    assert result.code == 0, result
    assert chain.at() == chain.revision(1)


def test_a_pooler_that_lends_no_session_is_told_from_one_that_is_away(chain: Chain) -> None:
    chain.add("CREATE TABLE public.a ()")
    server = conninfo_to_dict(chain.url)
    with pgbouncer(Path(str(server["host"])), int(str(server["port"])), pool_mode="session", pool_size=1) as pooler:
        result = chain.run("upgrade", "head", url=f"{pooler.url(str(server['dbname']))}?connect_timeout=2")
    assert result.code != 0
    assert "a pooler that has no server session left" in result.out
    assert chain.query("SELECT FROM pg_namespace WHERE nspname = 'tripwire'") == []
