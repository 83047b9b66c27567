"""Who counts as a backend: the role of the session decides, in every way a backend may log in."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import errors, sql

from tests.access import matrix
from tests.access.calls import arguments
from tests.access.people import person, row

Connection = psycopg.Connection[Any]
Login = Callable[..., Connection]
FUNCTIONS = [name for name in matrix.lines(matrix.FUNCTIONS) if name not in matrix.TRIGGER_FUNCTIONS]


@pytest.fixture
def login(course: Connection, course_url: str) -> Iterator[Login]:
    """Give a factory: a connection of a new login with these attributes, a member of these roles."""
    made: list[tuple[sql.Identifier, Connection]] = []

    def create(attributes: str, *member_of: str) -> Connection:
        name = f"login_{uuid4().hex[:12]}"
        role = sql.Identifier(name)
        course.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret' " + attributes).format(role))
        for other in member_of:
            course.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(other), role))
        connection = psycopg.connect(course_url, user=name, password="secret", autocommit=True)
        made.append((role, connection))
        return connection

    yield create
    for role, connection in made:
        connection.execute("DISCARD ALL")  # a role that owns temporary objects cannot be dropped
        connection.close()
        course.execute(sql.SQL("DROP ROLE {}").format(role))


def is_backend(connection: Connection) -> bool:
    (answer,) = connection.execute("SELECT tripwire.is_backend()").fetchone() or (None,)
    assert isinstance(answer, bool)
    return answer


def test_the_owner_is_a_backend(course: Connection) -> None:
    assert is_backend(course)


def test_service_role_is_a_backend(course: Connection) -> None:
    with course.transaction(force_rollback=True):
        course.execute("SET LOCAL ROLE service_role")
        assert is_backend(course)


def test_a_login_that_inherits_service_role_is_a_backend_and_does_everything(login: Login) -> None:
    """BYPASSRLS is not inherited, so the policies let it through."""
    connection = login("INHERIT", "service_role")
    assert is_backend(connection)
    for table in matrix.lines(matrix.TABLES):
        with connection.transaction(force_rollback=True):
            made = row(table, "newcomer")
            columns, values = ", ".join(made.values), ", ".join(["%s"] * len(made.values))
            connection.execute(
                f"INSERT INTO public.{table} ({columns}) VALUES ({values})",
                [
                    psycopg.types.json.Jsonb(value) if isinstance(value, dict) else value
                    for value in made.values.values()
                ],
            )
            where = " AND ".join(f"{column} = %s" for column in made.found_by)
            keys = list(made.found_by.values())
            assert connection.execute(f"SELECT FROM public.{table} WHERE {where}", keys).rowcount == 1, table
            column = made.key[0]
            update = f"UPDATE public.{table} SET {column} = {column} WHERE {where}"
            assert connection.execute(update, keys).rowcount == 1, table
            assert connection.execute(f"DELETE FROM public.{table} WHERE {where}", keys).rowcount == 1, table
    for function in FUNCTIONS:
        given = arguments(function, "boss")
        named = ", ".join(f"{name} => %s" for name in given)
        connection.execute(f"SELECT public.{function}({named})", list(given.values()))


def test_a_login_that_only_may_become_service_role_is_one_after_set_role(login: Login) -> None:
    connection = login("NOINHERIT", "service_role")
    with pytest.raises(errors.InsufficientPrivilege):
        connection.execute("SELECT tripwire.is_backend()")
    connection.execute("SET ROLE service_role")
    assert is_backend(connection)
    connection.execute("SELECT public.rpc_get_sales_leaderboard()")


def test_the_api_s_login_is_none_until_it_becomes_service_role(login: Login, course: Connection) -> None:
    """PostgREST logs in as authenticator, so its session alone gives nothing, whatever its role may become."""
    with course.transaction(force_rollback=True):
        course.execute("SET LOCAL SESSION AUTHORIZATION authenticator")
        with pytest.raises(errors.InsufficientPrivilege), course.transaction():
            course.execute("SELECT tripwire.is_backend()")
        course.execute("SET LOCAL ROLE authenticated")
        assert not is_backend(course)
        course.execute("SET LOCAL ROLE service_role")
        assert is_backend(course)


def test_even_an_authenticator_that_inherits_is_none(course: Connection) -> None:
    """As on a server where somebody granted the membership WITH INHERIT, or made the login INHERIT."""
    with course.transaction(force_rollback=True):
        course.execute("ALTER ROLE authenticator INHERIT")
        if course.info.server_version >= 160000:
            course.execute("GRANT service_role, authenticated TO authenticator WITH INHERIT TRUE")
        course.execute("SET LOCAL SESSION AUTHORIZATION authenticator")
        assert not is_backend(course)
        with pytest.raises(errors.InsufficientPrivilege):
            course.execute("SELECT public.rpc_get_sales_leaderboard()")


def test_a_login_that_inherits_authenticated_is_no_backend(login: Login) -> None:
    connection = login("INHERIT", "authenticated")
    assert not is_backend(connection)
    assert connection.execute("SELECT FROM public.users").rowcount == 0


def test_a_backend_that_acts_for_a_person_is_that_person(login: Login) -> None:
    connection = login("INHERIT", "service_role", "authenticated")
    connection.execute("SET ROLE authenticated")
    connection.execute("SELECT set_config('request.jwt.claim.sub', %s, false)", [str(person("student"))])
    assert not is_backend(connection)
    assert connection.execute("SELECT FROM public.tripwire_users").rowcount == 1


def test_a_login_with_nothing_has_nothing(login: Login) -> None:
    connection = login("INHERIT")
    for statement in (
        "SELECT FROM public.users",
        "SELECT FROM public.certificates",
        "SELECT public.rpc_get_sales_leaderboard()",
        "SELECT tripwire.is_backend()",
        "SELECT FROM tripwire.alembic_version",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(statement)


SHADOWED = (
    "uuid",
    "text",
    "bool",
    "name",
    "int4",
    "int8",
    "numeric",
    "date",
    "timestamp",
    "timestamptz",
    "interval",
    "jsonb",
)


def test_a_caller_s_own_types_do_not_get_into_a_helper(login: Login, course: Connection) -> None:
    """The schema of temporary objects is searched for types even where search_path is empty, so names are written out.

    A domain that the caller made runs the caller's function wherever it is cast to: in a helper, with the owner's rights.
    """
    connection = login("INHERIT", "authenticated")
    connection.execute(
        "CREATE FUNCTION pg_temp.refuse() RETURNS pg_catalog.bool LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE 'run as %', current_user; END $$"
    )
    for name in SHADOWED:
        connection.execute(f"CREATE DOMAIN pg_temp.{name} AS pg_catalog.{name} CHECK (pg_temp.refuse())")
    for table in matrix.lines(matrix.TABLES):
        connection.execute(f"CREATE TEMP TABLE {table} (id pg_catalog.int4)")
    connection.execute("SELECT set_config('request.jwt.claim.sub', %s, false)", [str(person("sales_manager"))])
    (found,) = connection.execute("SELECT tripwire.readable_student_ids()").fetchone() or (None,)
    assert set(found) == {person("sales_manager"), person("student of sales_manager")}
    for function in FUNCTIONS:
        given = arguments(function, "sales_manager")
        named = ", ".join(f"{name} => %s" for name in given)
        connection.execute(f"SELECT public.{function}({named})", list(given.values()))
    for helper in matrix.SELF_HELPERS:
        connection.execute(f"SELECT tripwire.{helper}()")
