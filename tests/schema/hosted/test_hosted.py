"""On a server as hosted Supabase has it, as `postgres`, who is no superuser there: migrations and drift."""

import psycopg
import pytest

from tripwire_db import migrations
from tripwire_db.embedded.hosted import HostedServer, Privileges
from tripwire_db.schema.drift import find_drift

V2 = "20261101090000"


def as_superuser(server: HostedServer, database: str, statements: str) -> None:
    with psycopg.connect(server.url(database, user="supabase_admin"), autocommit=True) as connection:
        connection.execute(statements.encode())


def test_nobody_but_who_bypasses_it_sees_auth_users(server: HostedServer, database: str) -> None:
    url = server.create_project(database)
    as_superuser(
        server, database, "CREATE ROLE member LOGIN IN ROLE service_role; GRANT SELECT ON auth.users TO member"
    )
    try:
        with psycopg.connect(url) as connection:
            connection.execute("INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'a@example.kz')")
            assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = 'postgres'").fetchone() == (False,)
        for user, seen in (("postgres", 1), ("member", 0)):
            with psycopg.connect(server.url(database, user=user)) as connection:
                assert connection.execute("SELECT count(*) FROM auth.users").fetchone() == (seen,)
    finally:
        as_superuser(server, database, "DROP OWNED BY member; DROP ROLE member")


@pytest.mark.parametrize("watchers", [True, False], ids=["watchers", "no watchers"])
@pytest.mark.parametrize("privileges", ["old", "2026"])
def test_the_chain_goes_up_down_and_up_and_leaves_no_drift(
    server: HostedServer, database: str, privileges: Privileges, *, watchers: bool
) -> None:
    url = server.create_project(database, privileges=privileges, watchers=watchers)
    migrations.upgrade(url, quiet=True)
    migrations.downgrade(url, "base")
    migrations.upgrade(url, quiet=True)
    assert find_drift(url).findings == ()


def test_event_triggers_that_postgres_may_create_are_made_and_go_with_the_downgrade(
    server: HostedServer, database: str
) -> None:
    url = server.create_project(database, watchers=False)
    with server.event_triggers_allowed():
        migrations.upgrade(url, quiet=True)
    found = find_drift(url)
    with psycopg.connect(url) as connection:
        made = connection.execute("SELECT evtname, evtowner::regrole::text FROM pg_event_trigger ORDER BY 1").fetchall()

    migrations.downgrade(url, "base", quiet=True)

    assert made == [("pgrst_watch", "postgres"), ("pgrst_watch_drop", "postgres")]
    assert (found.findings, found.notes) == ((), ())
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT evtname FROM pg_event_trigger").fetchall() == []


def test_a_quiet_downgrade_writes_nothing(
    server: HostedServer, database: str, capfd: pytest.CaptureFixture[str]
) -> None:
    url = server.create_project(database)
    migrations.upgrade(url, V2, quiet=True)
    capfd.readouterr()
    migrations.downgrade(url, "base", quiet=True)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("owner", ["postgres", "supabase_admin"])
def test_a_watcher_of_v2_beside_those_of_supabase_is_a_note(server: HostedServer, database: str, owner: str) -> None:
    url = server.create_project(database)
    migrations.upgrade(url, V2, quiet=True)
    # supautils lets postgres make and keep an event trigger; here the superuser does it, while postgres is one for a moment.
    as_superuser(
        server,
        database,
        "CREATE EVENT TRIGGER pgrst_watch ON ddl_command_end EXECUTE FUNCTION public.pgrst_watch();"
        f"ALTER ROLE postgres SUPERUSER; ALTER EVENT TRIGGER pgrst_watch OWNER TO {owner}; ALTER ROLE postgres NOSUPERUSER",
    )
    migrations.upgrade(url, quiet=True)
    found = find_drift(url)
    assert found.findings == ()
    assert any("pgrst_watch " in note and "Supabase's own watchers" in note for note in found.notes)


def test_a_disabled_watcher_is_drift_where_supabase_has_none(server: HostedServer, database: str) -> None:
    url = server.create_project(database, watchers=False)
    migrations.upgrade(url, quiet=True)
    as_superuser(
        server,
        database,
        "CREATE EVENT TRIGGER pgrst_watch ON ddl_command_end EXECUTE FUNCTION public.pgrst_watch();"
        "ALTER EVENT TRIGGER pgrst_watch DISABLE",
    )
    assert [(f.change, f.name) for f in find_drift(url).findings] == [("changed", "pgrst_watch")]


def test_functions_that_a_read_only_login_may_not_call_are_a_note(server: HostedServer, database: str) -> None:
    migrations.upgrade(server.create_project(database), quiet=True)
    found = find_drift(server.url(database, user="supabase_read_only_user"))
    assert found.findings == ()
    assert any("may not call" in note for note in found.notes)


# What Supabase's documentation has people run, so that nothing new is open by chance.
DOCUMENTED = """
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public
    REVOKE SELECT, INSERT, UPDATE, DELETE ON TABLES FROM anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public
    REVOKE USAGE, SELECT ON SEQUENCES FROM anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public
    REVOKE EXECUTE ON FUNCTIONS FROM anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres REVOKE EXECUTE ON FUNCTIONS FROM public;
"""


@pytest.mark.parametrize("privileges", ["old", "2026"])
def test_documented_revokes_of_default_privileges_are_no_drift(
    server: HostedServer, database: str, privileges: Privileges
) -> None:
    url = server.create_project(database, privileges=privileges)
    migrations.upgrade(url, quiet=True)
    with psycopg.connect(url) as connection:
        connection.execute(DOCUMENTED.encode())
    assert find_drift(url).findings == ()


def test_a_role_s_time_out_is_drift_where_it_is_not_supabase_s_own(server: HostedServer, database: str) -> None:
    url = server.create_project(database)
    migrations.upgrade(url, quiet=True)
    as_superuser(
        server,
        database,
        "ALTER ROLE anon SET statement_timeout = '5min'; ALTER ROLE authenticated RESET statement_timeout;"
        "ALTER ROLE authenticator SET lock_timeout = 0",
    )
    try:
        found = [(f.name, f.change) for f in find_drift(url).findings]
    finally:
        as_superuser(
            server,
            database,
            "ALTER ROLE anon SET statement_timeout = '3s'; ALTER ROLE authenticated SET statement_timeout = '8s';"
            "ALTER ROLE authenticator SET lock_timeout = '8s'",
        )
    assert found == [
        ("anon everywhere statement_timeout", "changed"),
        ("authenticated everywhere statement_timeout", "missing"),
        ("authenticator everywhere lock_timeout", "changed"),
    ]
