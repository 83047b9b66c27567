"""One transaction for each revision, with its timeouts, or statements outside of any and nothing else."""

import psycopg

from tests.schema.runner.chain import Chain

_NOTE = """INSERT INTO public.seen SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"""


def test_each_revision_has_the_timeouts_and_none_leaks(chain: Chain) -> None:
    chain.execute("CREATE TABLE public.seen (lock_timeout text, statement_timeout text)")
    chain.add(_NOTE)
    chain.add(_NOTE, concurrent=True)
    chain.add("SET LOCAL lock_timeout = '7s'", _NOTE)
    chain.add(_NOTE)
    chain.add(_NOTE, concurrent=True)
    with chain.connect() as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET lock_timeout = '1h'")

    result = chain.upgrade("-x", "lock-timeout=2s", TRIPWIRE_STATEMENT_TIMEOUT="90s", TRIPWIRE_LOCK_TIMEOUT="9s")

    assert result.code == 0, result
    assert chain.query("SELECT * FROM public.seen") == [
        ("2s", "90s"), ("2s", "90s"), ("7s", "90s"), ("2s", "90s"), ("2s", "90s"),
    ]  # fmt: skip


def test_after_statements_outside_of_a_transaction_the_session_has_its_own_timeouts_again(chain: Chain) -> None:
    chain.add("SELECT 1", concurrent=True)
    chain.add(
        body="raw = op.get_bind().connection.dbapi_connection\n"
        "raw.rollback()\n"  # the SET LOCAL of this revision goes with it, what remains is the session's
        "raise ValueError(raw.execute('SHOW lock_timeout').fetchone()[0])"
    )
    assert "ValueError: 0 (" in chain.upgrade().out


def test_a_statement_that_runs_too_long_is_stopped_and_leaves_nothing(chain: Chain) -> None:
    chain.add("CREATE TABLE public.a ()")
    chain.add("CREATE TABLE public.b ()", "SELECT pg_sleep(60)")

    result = chain.upgrade("-x", "statement-timeout=300ms")

    assert result.code != 0
    assert "canceling statement due to statement timeout" in result.out
    assert chain.at() == chain.revision(1)
    assert "b" not in chain.tables()


def test_a_failed_revision_leaves_the_one_before_it_and_the_message_is_one(chain: Chain) -> None:
    chain.add("CREATE TABLE public.a (email text UNIQUE)", "INSERT INTO public.a VALUES ('secret@example.com')")
    chain.add("CREATE TABLE public.b ()", "INSERT INTO public.a VALUES ('secret@example.com')")

    result = chain.upgrade()

    assert result.code != 0
    assert result.said.count("FAILED") == 1
    assert "Traceback" not in result.said
    assert "upgrade 20260102000000 failed: duplicate key value violates unique constraint" in result.out
    assert "table public.a constraint a_email_key" in result.out
    assert "Key (email)" not in result.said, "a DETAIL repeats values of rows"
    assert chain.at() == chain.revision(1)
    assert "b" not in chain.tables()


def test_an_error_of_the_revision_itself_names_the_line(chain: Chain) -> None:
    chain.add(body="{}['missing']")
    result = chain.upgrade()
    assert result.code != 0
    assert "upgrade 20260101000000 failed: KeyError: 'missing' (20260101000000_step.py:10)" in result.out


def test_a_revision_that_leaves_its_transaction_in_the_middle_is_refused_with_nothing_done(chain: Chain) -> None:
    chain.execute("CREATE TABLE public.t (x int)")
    chain.add(
        body="op.execute('CREATE TABLE public.half ()')\n"
        "with op.get_context().autocommit_block():\n"
        "    op.execute('CREATE INDEX CONCURRENTLY t_x ON public.t (x)')"
    )
    result = chain.upgrade()
    assert result.code != 0
    assert "mixes statements in its transaction with a block outside of it" in result.out
    assert "half" not in chain.tables()


def test_a_revision_that_goes_on_inside_after_working_outside_is_refused(chain: Chain) -> None:
    chain.execute("CREATE TABLE public.t (x int)")
    chain.add(
        body="with op.get_context().autocommit_block():\n"
        "    op.execute('CREATE INDEX CONCURRENTLY t_x ON public.t (x)')\n"
        "op.execute('CREATE TABLE public.half ()')"
    )
    result = chain.upgrade()
    assert result.code != 0
    assert "mixes statements" in result.out
    assert "half" not in chain.tables()
    assert chain.at() is None


def test_the_server_s_notices_are_shown(chain: Chain) -> None:
    chain.add("DO $$ BEGIN RAISE WARNING 'no event trigger here'; RAISE NOTICE 'by the way'; END $$")
    result = chain.upgrade()
    assert "  WARNING: no event trigger here" in result.err
    assert "  NOTICE: by the way" in result.err


def test_each_revision_s_time_is_shown_in_plain_lines_where_there_is_no_terminal(chain: Chain) -> None:
    chain.add("SELECT pg_sleep(0.2)")
    result = chain.upgrade()
    assert "  upgrade 20260101000000  step: Step 1  0.2" in result.err
    assert "Done: 1 revision in" in result.err
    assert "the version table says 20260101000000 (head)." in result.err
    assert "\x1b" not in result.err
    assert result.out == ""


def test_a_version_table_that_says_something_else_at_the_end_is_an_error(chain: Chain) -> None:
    chain.execute("CREATE SCHEMA tripwire; CREATE TABLE tripwire.alembic_version (version_num varchar(32) PRIMARY KEY)")
    chain.add("CREATE TABLE public.a ()")
    chain.execute(
        "CREATE FUNCTION public.lie() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.version_num := '20250101000000'; RETURN NEW; END $$;"
        "CREATE TRIGGER lie BEFORE INSERT ON tripwire.alembic_version FOR EACH ROW EXECUTE FUNCTION public.lie()"
    )
    result = chain.upgrade()
    assert result.code != 0
    assert "The version table says 20250101000000, and should say 20260101000000" in result.out


def test_the_version_table_is_in_our_schema_and_all_that_remains_after_downgrade_base(chain: Chain) -> None:
    chain.execute("CREATE TABLE public.alembic_version (version_num text)")  # somebody else's, left alone
    chain.add("CREATE TABLE public.a ()", down=("DROP TABLE public.a",))
    assert chain.upgrade().code == 0
    assert chain.run("downgrade", "base").code == 0
    assert chain.query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'tripwire'::regnamespace AND relkind = 'r'"
    ) == [("alembic_version",)]
    assert chain.query("SELECT count(*) FROM tripwire.alembic_version") == [(0,)]
    assert chain.tables() == {"alembic_version"}


def _listen(chain: Chain) -> psycopg.Connection:
    listener = chain.connect()
    listener.execute("LISTEN pgrst")
    return listener


def test_postgrest_is_told_once_for_each_revision_where_no_event_trigger_does_it(chain: Chain) -> None:
    chain.add("CREATE TABLE public.a ()")
    chain.add("CREATE TABLE public.b ()")
    with _listen(chain) as listener:
        result = chain.upgrade()
        heard = list(listener.notifies(timeout=1, stop_after=3))
    assert [notice.payload for notice in heard] == ["reload schema", "reload schema"]
    assert "this run did (NOTIFY pgrst)" in result.err


def test_postgrest_is_not_told_by_us_where_an_event_trigger_does_it(chain: Chain) -> None:
    chain.execute(
        "CREATE FUNCTION public.w() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;"
        "CREATE EVENT TRIGGER pgrst_ddl_watch ON ddl_command_end EXECUTE FUNCTION public.w()"
    )
    chain.add("CREATE TABLE public.a ()")
    with _listen(chain) as listener:
        result = chain.upgrade()
        heard = list(listener.notifies(timeout=0.3, stop_after=1))
    assert heard == []
    assert "NOTIFY" not in result.err


def test_postgrest_is_not_told_of_a_revision_that_was_rolled_back(chain: Chain) -> None:
    chain.add("CREATE TABLE public.a ()", "SELECT 1/0")
    with _listen(chain) as listener:
        assert chain.upgrade().code != 0
        assert list(listener.notifies(timeout=0.3, stop_after=1)) == []
