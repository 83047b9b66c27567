"""The matrix has a line for every table and function there is: a new one without a line fails here."""

from typing import Any

import psycopg
import pytest

from tests.access import matrix

Connection = psycopg.Connection[Any]


def test_every_table_and_view_of_the_api_has_a_line(course: Connection) -> None:
    found = course.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm', 'p', 'f')"
    ).fetchall()
    assert sorted(name for (name,) in found) == sorted(matrix.lines(matrix.TABLES))


def test_every_function_of_the_api_has_a_line(course: Connection) -> None:
    found = course.execute("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace").fetchall()
    # One line, one function: a second signature of the same name would be an overload nobody has looked at.
    assert sorted(name for (name,) in found) == sorted(matrix.lines(matrix.FUNCTIONS))


def test_every_helper_has_a_line(course: Connection) -> None:
    found = course.execute("SELECT proname FROM pg_proc WHERE pronamespace = 'tripwire'::regnamespace").fetchall()
    helpers = [
        *matrix.SELF_HELPERS,
        *matrix.CHECKING_HELPERS,
        *matrix.ARGUMENT_HELPERS,
        *matrix.OWNERS_HELPERS,
        *matrix.BACKENDS_HELPERS,
    ]
    assert sorted(name for (name,) in found) == sorted(helpers)


def test_every_caller_has_a_column_in_both_grids() -> None:
    assert {cell.who for cell in matrix.cells(matrix.FUNCTIONS)} == set(matrix.CALLERS)


def test_nothing_but_tables_and_functions_is_in_the_api(course: Connection) -> None:
    found = course.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'"
        " UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('d', 'e', 'm')"
    ).fetchall()
    assert found == []


PLANTED = {
    "CREATE TABLE public.planted (id integer PRIMARY KEY)": test_every_table_and_view_of_the_api_has_a_line,
    "CREATE VIEW public.planted AS SELECT 1 AS id": test_every_table_and_view_of_the_api_has_a_line,
    "CREATE FUNCTION public.planted() RETURNS integer LANGUAGE sql AS 'SELECT 1'": (
        test_every_function_of_the_api_has_a_line
    ),
    "CREATE FUNCTION public.rpc_get_manager_stats(id uuid) RETURNS integer LANGUAGE sql AS 'SELECT 1'": (
        test_every_function_of_the_api_has_a_line
    ),
    "CREATE FUNCTION tripwire.planted() RETURNS integer LANGUAGE sql AS 'SELECT 1'": test_every_helper_has_a_line,
}


@pytest.mark.parametrize("planted", PLANTED)
def test_what_has_no_line_is_noticed(course: Connection, planted: str) -> None:
    with course.transaction(force_rollback=True):
        course.execute(planted)
        with pytest.raises(AssertionError):
            PLANTED[planted](course)
