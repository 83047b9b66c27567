"""A revision ends no transaction, leaves no settings behind, and a run never says that nothing was changed when something was."""

import pytest

from tests.schema.runner.chain import Chain

RAW = "raw = op.get_bind().connection.dbapi_connection\n"


@pytest.mark.parametrize(
    "statement",
    [
        "COMMIT",
        "COMMIT AND CHAIN",
        "commit work",
        "SELECT 1; /* soon */ END",
        "ROLLBACK AND CHAIN",
        "ABORT",
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
        "START TRANSACTION",
        "PREPARE TRANSACTION 'x'",
    ],
)
def test_a_statement_that_ends_or_begins_a_transaction_is_refused_before_it_runs(chain: Chain, statement: str) -> None:
    chain.add("CREATE TABLE public.a ()", statement, "SELECT 1")

    result = chain.upgrade()

    assert result.code != 0
    assert f"upgrade 20260101000000 says {statement.rpartition('; /* soon */ ')[2]}: the runner makes" in result.out
    assert "as before; nothing was changed" in result.out
    assert chain.tables() == set()


@pytest.mark.parametrize(
    "statement",
    [
        "SET session_replication_role = replica",
        "RESET ALL",
        "SET SESSION statement_timeout = '1h'",
        "SET ROLE anyone",
        "DISCARD ALL",
        "DO $$ BEGIN IF true THEN SET work_mem = '64kB'; END IF; END $$",
    ],
)
def test_a_statement_whose_setting_outlives_the_revision_is_refused_before_it_runs(
    chain: Chain, statement: str
) -> None:
    chain.add("CREATE TABLE public.a ()", statement)

    result = chain.upgrade()

    assert result.code != 0
    assert "that would reach the revisions after it. Write SET LOCAL" in result.out
    assert "as before; nothing was changed" in result.out
    assert chain.tables() == set()


def test_savepoints_local_settings_and_functions_in_standard_sql_are_nobody_s_business(chain: Chain) -> None:
    chain.add(
        "SAVEPOINT a; SET LOCAL work_mem = '64kB'; ROLLBACK TO SAVEPOINT a; RELEASE a",
        "SET CONSTRAINTS ALL DEFERRED",
        "CREATE FUNCTION public.f(n int) RETURNS int LANGUAGE sql BEGIN ATOMIC"
        " SELECT CASE WHEN n > 0 THEN n ELSE 0 END; SELECT 2; END; COMMENT ON FUNCTION public.f IS E'it\\'s; COMMIT;'",
        "DO $$ BEGIN SET LOCAL work_mem = '64kB'; BEGIN PERFORM 1; END; END $$",
    )

    result = chain.upgrade()

    assert result.code == 0, result


def test_a_setting_put_together_at_run_time_stops_the_run_after_its_revision_and_that_is_said(chain: Chain) -> None:
    chain.add("DO $$ BEGIN EXECUTE 'SET session_replication_role' || ' = replica'; END $$")
    chain.add("CREATE TABLE public.a ()")

    result = chain.upgrade()

    assert result.code != 0
    assert "upgrade 20260101000000 is committed and leaves settings in the session" in result.out
    assert "session_replication_role = replica" in result.out
    assert "The database is at 20260101000000; 1 of 2 revisions were finished and stay" in result.out
    assert "nothing was changed" not in result.out
    assert chain.tables() == set()


def test_a_role_taken_through_the_driver_stops_the_run(chain: Chain) -> None:
    chain.add(body=RAW + "raw.execute('SET ' + 'ROLE pg_monitor')\nraw.execute('SELECT 1')")
    chain.add("CREATE TABLE public.a ()")
    # Alembic writes its version as that role, so it must be allowed to.
    chain.execute("CREATE SCHEMA tripwire; CREATE TABLE tripwire.alembic_version (version_num varchar(32) PRIMARY KEY)")
    chain.execute("GRANT USAGE ON SCHEMA tripwire TO pg_monitor; GRANT ALL ON tripwire.alembic_version TO pg_monitor")

    result = chain.upgrade()

    assert result.code != 0
    assert "leaves settings in the session that would reach the revisions after it: role = pg_monitor" in result.out
    assert chain.tables() == set()


def test_a_frozen_revision_that_says_why_has_its_settings_put_back(chain: Chain) -> None:
    chain.add("SET session_replication_role = replica; SELECT set_config('work_mem', '64kB', false)")
    path = next((chain.folder / "alembic" / "versions").glob("*.py"))
    path.write_text(path.read_text() + '\n\nLINT = {"session-settings": "written by pg_dump, and merged long ago"}\n')
    chain.add(
        "CREATE TABLE public.seen AS SELECT current_setting('session_replication_role') AS role,"
        " current_setting('work_mem') AS memory"
    )

    result = chain.upgrade()

    assert result.code == 0, result
    ((role, memory),) = chain.query("SELECT * FROM public.seen")
    assert (role, memory != "64kB") == ("origin", True)


@pytest.mark.parametrize(
    "statement",
    [
        'SET LOCAL "lock_timeout" = 0',
        "SET LOCAL lock_timeout TO '1h'",
        "DO $$ BEGIN EXECUTE 'SET LOCAL lock_' || 'timeout = 0'; END $$",
        "SELECT set_config('lock_timeout', '61s', true)",
    ],
)
def test_a_revision_that_waits_for_locks_without_a_limit_is_rolled_back(chain: Chain, statement: str) -> None:
    chain.add("CREATE TABLE public.a ()", statement)

    result = chain.upgrade()

    assert result.code != 0
    assert "upgrade 20260101000000 sets lock_timeout to" in result.out
    assert "as before; nothing was changed" in result.out
    assert chain.tables() == set()


@pytest.mark.parametrize("ending", ["raw.commit()", "raw.execute('COMMIT AND CHAIN')"])
def test_a_revision_that_commits_past_sqlalchemy_and_fails_is_not_called_unchanged(chain: Chain, ending: str) -> None:
    chain.add(
        body=f"op.execute('CREATE TABLE public.half ()')\n{RAW}{ending}\nop.execute('SELECT 1 / 0')\n",
    )

    result = chain.upgrade()

    assert result.code != 0
    assert "division by zero" in result.out
    assert "upgrade 20260101000000 ended its transaction itself, and what it had done before that is committed" in (
        result.out
    )
    assert "nothing was changed" not in result.out
    assert "half" in chain.tables()


def test_a_revision_that_commits_past_sqlalchemy_and_succeeds_is_refused_and_what_stays_is_said(chain: Chain) -> None:
    chain.add(body=f"op.execute('CREATE TABLE public.half ()')\n{RAW}raw.execute('COMMIT AND CHAIN')\n")

    result = chain.upgrade()

    assert result.code != 0
    assert "Take COMMIT, ROLLBACK and their like out of it" in result.out
    assert "what it had done before that is committed" in result.out
    assert chain.at() is None


def test_a_revision_that_committed_a_part_is_not_tried_again_after_a_lock_timeout(chain: Chain) -> None:
    chain.execute("CREATE TABLE public.runs (); CREATE TABLE public.busy ()")
    chain.add(
        body=f"op.execute('INSERT INTO public.runs DEFAULT VALUES')\n{RAW}raw.commit()\n"
        "raw.execute(\"SET LOCAL lock_timeout = '200ms'\")\nop.execute('LOCK TABLE public.busy')",
    )
    with chain.connect() as other, other.transaction():
        other.execute("LOCK TABLE public.busy")
        result = chain.upgrade()

    assert result.code != 0
    assert "what it had done before that is committed" in result.out
    assert chain.query("SELECT count(*) FROM public.runs") == [(1,)]
