"""Bootstrap: a plain server becomes like Supabase's, again and again, and a real Supabase is left alone."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import sql

from tests.support.servers.finding import postgres_bin
from tripwire_db.embedded import Cluster, scratch_cluster
from tripwire_db.errors import InvalidInput, Unavailable
from tripwire_db.schema.bootstrap import _LOCK_KEY, BootstrapRefused, bootstrap, is_stand_in

MakeDatabase = Callable[..., str]
ROLES = {
    "anon": (False, False, False),
    "authenticated": (False, False, False),
    "service_role": (False, True, False),
    "authenticator": (True, False, False),
}


@pytest.fixture(scope="module")
def fresh_cluster() -> Iterator[Cluster]:
    """A server without any of the roles; they belong to the whole cluster, so it is nobody else's."""
    with scratch_cluster() as cluster:
        yield cluster


@pytest.fixture
def plain_url(make_database: MakeDatabase) -> str:
    return make_database(migrated=None)


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def row(url: str, query: str, *parameters: object) -> tuple[object, ...]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query, parameters).fetchone()


def roles(url: str) -> dict[str, tuple[bool, bool, bool]]:
    query = "SELECT rolname, rolcanlogin, rolbypassrls, rolinherit FROM pg_roles WHERE rolname = ANY (%s)"
    with psycopg.connect(url) as connection:
        return {name: tuple(rest) for name, *rest in connection.execute(query, (list(ROLES),))}


def test_a_plain_database_gets_schema_and_roles(make_database: MakeDatabase, major: int):
    url = make_database(migrated=None, server=major)
    made = bootstrap(url)
    assert made.outcome == "installed"
    assert "schema auth" in made.changed
    assert roles(url) == ROLES
    with psycopg.connect(url) as connection:
        assert is_stand_in(connection)
        members = connection.execute(
            "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = 'authenticator'::regrole ORDER BY 1"
        ).fetchall()
    assert members == [("anon",), ("authenticated",), ("service_role",)]


def test_the_roles_of_the_api_have_supabases_limits_unless_somebody_chose_others():
    query = (
        "SELECT setrole::regrole::text, chosen FROM pg_db_role_setting, unnest(setconfig) AS chosen"
        " WHERE setdatabase = 0 AND setrole <> 0 ORDER BY 1, 2"
    )
    limits = [
        ("anon", "statement_timeout=3s"),
        ("authenticated", "statement_timeout=8s"),
        ("authenticator", "lock_timeout=8s"),
        ("authenticator", "statement_timeout=8s"),
    ]
    with scratch_cluster() as cluster, psycopg.connect(cluster.url(), autocommit=True) as connection:
        url = cluster.url()
        bootstrap(url)
        assert connection.execute(query).fetchall() == limits
        connection.execute("ALTER ROLE anon SET statement_timeout = '1s'; ALTER ROLE authenticated RESET ALL")
        assert "statement_timeout of role authenticated" in bootstrap(url).changed
        assert connection.execute(query).fetchall() == [("anon", "statement_timeout=1s"), *limits[1:]]


def test_a_second_run_changes_nothing(plain_url: str):
    bootstrap(plain_url)
    again = bootstrap(plain_url)
    assert (again.outcome, again.changed) == ("present", ())
    assert "nothing was changed" in again.message


def test_a_database_with_users_in_it_keeps_them(plain_url: str):
    bootstrap(plain_url)
    execute(plain_url, f"INSERT INTO auth.users (id, email) VALUES ('{uuid.uuid4()}', 'a@example.kz')")
    bootstrap(plain_url)
    assert row(plain_url, "SELECT count(*) FROM auth.users") == (1,)


def test_a_row_needs_no_more_than_id_and_email(plain_url: str):
    bootstrap(plain_url)
    execute(plain_url, f"INSERT INTO auth.users (id, email) VALUES ('{uuid.uuid4()}', 'a@example.kz')")
    assert row(
        plain_url,
        "SELECT created_at IS NOT NULL, raw_app_meta_data, raw_user_meta_data, is_sso_user FROM auth.users",
    ) == (True, {}, {}, False)


def test_an_email_is_held_once(plain_url: str):
    bootstrap(plain_url)
    statement = "INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'a@example.kz')"
    execute(plain_url, statement)
    with pytest.raises(psycopg.errors.UniqueViolation):
        execute(plain_url, statement)


SUB = "5b2a5a0e-6b0a-4a0e-9a53-0f1f2b3c4d5e"


@pytest.mark.parametrize(
    "settings",
    [
        {"request.jwt.claims": json.dumps({"sub": SUB, "role": "authenticated", "email": "a@example.kz"})},
        {
            "request.jwt.claim.sub": SUB,
            "request.jwt.claim.role": "authenticated",
            "request.jwt.claim.email": "a@example.kz",
            "request.jwt.claims": "",
        },
    ],
    ids=["all claims in one", "one parameter for each claim"],
)
@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_the_claims_are_read_by_each_role(plain_url: str, settings: dict[str, str], role: str):
    bootstrap(plain_url)
    with psycopg.connect(plain_url) as connection:
        for name, value in settings.items():
            connection.execute("SELECT set_config(%s, %s, true)", (name, value))
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
        answer = connection.execute("SELECT auth.uid(), auth.role(), auth.email()").fetchone()
    assert answer == (uuid.UUID(SUB), "authenticated", "a@example.kz")


def test_without_claims_everything_is_null(plain_url: str):
    bootstrap(plain_url)
    assert row(plain_url, "SELECT auth.uid(), auth.role(), auth.email(), auth.jwt()") == (None, None, None, None)


def test_the_whole_token_is_there_as_json(plain_url: str):
    bootstrap(plain_url)
    with psycopg.connect(plain_url) as connection:
        connection.execute("""SELECT set_config('request.jwt.claims', '{"sub": "x", "n": 1}', true)""")
        assert connection.execute("SELECT auth.jwt()").fetchone() == ({"sub": "x", "n": 1},)


# What the stand-in of the first release had, in what differs.
OLDER = """
DROP POLICY database_owner ON auth.users;
ALTER TABLE auth.users DISABLE ROW LEVEL SECURITY;
ALTER TABLE auth.users DROP COLUMN phone, DROP COLUMN is_anonymous, DROP COLUMN banned_until, DROP COLUMN deleted_at;
"""

USERS = """
SELECT attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)
FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid = 'auth.users'::regclass AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT polname, pg_get_expr(polqual, polrelid), polpermissive, polroles::regrole[]::text FROM pg_policy
WHERE polrelid = 'auth.users'::regclass
UNION ALL
SELECT 'row-level security', NULL, relrowsecurity, NULL FROM pg_class WHERE oid = 'auth.users'::regclass
ORDER BY 1
"""


def test_the_stand_in_of_an_older_release_is_brought_up_to_this_one_with_its_users(
    make_database: MakeDatabase, major: int
):
    fresh, url = (make_database(migrated=None, server=major) for _ in range(2))
    bootstrap(fresh)
    bootstrap(url)
    execute(url, OLDER, "INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'a@example.kz')")
    again = bootstrap(url)
    assert again.outcome == "present"
    assert set(again.changed) == {
        *(f"column {name} of auth.users" for name in ("phone", "is_anonymous", "banned_until", "deleted_at")),
        "policy of the database's owner on auth.users",
        "row-level security of auth.users",
    }
    with psycopg.connect(fresh) as first, psycopg.connect(url) as second:
        assert second.execute(USERS).fetchall() == first.execute(USERS).fetchall()
    assert row(url, "SELECT count(*) FROM auth.users") == (1,)
    assert bootstrap(url).changed == ()


def test_an_older_stand_in_that_is_in_use_is_not_waited_for_long(plain_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tripwire_db.schema.bootstrap.LOCK_TIMEOUT_SECONDS", 0.2)
    bootstrap(plain_url)
    execute(plain_url, OLDER)
    with psycopg.connect(plain_url) as busy:
        busy.execute("SELECT FROM auth.users")
        with pytest.raises(Unavailable, match="in use by a long transaction"):
            bootstrap(plain_url)
    assert "row-level security of auth.users" in bootstrap(plain_url).changed


def test_auth_users_are_seen_by_the_owner_of_the_database_and_its_members_alone(major: int):
    with scratch_cluster(postgres_bin(major)) as cluster:
        execute(
            cluster.url(),
            "CREATE ROLE keeper LOGIN",
            "CREATE ROLE helper LOGIN IN ROLE keeper",
            "CREATE DATABASE kept OWNER keeper",
        )
        bootstrap(cluster.url("kept"))
        execute(
            cluster.url("kept"),
            "INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'a@example.kz')",
            "CREATE ROLE app LOGIN IN ROLE service_role",
            "CREATE ROLE sighted LOGIN BYPASSRLS IN ROLE service_role",
            "GRANT SELECT ON auth.users TO service_role",
        )
        seen = {
            name: row(cluster.url("kept", user=name), "SELECT count(*) FROM auth.users")
            for name in ("keeper", "helper", "app", "sighted")
        }
        assert seen == {"keeper": (1,), "helper": (1,), "app": (0,), "sighted": (1,)}
        execute(cluster.url(), "CREATE ROLE heir LOGIN", "ALTER DATABASE kept OWNER TO heir")
        assert row(cluster.url("kept", user="heir"), "SELECT count(*) FROM auth.users") == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            row(cluster.url("kept", user="keeper"), "SELECT count(*) FROM auth.users")


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_the_api_roles_read_no_auth_users(plain_url: str, role: str):
    bootstrap(plain_url)
    with psycopg.connect(plain_url) as connection:
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT FROM auth.users")


def test_many_at_once_in_many_databases_of_a_new_cluster(major: int):
    with scratch_cluster(postgres_bin(major)) as cluster:
        urls = [cluster.create_database(f"course_{number}") for number in range(4)] * 3
        barrier = threading.Barrier(len(urls))
        outcomes: list[str] = []

        def run(url: str) -> None:
            barrier.wait()
            outcomes.append(bootstrap(url).outcome)

        threads = [threading.Thread(target=run, args=(url,)) for url in urls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["installed"] * 4 + ["present"] * 8
        assert roles(cluster.url()) == ROLES


def test_supabase_by_its_owner_is_left_alone(fresh_cluster: Cluster):
    url = fresh_cluster.create_database("owned")
    execute(url, "CREATE ROLE supabase_auth_admin", "CREATE SCHEMA auth AUTHORIZATION supabase_auth_admin")
    found = bootstrap(url)
    assert (found.outcome, found.changed) == ("supabase", ())
    assert "left alone" in found.message
    assert roles(url) == {}
    assert row(url, "SELECT to_regclass('auth.users')") == (None,)


def test_supabase_by_gotrue_s_tables_is_left_alone(plain_url: str):
    execute(plain_url, "CREATE SCHEMA auth", "CREATE TABLE auth.identities (id uuid)")
    assert bootstrap(plain_url).outcome == "supabase"
    with psycopg.connect(plain_url) as connection:
        assert not is_stand_in(connection)


def test_somebody_else_s_stand_in_is_left_alone(plain_url: str):
    execute(
        plain_url,
        "CREATE SCHEMA auth",
        "CREATE TABLE auth.users (id uuid PRIMARY KEY)",
        "CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'",
    )
    assert bootstrap(plain_url).outcome == "foreign"
    with psycopg.connect(plain_url) as connection:
        assert not is_stand_in(connection)


def test_a_schema_auth_of_another_kind_is_refused_untouched(plain_url: str):
    execute(plain_url, "CREATE SCHEMA auth", "CREATE TABLE auth.sessions (id int)")
    with pytest.raises(BootstrapRefused, match="another kind"):
        bootstrap(plain_url)
    assert row(plain_url, "SELECT to_regclass('auth.users')") == (None,)


def test_an_empty_database_has_no_stand_in(plain_url: str):
    with psycopg.connect(plain_url) as connection:
        assert not is_stand_in(connection)


def test_roles_that_differ_are_mended_and_told(fresh_cluster: Cluster):
    url = fresh_cluster.create_database("mended")
    bootstrap(url)
    execute(
        url, "ALTER ROLE service_role NOBYPASSRLS", "ALTER ROLE authenticator INHERIT", "REVOKE anon FROM authenticator"
    )
    assert set(bootstrap(url).changed) == {
        "attributes of role service_role",
        "attributes of role authenticator",
        "membership of authenticator in anon",
    }
    assert roles(url) == ROLES


def test_the_owner_of_the_database_may_refer_to_auth_users(fresh_cluster: Cluster):
    execute(fresh_cluster.url(), "CREATE ROLE keeper LOGIN", "CREATE DATABASE kept OWNER keeper")
    bootstrap(fresh_cluster.url("kept"))
    theirs = fresh_cluster.url("kept", user="keeper")
    execute(theirs, "CREATE TABLE public.people (id uuid REFERENCES auth.users (id) ON DELETE CASCADE)")
    execute(theirs, "INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'a@example.kz')")


def test_an_owner_that_is_no_superuser_can_do_it_where_the_roles_are_there(fresh_cluster: Cluster):
    bootstrap(fresh_cluster.create_database("first"))
    execute(fresh_cluster.url(), "CREATE ROLE plain_owner LOGIN", "CREATE DATABASE second OWNER plain_owner")
    assert bootstrap(fresh_cluster.url("second", user="plain_owner")).changed == ("schema auth",)


@pytest.mark.parametrize(("major", "attributes"), [(16, "CREATEROLE BYPASSRLS"), (18, "CREATEROLE BYPASSRLS")])
def test_a_role_that_may_create_such_roles_needs_no_superuser(major: int, attributes: str):
    with scratch_cluster(postgres_bin(major)) as cluster:
        execute(cluster.url(), f"CREATE ROLE maker LOGIN {attributes}", "CREATE DATABASE made OWNER maker")
        assert bootstrap(cluster.url("made", user="maker")).outcome == "installed"
        assert roles(cluster.url()) == ROLES


def test_a_role_that_may_not_is_told_who_can_and_nothing_is_left():
    with scratch_cluster() as cluster:
        execute(cluster.url(), "CREATE ROLE weak LOGIN CREATEROLE", "CREATE DATABASE weakly OWNER weak")
        with pytest.raises(BootstrapRefused, match="superuser"):
            bootstrap(cluster.url("weakly", user="weak"))
        assert roles(cluster.url()) == {}
        assert row(cluster.url("weakly"), "SELECT to_regnamespace('auth')") == (None,)


def test_a_server_that_is_not_there_is_unavailable():
    with pytest.raises(Unavailable, match="could not be reached") as caught:
        bootstrap("postgresql://app:s3cret@127.0.0.1:1/course")
    assert caught.value.applied is False
    assert "s3cret" not in str(caught.value)


def test_a_statement_that_is_ended_is_told_as_that_and_the_time_out_of_applications_ends_none(plain_url: str):
    execute(
        plain_url,
        f"ALTER DATABASE {psycopg.conninfo.conninfo_to_dict(plain_url)['dbname']} SET statement_timeout = '3s'",
    )
    with psycopg.connect(plain_url, autocommit=True) as first, ThreadPoolExecutor(1) as thread:
        first.execute(f"SET statement_timeout = 0; SELECT pg_advisory_lock({_LOCK_KEY})")
        for how in ("pg_cancel_backend(pid)", "pg_sleep(3.5)"):
            waiting = thread.submit(bootstrap, plain_url)
            deadline = time.monotonic() + 60
            query = "SELECT {} FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
            while not first.execute(query.format("1")).fetchone():
                assert time.monotonic() < deadline
            first.execute(query.format(how))
            if how == "pg_cancel_backend(pid)":
                with pytest.raises(Unavailable, match="nothing was changed: a statement was ended"):
                    waiting.result(60)
        first.execute(f"SELECT pg_advisory_unlock({_LOCK_KEY})")
        assert waiting.result(60).outcome == "installed"


def test_what_is_no_url_is_invalid_input():
    with pytest.raises(InvalidInput, match="postgresql://"):
        bootstrap("mysql://app:s3cret@x/course")
