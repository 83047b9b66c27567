"""The two functions that look into auth.users for backends: right on each kind of server, and for nobody else."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tests.access.conftest import PlainOwner
from tests.support.servers.auth_rules import IDENTITIES
from tripwire_db import migrations

MakeDatabase = Callable[..., str]
Connection = psycopg.Connection[dict[str, Any]]

MARK = {"provider": "email", "tripwire": {"kind": "student", "token": "t1"}}
BEFORE = "20261119090000"


@pytest.fixture
def database(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as connection:
        connection.execute(IDENTITIES)
        yield connection


def add(connection: Connection, email: str | None, **columns: object) -> UUID:
    row = {"id": uuid4(), "email": email, "raw_app_meta_data": Jsonb(MARK), **columns}
    names = sql.SQL(", ").join(map(sql.Identifier, row))
    places = sql.SQL(", ").join(sql.Placeholder(name) for name in row)
    connection.execute(sql.SQL("INSERT INTO auth.users ({}) VALUES ({})").format(names, places), row)
    return row["id"]


def identify(connection: Connection, user_id: UUID, email: str, provider: str = "google") -> None:
    connection.execute(
        "INSERT INTO auth.identities (user_id, provider, provider_id, identity_data) VALUES (%s, %s, %s, %s)",
        (user_id, provider, uuid4().hex, Jsonb({"email": email})),
    )


def by_id(connection: Connection, user_id: UUID) -> dict[str, Any] | None:
    return connection.execute("SELECT * FROM tripwire.find_auth_user(%s)", (user_id,)).fetchone()


def by_email(connection: Connection, email: str) -> list[dict[str, Any]]:
    return connection.execute("SELECT * FROM tripwire.find_auth_user_by_email(%s)", (email,)).fetchall()


def test_an_auth_user_is_found_with_our_mark_and_no_other_metadata(database: Connection) -> None:
    user_id = add(database, "a@example.kz")
    expected = {
        "id": user_id,
        "email": "a@example.kz",
        "kind": "student",
        "token": "t1",
        "is_sso_user": False,
        "is_deleted": False,
        "is_banned": False,
    }
    assert by_id(database, user_id) == expected
    assert by_email(database, "A@Example.KZ") == [expected]
    assert by_id(database, uuid4()) is None
    assert by_email(database, "nobody@example.kz") == []


@pytest.mark.parametrize(
    "metadata", [None, {}, {"tripwire": "x"}, {"tripwire": []}, {"tripwire": {"kind": None}}, [], "text", 1]
)
def test_what_is_no_mark_of_ours_is_none(database: Connection, metadata: object) -> None:
    user_id = add(database, "a@example.kz", raw_app_meta_data=None if metadata is None else Jsonb(metadata))
    found = by_id(database, user_id)
    assert found is not None
    assert (found["kind"], found["token"]) == (None, None)


def test_an_sso_user_with_the_same_email_does_not_hold_it(database: Connection) -> None:
    sso = add(database, "a@example.kz", is_sso_user=True, raw_app_meta_data=None)
    identify(database, sso, "a@example.kz", provider="sso:1f2e")
    assert by_email(database, "a@example.kz") == []
    ours = add(database, "a@example.kz")
    assert [row["id"] for row in by_email(database, "a@example.kz")] == [ours]
    assert by_id(database, sso)["is_sso_user"] is True


def test_an_email_that_an_identity_alone_holds_is_held_by_nobody_we_can_name(database: Connection) -> None:
    somebody = add(database, "new@example.kz")
    identify(database, somebody, "Old@example.kz", provider="email")
    (row,) = by_email(database, "old@example.kz")
    assert (row["id"], row["kind"], row["email"]) == (None, None, "old@example.kz")
    assert [row["id"] for row in by_email(database, "new@example.kz")] == [somebody]


def test_soft_deleted_and_banned_users_are_told_and_a_deleted_one_has_no_mark(database: Connection) -> None:
    deleted = add(database, "gone@example.kz", deleted_at="2026-01-01")
    banned = add(database, "banned@example.kz", banned_until="infinity")
    pardoned = add(database, "free@example.kz", banned_until="2026-01-01")
    assert {"is_deleted": True, "kind": None, "token": None}.items() <= by_id(database, deleted).items()
    assert {"is_banned": True, "is_deleted": False, "kind": "student"}.items() <= by_id(database, banned).items()
    assert by_id(database, pardoned)["is_banned"] is False


def test_a_user_without_an_email_is_found_by_id(database: Connection) -> None:
    by_phone = add(database, None)
    assert by_id(database, by_phone)["email"] is None


def test_a_look_sees_what_was_committed_while_its_statement_waited(database: Connection, database_url: str) -> None:
    """The gate of creation locks and then looks, all in one statement, whose own snapshot is from before the wait."""
    user_id = uuid4()
    statement = (
        "WITH gate AS MATERIALIZED (SELECT pg_advisory_xact_lock(42) AS taken, %s::uuid AS user_id)"
        " SELECT found.id, (SELECT count(*) FROM auth.users) AS seen_by_the_statement"
        " FROM gate LEFT JOIN LATERAL tripwire.find_auth_user(gate.user_id) AS found ON true"
    )
    with (
        psycopg.connect(database_url, autocommit=True) as waiting,
        psycopg.connect(database_url) as holder,
    ):
        holder.execute("SELECT pg_advisory_xact_lock(42)")
        answer: list[tuple[Any, ...] | None] = []
        thread = threading.Thread(target=lambda: answer.append(waiting.execute(statement, (user_id,)).fetchone()))
        thread.start()
        wait_until_blocked(database, waiting.info.backend_pid)
        holder.execute("INSERT INTO auth.users (id, email) VALUES (%s, 'a@example.kz')", (user_id,))
        holder.commit()
        thread.join(timeout=60)
    assert answer == [(user_id, 0)]


def wait_until_blocked(connection: Connection, pid: int) -> None:
    deadline = time.monotonic() + 60
    while connection.execute("SELECT FROM pg_locks WHERE pid = %s AND NOT granted", (pid,)).rowcount == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("role", ["anon", "authenticated"])
@pytest.mark.parametrize("call", ["find_auth_user(gen_random_uuid())", "find_auth_user_by_email('a@example.kz')"])
def test_a_browser_may_not_ask(database: Connection, role: str, call: str) -> None:
    with database.transaction(force_rollback=True):
        database.execute(sql.SQL("GRANT USAGE ON SCHEMA tripwire TO anon"))
        database.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
        with pytest.raises(errors.InsufficientPrivilege):
            database.execute(f"SELECT * FROM tripwire.{call}")


def test_a_stand_in_of_an_older_release_will_do(make_database: MakeDatabase, major: int) -> None:
    """It has neither the columns of soft deletion and bans nor identities."""
    url = make_database(server=major)
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        connection.execute(
            "ALTER TABLE auth.users DROP COLUMN IF EXISTS deleted_at, DROP COLUMN IF EXISTS banned_until"
        )
        user_id = add(connection, "Mixed@example.kz")
        assert by_id(connection, user_id)["is_deleted"] is False
        assert [row["id"] for row in by_email(connection, "mixed@example.kz")] == [user_id]
        assert by_email(connection, "nobody@example.kz") == []


def test_auth_users_of_another_make_will_do(database: Connection) -> None:
    database.execute("DROP TABLE auth.identities")
    user_id = add(database, "Mixed@example.kz")
    database.execute("ALTER TABLE auth.users DROP COLUMN is_sso_user CASCADE")
    assert [row["id"] for row in by_email(database, "mixed@example.kz")] == [user_id]


def test_an_owner_who_sees_no_auth_users_is_refused_before_anything_changes(plain_owner: PlainOwner) -> None:
    migrations.upgrade(plain_owner.url, BEFORE)
    with psycopg.connect(plain_owner.superuser_url, autocommit=True) as superuser:
        superuser.execute("ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY")
        for (policy,) in superuser.execute("SELECT polname FROM pg_policy WHERE polrelid = 'auth.users'::regclass"):
            superuser.execute(sql.SQL("DROP POLICY {} ON auth.users").format(sql.Identifier(policy)))
        with pytest.raises(Exception, match=r"sees no rows of auth\.users"):
            migrations.upgrade(plain_owner.url)
        assert migrations.current(plain_owner.url) == BEFORE
        superuser.execute("CREATE POLICY owner ON auth.users TO pg_database_owner USING (true) WITH CHECK (true)")
    migrations.upgrade(plain_owner.url)


@pytest.fixture
def crowded(make_database: MakeDatabase) -> Iterator[Connection]:
    """100,000 auth users on PostgreSQL 17, half of them with a linked identity, and the plans of what functions run."""
    with psycopg.connect(make_database(server=17), autocommit=True, row_factory=dict_row) as connection:
        connection.execute(IDENTITIES)
        connection.execute(
            "INSERT INTO auth.users (id, email) SELECT gen_random_uuid(), 'u' || n || '@mail.kz' FROM generate_series(1, 100000) n"
        )
        connection.execute(
            "INSERT INTO auth.identities (user_id, provider, provider_id, identity_data)"
            " SELECT id, 'google', id, jsonb_build_object('email', 'linked.' || email) FROM auth.users LIMIT 50000"
        )
        connection.execute("VACUUM ANALYZE auth.users, auth.identities")
        connection.execute("LOAD 'auto_explain'")
        connection.execute(
            "SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on;"
            "SET auto_explain.log_analyze = on; SET client_min_messages = log"
        )
        yield connection


def test_look_ups_take_the_index_among_100_000(crowded: Connection) -> None:
    linked = crowded.execute("SELECT email FROM auth.identities LIMIT 1").fetchone()["email"]
    for email in ("u777@mail.kz", "nobody@mail.kz", linked):
        plans = plans_of(crowded, "SELECT * FROM tripwire.find_auth_user_by_email(%s)", email)
        assert "Index Scan using users_email_partial_key on users" in plans, email
        assert "identities_email_idx" in plans or email == "u777@mail.kz", email
        assert "Seq Scan on" not in plans.replace("Seq Scan on pg_", ""), email
    user_id = crowded.execute("SELECT id FROM auth.users OFFSET 500 LIMIT 1").fetchone()["id"]
    plans = plans_of(crowded, "SELECT * FROM tripwire.find_auth_user(%s)", user_id)
    assert "Index Scan using users_pkey on users" in plans
    assert "Seq Scan on" not in plans


def plans_of(connection: Connection, query: str, argument: object) -> str:
    """What the server planned for a call, and for the statements within the functions that it called."""
    told: list[str] = []

    def hear(diagnostic: errors.Diagnostic) -> None:
        told.append(str(diagnostic.message_primary))

    connection.add_notice_handler(hear)
    try:
        # Often enough for plpgsql to settle on the plan that a backend's connection would keep.
        for _ in range(7):
            told.clear()
            connection.execute(query, (argument,))
    finally:
        connection.remove_notice_handler(hear)
    return "\n".join(told)
