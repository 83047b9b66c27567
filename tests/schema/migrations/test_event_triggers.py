"""PostgREST hears of DDL that changes the API, and of nothing else; without the privilege the upgrade goes on."""

from collections.abc import Iterator

import psycopg
import pytest
from alembic.util import CommandError

from tests.conftest import MakeDatabase
from tests.schema.migrations.chain import BASELINE
from tripwire_db import bootstrap, migrations
from tripwire_db.schema.check.dump import difference, dump

pytestmark = pytest.mark.plain_server

BEFORE_WATCHERS = "20261118090000"

HEARD = [
    "CREATE TABLE public.t (id int)",
    "CREATE TABLE public.u AS SELECT 1 AS id",
    "SELECT 1 AS id INTO public.w",
    "ALTER TABLE public.t ADD COLUMN name text",
    "ALTER TABLE public.t RENAME COLUMN name TO title",
    "COMMENT ON TABLE public.t IS 'shown'",
    "COMMENT ON COLUMN public.t.title IS 'shown'",
    "ALTER TABLE public.t DROP COLUMN title",
    "CREATE VIEW public.v AS SELECT * FROM public.t",
    "COMMENT ON VIEW public.v IS 'shown'",
    "DROP VIEW public.v",
    "CREATE MATERIALIZED VIEW public.m AS SELECT * FROM public.t",
    "DROP MATERIALIZED VIEW public.m",
    "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "COMMENT ON FUNCTION public.f() IS 'shown'",
    "ALTER FUNCTION public.f() RENAME TO g",
    "DROP FUNCTION public.g()",
    "CREATE TYPE public.mood AS ENUM ('good')",
    "ALTER TYPE public.mood ADD VALUE 'bad'",
    "CREATE DOMAIN public.name AS text",
    "DROP DOMAIN public.name",
    "DROP TYPE public.mood",
    "CREATE SCHEMA api",
    "COMMENT ON SCHEMA api IS 'shown'",
    "DROP SCHEMA api",
    "CREATE TRIGGER seen BEFORE UPDATE ON public.t FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column()",
    "DROP TRIGGER seen ON public.t",
    "CREATE RULE nothing AS ON DELETE TO public.t DO INSTEAD NOTHING",
    "DROP RULE nothing ON public.t",
    "DROP TABLE public.u, public.w",
]
UNHEARD = [
    "CREATE INDEX i ON public.t (id)",
    "COMMENT ON INDEX public.i IS 'not shown'",
    "ALTER INDEX public.i RENAME TO j",
    "DROP INDEX public.j",
    "GRANT SELECT ON public.t TO authenticated",
    "REVOKE SELECT ON public.t FROM authenticated",
    "CREATE POLICY p ON public.t FOR SELECT TO authenticated USING (true)",
    "ALTER POLICY p ON public.t USING (false)",
    "COMMENT ON POLICY p ON public.t IS 'not shown'",
    "DROP POLICY p ON public.t",
    "INSERT INTO public.t VALUES (1)",
    "UPDATE public.t SET id = 2",
    "TRUNCATE public.t",
    "ANALYZE public.t",
    "CREATE SEQUENCE public.s",
    "DROP SEQUENCE public.s",
    "CREATE TABLE tripwire.hidden (id int)",
    "ALTER TABLE tripwire.hidden ADD COLUMN name text",
    "CREATE TRIGGER seen BEFORE UPDATE ON tripwire.hidden FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column()",
    "DROP TRIGGER seen ON tripwire.hidden",
    "DROP TABLE tripwire.hidden",
    "CREATE FUNCTION tripwire.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "DROP FUNCTION tripwire.f()",
    "CREATE TEMPORARY TABLE visits (id int)",
    "ALTER TABLE visits ADD COLUMN at timestamptz",
    "COMMENT ON TABLE visits IS 'temporary'",
    "COMMENT ON COLUMN visits.at IS 'temporary'",
    "CREATE INDEX ON visits (id)",
    "CREATE TRIGGER seen BEFORE UPDATE ON visits FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column()",
    "ALTER TRIGGER seen ON visits RENAME TO saw",
    "DROP TRIGGER saw ON visits",
    "CREATE RULE nothing AS ON DELETE TO visits DO INSTEAD NOTHING",
    "DROP RULE nothing ON visits",
    "CREATE TEMPORARY VIEW many_visits AS SELECT * FROM visits",
    "DROP VIEW many_visits",
    "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "DROP FUNCTION pg_temp.f()",
    "CREATE TYPE pg_temp.mood AS ENUM ('good')",
    "DROP TYPE pg_temp.mood",
    "ALTER TABLE visits DROP COLUMN at",
    "CREATE TRIGGER seen BEFORE UPDATE ON visits FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column()",
    "DROP TABLE visits",
    "CREATE TEMPORARY TABLE again AS SELECT 1 AS id",
    "DROP TABLE again",
]


@pytest.fixture
def listener(make_database: MakeDatabase, major: int) -> Iterator[tuple[psycopg.Connection, psycopg.Connection]]:
    """One connection that works, and one that listens to the same database."""
    url = make_database(server=major)
    with psycopg.connect(url, autocommit=True) as works, psycopg.connect(url, autocommit=True) as listens:
        listens.execute("LISTEN pgrst")
        yield works, listens


def heard(listens: psycopg.Connection) -> list[str]:
    """What has come: a NOTIFY is there once its transaction has ended, and a query fetches it."""
    listens.execute("SELECT 1")
    return [note.payload for note in listens.notifies(timeout=0)]


def test_each_change_of_the_api_is_told_once(listener: tuple[psycopg.Connection, psycopg.Connection]) -> None:
    works, listens = listener
    said = {}
    for statement in HEARD:
        works.execute(statement)
        said[statement] = heard(listens)

    assert said == {statement: ["reload schema"] for statement in HEARD}


def test_nothing_else_is_told(listener: tuple[psycopg.Connection, psycopg.Connection]) -> None:
    works, listens = listener
    works.execute("CREATE TABLE public.t (id int)")
    assert heard(listens)
    said = {}
    for statement in UNHEARD:
        works.execute(statement)
        said[statement] = heard(listens)

    assert said == {statement: [] for statement in UNHEARD}


def test_a_transaction_tells_once_and_a_rollback_never(
    listener: tuple[psycopg.Connection, psycopg.Connection],
) -> None:
    works, listens = listener
    with works.transaction():
        works.execute("CREATE TABLE public.a (id int)")
        works.execute("CREATE TABLE public.b (id int)")
        works.execute("DROP TABLE public.a")
    assert heard(listens) == ["reload schema"]

    with works.transaction(force_rollback=True):
        works.execute("CREATE TABLE public.a (id int)")
    assert heard(listens) == []


SUPABASES_OWN = """
CREATE SCHEMA extensions;
CREATE FUNCTION extensions.pgrst_ddl_watch() RETURNS event_trigger LANGUAGE plpgsql AS
    $$ BEGIN NOTIFY pgrst, 'reload schema'; END $$;
CREATE FUNCTION extensions.pgrst_drop_watch() RETURNS event_trigger LANGUAGE plpgsql AS
    $$ BEGIN NOTIFY pgrst, 'reload schema'; END $$;
CREATE EVENT TRIGGER pgrst_ddl_watch ON ddl_command_end EXECUTE FUNCTION extensions.pgrst_ddl_watch();
CREATE EVENT TRIGGER pgrst_drop_watch ON sql_drop EXECUTE FUNCTION extensions.pgrst_drop_watch();
"""


def watchers(connection: psycopg.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT evtname, evtenabled::text FROM pg_event_trigger").fetchall())


def test_none_is_added_beside_supabases_own(make_database: MakeDatabase) -> None:
    url = make_database(migrated=False)
    with psycopg.connect(url) as connection:
        connection.execute(SUPABASES_OWN)

    migrations.upgrade(url)

    with psycopg.connect(url) as connection:
        assert watchers(connection) == {"pgrst_ddl_watch": "O", "pgrst_drop_watch": "O"}


def test_v2s_own_beside_supabases_is_switched_off_and_comes_back(make_database: MakeDatabase) -> None:
    url = make_database(migrated=BEFORE_WATCHERS)
    with psycopg.connect(url) as connection:
        connection.execute(SUPABASES_OWN)
    before = dump(url)

    migrations.upgrade(url)

    with psycopg.connect(url) as connection:
        assert watchers(connection) == {"pgrst_watch": "D", "pgrst_ddl_watch": "O", "pgrst_drop_watch": "O"}
    migrations.downgrade(url, BEFORE_WATCHERS)
    assert difference(before, dump(url)) == ""


def test_without_the_privilege_the_upgrade_goes_on_and_says_so(
    make_database: MakeDatabase, major: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A role that owns the database and is no superuser, as on plain PostgreSQL."""
    url = make_database(migrated=False, server=major)
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(
            f"""
            DO $$ BEGIN CREATE ROLE course_owner LOGIN CREATEROLE; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
            ALTER DATABASE {name} OWNER TO course_owner;
            GRANT ALL ON SCHEMA public TO course_owner WITH GRANT OPTION;
            GRANT USAGE ON SCHEMA auth TO course_owner;
            GRANT SELECT, REFERENCES ON auth.users TO course_owner;
            """
        )
    theirs = url.replace("//postgres@", "//course_owner@", 1)
    assert theirs != url

    with psycopg.connect(url, autocommit=True) as listens:
        listens.execute("LISTEN pgrst")
        migrations.upgrade(theirs)
        assert set(heard(listens)) == {"reload schema"}

    said = capsys.readouterr().err
    assert "Event trigger pgrst_watch was left out" in said
    assert "Event trigger pgrst_watch was neither made nor changed" in said
    assert "Event trigger pgrst_watch_drop was left out" in said
    assert "left as it is" not in said
    with psycopg.connect(url) as connection:
        assert watchers(connection) == {}
    migrations.downgrade(theirs, "base")
    assert migrations.current(theirs) is None
    bootstrap(url)


def test_a_downgrade_leaves_another_roles_event_trigger_and_names_the_owner(make_database: MakeDatabase) -> None:
    url = make_database(migrated=BASELINE)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            f"""
            DO $$ BEGIN CREATE ROLE course_reader LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
            GRANT ALL ON DATABASE {connection.info.dbname} TO course_reader;
            GRANT ALL ON SCHEMA tripwire TO course_reader;
            GRANT ALL ON ALL TABLES IN SCHEMA tripwire, public TO course_reader;
            """
        )

    with pytest.raises(CommandError, match="pgrst_watch belongs to postgres, so course_reader cannot drop it"):
        migrations.downgrade(url.replace("//postgres@", "//course_reader@", 1), "base")

    assert migrations.current(url) == BASELINE
