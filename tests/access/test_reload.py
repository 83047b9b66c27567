"""PostgREST learns of every change to the API by itself, soon, and of nothing else."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest
from typer.testing import CliRunner

from tests.access.conftest import PlainOwner
from tests.support.servers.postgrest import PostgREST
from tests.support.servers.versions import versions
from tripwire_db import migrations
from tripwire_db.cli.app import app

Connection = psycopg.Connection[Any]
MakeDatabase = Callable[..., str]
SOON = 2.0
"""Seconds after the commit within which PostgREST must know."""

V2 = "20261101090000"
BEFORE_THE_COURSE = "20261102090000"


class Listener:
    """A session that listens as PostgREST does."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True)
        self.connection.execute("LISTEN pgrst")

    def heard(self, sender: Connection) -> list[str]:
        """Give what was sent since the last time; a mark of our own, sent after it, tells that no more is to come."""
        sender.execute("NOTIFY pgrst, 'that was all'")
        messages: list[str] = []
        for notification in self.connection.notifies(timeout=20):
            if notification.payload == "that was all":
                return messages
            messages.append(notification.payload)
        raise AssertionError("the mark never came")


@pytest.fixture(params=versions())
def watched_url(request: pytest.FixtureRequest, make_database: MakeDatabase) -> str:
    return make_database(server=request.param)


@pytest.fixture
def sender(watched_url: str) -> Iterator[Connection]:
    with psycopg.connect(watched_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def listener(watched_url: str) -> Iterator[Listener]:
    listener = Listener(watched_url)
    with listener.connection:
        yield listener


# Each line is a transaction of its own, and changes what the API shows.
TELLING = """
CREATE TABLE public.planted (id integer PRIMARY KEY, note text)
ALTER TABLE public.planted ADD COLUMN more text
ALTER TABLE public.planted DROP COLUMN more
ALTER TABLE public.planted RENAME COLUMN note TO remark
COMMENT ON TABLE public.planted IS 'shown in the description of the API'
COMMENT ON COLUMN public.planted.remark IS 'this too'
CREATE VIEW public.seen WITH (security_invoker = true) AS SELECT id FROM public.planted
ALTER VIEW public.seen RENAME TO looked_at
DROP VIEW public.looked_at
CREATE FUNCTION public.told() RETURNS integer LANGUAGE sql SET search_path = '' AS 'SELECT 1'
CREATE OR REPLACE FUNCTION public.told() RETURNS integer LANGUAGE sql SET search_path = '' AS 'SELECT 2'
ALTER FUNCTION public.told() STABLE
COMMENT ON FUNCTION public.told() IS 'shown'
DROP FUNCTION public.told()
CREATE TYPE public.mood AS ENUM ('good', 'bad')
ALTER TYPE public.mood ADD VALUE 'mixed'
DROP TYPE public.mood
CREATE DOMAIN public.short AS text CHECK (length(value) < 9)
DROP DOMAIN public.short
CREATE TRIGGER touched BEFORE UPDATE ON public.planted FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column()
DROP TRIGGER touched ON public.planted
ALTER TABLE public.planted ADD CONSTRAINT fk_planted FOREIGN KEY (id) REFERENCES public.modules (id)
ALTER TABLE public.planted DROP CONSTRAINT fk_planted
ALTER TABLE public.planted ENABLE ROW LEVEL SECURITY
CREATE TABLE public.copied AS SELECT id FROM public.planted
DROP TABLE public.copied, public.planted
CREATE SCHEMA planted
DROP SCHEMA planted
""".strip().splitlines()

# None of these changes what the API shows.
SILENT = """
CREATE TEMP TABLE scratch (id integer PRIMARY KEY, note text)
ALTER TABLE scratch ADD COLUMN more text
ALTER TABLE scratch DROP COLUMN more
COMMENT ON TABLE scratch IS 'nobody else sees it'
CREATE INDEX ON scratch (note)
CREATE TEMP VIEW glance AS SELECT id FROM scratch
DROP VIEW glance
CREATE FUNCTION pg_temp.told() RETURNS integer LANGUAGE sql AS 'SELECT 1'
DROP FUNCTION pg_temp.told()
CREATE TYPE pg_temp.mood AS ENUM ('good', 'bad')
DROP TYPE pg_temp.mood
CREATE TRIGGER touched BEFORE UPDATE ON scratch FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column()
DROP TRIGGER touched ON scratch
CREATE TEMP TABLE copied AS SELECT 1 AS id
SELECT 1 AS id INTO TEMP selected
DROP TABLE copied, selected, scratch
CREATE TEMP TABLE gone (id integer) ON COMMIT DROP
GRANT SELECT ON public.modules TO anon
REVOKE SELECT ON public.modules FROM anon
GRANT EXECUTE ON FUNCTION public.rpc_get_sales_leaderboard TO anon
REVOKE EXECUTE ON FUNCTION public.rpc_get_sales_leaderboard FROM anon
CREATE POLICY planted ON public.modules FOR DELETE TO authenticated USING (id IS NULL)
ALTER POLICY planted ON public.modules USING (id IS NOT NULL)
COMMENT ON POLICY planted ON public.modules IS 'a comment that the API does not show'
DROP POLICY planted ON public.modules
CREATE INDEX planted ON public.modules (title)
COMMENT ON INDEX public.planted IS 'a comment that the API does not show'
ALTER INDEX public.planted RENAME TO replanted
REINDEX INDEX public.replanted
DROP INDEX public.replanted
CREATE INDEX CONCURRENTLY planted ON public.modules (title)
DROP INDEX CONCURRENTLY public.planted
CREATE FUNCTION tripwire.planted() RETURNS integer LANGUAGE sql SET search_path = '' AS 'SELECT 1'
DROP FUNCTION tripwire.planted()
CREATE TABLE tripwire.planted (id integer PRIMARY KEY)
COMMENT ON TABLE tripwire.planted IS 'not exposed'
DROP TABLE tripwire.planted
CREATE STATISTICS public.planted ON id, title FROM public.modules
DROP STATISTICS public.planted
INSERT INTO public.modules (id, position, title, archived) VALUES (99, 99, 'New', true)
UPDATE public.modules SET title = 'Newer' WHERE id = 99
DELETE FROM public.modules WHERE id = 99
ANALYZE public.modules
VACUUM public.modules
""".strip().splitlines()


def test_every_change_of_the_api_is_told_once(sender: Connection, listener: Listener) -> None:
    for statement in TELLING:
        sender.execute(statement)
        assert listener.heard(sender) == ["reload schema"], statement


def test_nothing_else_is_told(sender: Connection, listener: Listener) -> None:
    for statement in SILENT:
        sender.execute(statement)
        assert listener.heard(sender) == [], statement


def test_a_transaction_tells_once_and_a_rolled_back_one_never(sender: Connection, listener: Listener) -> None:
    statements = ("CREATE TABLE public.planted (id integer)", "DROP TABLE public.planted", "CREATE SCHEMA planted")
    with sender.transaction():
        for statement in statements:
            sender.execute(statement)
    assert listener.heard(sender) == ["reload schema"]
    with sender.transaction(force_rollback=True):
        sender.execute("DROP SCHEMA planted")
    assert listener.heard(sender) == []


def test_an_upgrade_tells_at_most_once_for_each_transaction(make_database: MakeDatabase) -> None:
    """One revision, with a table, three functions and comments in it, is one transaction."""
    url = make_database(migrated=BEFORE_THE_COURSE)
    listener = Listener(url)
    with listener.connection, psycopg.connect(url, autocommit=True) as sender:
        migrations.upgrade(url, "+1")
        assert listener.heard(sender) == ["reload schema"]
        migrations.downgrade(url, "-1")
        assert listener.heard(sender) == ["reload schema"]


def test_a_migration_is_served_soon_after_it_committed(
    make_database: MakeDatabase, make_postgrest: Callable[..., PostgREST]
) -> None:
    url = make_database(migrated=BEFORE_THE_COURSE)
    watch_a_migration(make_postgrest(url), url)


def test_it_is_served_as_soon_where_nobody_may_create_event_triggers(
    plain_owner: PlainOwner, make_postgrest: Callable[..., PostgREST], capfd: pytest.CaptureFixture[str]
) -> None:
    """On plain PostgreSQL only a superuser may; a role that merely owns the database upgrades all the same."""
    migrations.upgrade(plain_owner.url, BEFORE_THE_COURSE)
    watch_a_migration(make_postgrest(plain_owner.superuser_url), plain_owner.url)
    said = capfd.readouterr().err
    assert "pgrst_watch was left" in said
    assert "pgrst_watch_drop was left out" in said
    assert "this run did (NOTIFY pgrst)" in said
    with psycopg.connect(plain_owner.superuser_url) as connection:
        assert connection.execute("SELECT evtname FROM pg_event_trigger").fetchall() == []
    status = CliRunner().invoke(app, ["status", "--json", "--database-url", plain_owner.url])
    assert status.exit_code == 0, status.output
    assert json.loads(status.output)["left_out"] == ["pgrst_watch", "pgrst_watch_drop"]


def test_without_event_triggers_an_upgrade_tells_by_itself(plain_owner: PlainOwner) -> None:
    with psycopg.connect(plain_owner.superuser_url, autocommit=True) as sender:
        listener = Listener(plain_owner.url)
        with listener.connection:
            migrations.upgrade(plain_owner.url)
            heard = listener.heard(sender)
            assert set(heard) == {"reload schema"}
            migrations.downgrade(plain_owner.url, "-1")
            assert listener.heard(sender) == ["reload schema"]
            migrations.upgrade(plain_owner.url)
            assert listener.heard(sender) == ["reload schema"]
            migrations.upgrade(plain_owner.url)
            assert listener.heard(sender) == []  # nothing to do, nothing to tell


def test_where_supabase_watches_already_no_second_reload_is_added(make_database: MakeDatabase) -> None:
    url = make_database(migrated=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SUPABASES_WATCHERS)
        migrations.upgrade(url)
        watching = "SELECT evtname FROM pg_event_trigger WHERE evtenabled <> 'D' ORDER BY 1"
        assert connection.execute(watching).fetchall() == [("pgrst_ddl_watch",), ("pgrst_drop_watch",)]
        listener = Listener(url)
        with listener.connection:
            for statement in ("CREATE TABLE public.planted (id integer)", "DROP TABLE public.planted"):
                connection.execute(statement)
                assert listener.heard(connection) == ["reload schema"], statement
        migrations.downgrade(url, "base")
        assert connection.execute(watching).fetchall() == [("pgrst_ddl_watch",), ("pgrst_drop_watch",)]


def test_where_both_watch_ours_goes_silent_and_comes_back_with_the_downgrade(make_database: MakeDatabase) -> None:
    """A v2 database on Supabase has had both from the beginning."""
    url = make_database(migrated=V2)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SUPABASES_WATCHERS)
        watching = "SELECT evtname FROM pg_event_trigger WHERE evtenabled <> 'D' ORDER BY 1"
        before = connection.execute(watching).fetchall()
        migrations.upgrade(url)
        assert connection.execute(watching).fetchall() == [("pgrst_ddl_watch",), ("pgrst_drop_watch",)]
        migrations.downgrade(url, V2)
        assert connection.execute(watching).fetchall() == before
        assert ("pgrst_watch",) in before


def watch_a_migration(server: PostgREST, url: str) -> None:
    """See a new column, table and argument come with the upgrade, go with the downgrade and come back, in time."""
    requests = (
        ("GET", "/video_tracking", {"select": "counted_ms"}, None),
        ("GET", "/certificates", {"select": "number"}, None),
        ("POST", "/rpc/rpc_get_manager_stats", {}, {"manager_id_param": NOBODY, "time_zone": "Asia/Almaty"}),
    )
    headers = {"Authorization": f"Bearer {server.token('service_role')}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=20) as http:

        def statuses() -> list[int]:
            return [
                http.request(how, path, params=params, json=body).status_code for how, path, params, body in requests
            ]

        def within_time(expected: list[int]) -> None:
            committed = time.monotonic()
            while (found := statuses()) != expected:
                assert time.monotonic() - committed < SOON, f"{found} for {SOON} s, instead of {expected}"

        assert statuses() == [400, 404, 404]
        migrations.upgrade(url)
        within_time([200, 200, 200])
        migrations.downgrade(url, BEFORE_THE_COURSE)
        within_time([400, 404, 404])
        migrations.upgrade(url)
        within_time([200, 200, 200])


NOBODY = "00000000-0000-4000-8000-000000000000"

# As hosted Supabase has them, in its schema extensions.
SUPABASES_WATCHERS = """
CREATE SCHEMA extensions;
CREATE FUNCTION extensions.pgrst_ddl_watch() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
    cmd record;
BEGIN
    FOR cmd IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP
        IF cmd.command_tag IN (
            'CREATE SCHEMA', 'ALTER SCHEMA', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE',
            'CREATE VIEW', 'ALTER VIEW', 'CREATE FUNCTION', 'ALTER FUNCTION', 'CREATE TRIGGER', 'CREATE TYPE',
            'ALTER TYPE', 'CREATE RULE', 'COMMENT'
        ) AND cmd.schema_name IS DISTINCT FROM 'pg_temp' THEN
            NOTIFY pgrst, 'reload schema';
        END IF;
    END LOOP;
END $$;
CREATE FUNCTION extensions.pgrst_drop_watch() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
    obj record;
BEGIN
    FOR obj IN SELECT * FROM pg_event_trigger_dropped_objects() LOOP
        IF obj.object_type IN ('schema', 'table', 'view', 'function', 'trigger', 'type', 'rule')
            AND obj.is_temporary IS false THEN
            NOTIFY pgrst, 'reload schema';
        END IF;
    END LOOP;
END $$;
CREATE EVENT TRIGGER pgrst_ddl_watch ON ddl_command_end EXECUTE FUNCTION extensions.pgrst_ddl_watch();
CREATE EVENT TRIGGER pgrst_drop_watch ON sql_drop EXECUTE FUNCTION extensions.pgrst_drop_watch();
"""
