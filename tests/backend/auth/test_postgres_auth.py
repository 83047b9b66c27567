"""`PostgresAuth`: rows in the stand-in, one round trip each, and never in Supabase's own schema."""

import logging
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.backend.auth.conftest import AuthUsers
from tests.support.servers.pgbouncer import PgBouncer
from tests.support.servers.postgres import Postgres
from tests.support.servers.proxy import Proxy, Verdict
from tripwire_db.auth import EmailExists, Mark, PostgresAuth
from tripwire_db.errors import AuthFailed, InvalidInput

MakeDatabase = Callable[..., str]


def create(auth: PostgresAuth, email: str = "ann@example.com", password: str | None = None) -> UUID:
    user_id = uuid4()
    auth.create_user(id=user_id, email=email, password=password, full_name="Ann", mark=Mark.STUDENT)
    return user_id


def alter(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def count(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("select count(*) from auth.users").fetchone()
        assert row is not None
        return int(row[0])


# --- what a row holds ----------------------------------------------------------------------------------------------


def test_the_email_counts_as_confirmed(postgres_auth: PostgresAuth, auth_users: AuthUsers) -> None:
    create(postgres_auth)
    row = auth_users.one()
    assert row["email_confirmed_at"] == row["created_at"] is not None


def test_a_password_is_kept_in_no_form(postgres_auth: PostgresAuth, auth_users: AuthUsers) -> None:
    create(postgres_auth, password="correct horse")
    row = auth_users.one()
    assert row["encrypted_password"] is None
    assert "correct horse" not in str(row)


def test_it_works_on_each_version_of_the_server(make_database: MakeDatabase, major: int) -> None:
    with PostgresAuth(make_database(migrated=False, server=major)) as auth:
        user_id = create(auth)
        assert auth.find_user(user_id) is not None
        with pytest.raises(EmailExists):
            create(auth)
        assert auth.delete_user(user_id) is True


def test_deleting_takes_what_hangs_from_the_user_along(make_database: MakeDatabase) -> None:
    url = make_database(migrated=True)
    with PostgresAuth(url) as auth, psycopg.connect(url, autocommit=True) as connection:
        user_id = create(auth)
        connection.execute("insert into public.users (id, email) values (%s, 'ann@example.com')", [user_id])
        assert auth.delete_user(user_id) is True
        assert connection.execute("select 1 from public.users").fetchone() is None


# --- one statement -------------------------------------------------------------------------------------------------


def test_each_call_is_one_round_trip_the_look_at_the_schema_included(
    database_url: str, make_proxy: Callable[[str], Proxy]
) -> None:
    proxy = make_proxy(database_url)
    with PostgresAuth(proxy.url) as auth:
        auth.find_user(uuid4())  # connects
        for call in (
            lambda: create(auth),
            lambda: create(auth, "bob@example.com"),
            lambda: auth.find_user(uuid4()),
            lambda: auth.delete_user(uuid4()),
        ):
            before = proxy.round_trips
            call()
            assert proxy.round_trips - before == 1


@pytest.mark.parametrize("verdict", [v for v in Verdict if v not in {Verdict.FORWARD, Verdict.HANG}])
def test_a_connection_cut_at_any_point_makes_exactly_one_user(
    database_url: str, auth_users: AuthUsers, make_proxy: Callable[[str], Proxy], verdict: Verdict
) -> None:
    proxy = make_proxy(database_url)
    with PostgresAuth(proxy.url) as auth:
        auth.find_user(uuid4())  # connects
        proxy.plan(verdict)
        user_id = create(auth)
        assert auth_users.ids() == {user_id}
        proxy.plan(verdict)
        auth.delete_user(user_id)
        assert auth_users.all() == []


def test_where_every_answer_is_lost_nobody_can_know_and_the_error_says_so(
    database_url: str, auth_users: AuthUsers, make_proxy: Callable[[str], Proxy]
) -> None:
    proxy = make_proxy(database_url)
    with PostgresAuth(proxy.url) as auth:
        auth.find_user(uuid4())  # connects
        proxy.judge = lambda request: Verdict.SWALLOW if "insert" in request.text.lower() else Verdict.FORWARD
        with pytest.raises(AuthFailed, match="nobody can know") as caught:
            create(auth)
        assert caught.value.applied is None
        assert len(auth_users.ids()) == 1


def test_a_server_that_is_not_there_certainly_created_nobody(database_url: str) -> None:
    with (
        PostgresAuth("postgresql://postgres:sesame@127.0.0.1:1/course") as auth,
        pytest.raises(AuthFailed) as caught,
    ):
        create(auth)
    assert caught.value.applied is False
    assert "sesame" not in "".join(traceback.format_exception(caught.value))


def test_a_row_held_by_somebody_else_is_waited_for_a_bounded_time(
    database_url: str, postgres_auth: PostgresAuth
) -> None:
    user_id = create(postgres_auth)
    with psycopg.connect(database_url) as holder:
        holder.execute("select 1 from auth.users where id = %s for update", [user_id])
        began = time.monotonic()
        with pytest.raises(AuthFailed, match="somebody else") as caught:
            postgres_auth.delete_user(user_id)
        assert time.monotonic() - began < 6
        assert caught.value.applied is False
    assert postgres_auth.delete_user(user_id) is True


def test_an_email_that_another_session_is_just_taking_is_waited_for(
    database_url: str, postgres_auth: PostgresAuth
) -> None:
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database_url) as other:
        other.execute("insert into auth.users (id, email) values (%s, 'ann@example.com')", [uuid4()])
        call = pool.submit(create, postgres_auth)
        wait_for_a_lock(database_url)
        other.commit()
        with pytest.raises(EmailExists):
            call.result()


def wait_for_a_lock(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        deadline = time.monotonic() + 5
        while connection.execute(waiting).fetchone() is None:
            assert time.monotonic() < deadline


# --- whose schema it is --------------------------------------------------------------------------------------------

NOT_OURS = {
    "GoTrue's identities": ["create table auth.identities (id uuid)"],
    "GoTrue's migrations": ["create table auth.schema_migrations (version text)"],
    "no mark of ours": ["comment on schema auth is null"],
    "somebody else's mark": ["comment on schema auth is 'Auth: Schema reserved for Supabase'"],
}


@pytest.mark.parametrize("change", NOT_OURS.values(), ids=NOT_OURS)
def test_a_schema_that_is_not_the_stand_in_is_refused_untouched(make_database: MakeDatabase, change: list[str]) -> None:
    url = make_database(migrated=False)
    with PostgresAuth(url) as auth:
        user_id = create(auth)
        alter(url, *change)
        for call in (
            lambda: create(auth, "bob@example.com"),
            lambda: auth.delete_user(user_id),
            lambda: auth.find_user(user_id),
        ):
            with pytest.raises(AuthFailed, match="TRIPWIRE_SUPABASE_URL") as caught:
                call()
            assert caught.value.applied is False
    assert count(url) == 1


def test_a_server_without_the_schema_is_refused_with_what_to_run(make_database: MakeDatabase) -> None:
    with PostgresAuth(make_database(migrated=None)) as auth, pytest.raises(AuthFailed, match="tripwire-db bootstrap"):
        create(auth)


def test_a_role_that_may_not_write_there_is_told_so(make_database: MakeDatabase, postgres: Postgres) -> None:
    url = make_database(migrated=False)
    with (
        PostgresAuth(url.replace("postgres@", "authenticator@", 1)) as auth,
        pytest.raises(AuthFailed, match="may not"),
    ):
        create(auth)


# --- connections and secrets ---------------------------------------------------------------------------------------


def test_it_works_through_a_transaction_pooler(pgbouncer: PgBouncer, make_database: MakeDatabase) -> None:
    url = make_database(migrated=False)
    with PostgresAuth(pgbouncer.url(url.rpartition("/")[2].partition("?")[0])) as auth, ThreadPoolExecutor(20) as pool:
        made = list(pool.map(lambda number: create(auth, f"student{number}@example.com"), range(100)))
        assert len(set(made)) == count(url) == 100


def test_closing_leaves_no_connection(make_database: MakeDatabase) -> None:
    url = make_database(migrated=False)
    name = url.rpartition("/")[2].partition("?")[0]
    with PostgresAuth(url) as auth, ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda number: create(auth, f"student{number}@example.com"), range(40)))
    with psycopg.connect(url.replace(f"/{name}", "/postgres"), autocommit=True) as connection:
        sessions = "select count(*) from pg_stat_activity where datname = %s"
        deadline = time.monotonic() + 5
        while connection.execute(sessions, [name]).fetchone() != (0,):  # a backend needs a moment to go
            assert time.monotonic() < deadline


@pytest.mark.parametrize("url", ["", "mysql://u:sesame@h/d", "postgresql://u:sesame@h/d?unheard=of", None])
def test_a_url_that_is_none_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        PostgresAuth(url)
    assert "sesame" not in str(caught.value)


def test_neither_password_nor_url_is_in_repr_or_log(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with PostgresAuth(database_url.replace("postgres@", "postgres:sesame@", 1)) as auth:
        create(auth, password="correct horse")
        assert "sesame" not in repr(auth) + caplog.text
        assert "correct horse" not in caplog.text


def test_an_email_that_differs_only_by_case_is_taken(postgres_auth: PostgresAuth, database_url: str) -> None:
    alter(database_url, f"INSERT INTO auth.users (id, email) VALUES ('{uuid4()}', 'Foreign@Example.com')")
    with pytest.raises(EmailExists) as taken:
        create(postgres_auth, "foreign@example.com")
    assert taken.value.certain
    assert count(database_url) == 1
