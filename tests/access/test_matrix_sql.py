"""The same matrix in SQL, with SET ROLE and the claims of a token: nothing depends on PostgREST being in between."""

from typing import Any

import psycopg
import pytest
from psycopg import errors, sql

from tests.access import matrix
from tests.access.acting import acting_as
from tests.access.calls import arguments, helper_arguments
from tests.access.matrix import ACTIONS, SUBJECTS, Cell, cells
from tests.access.people import CHANGES, Row, insertion, parameters, row, subject

TABLES = [
    pytest.param(cell, action, id=f"{cell.who}-{action}-{cell.what}")
    for cell in cells(matrix.TABLES)
    for action in ACTIONS
]
FUNCTIONS = [pytest.param(cell, id=f"{cell.who}-{cell.what}") for cell in cells(matrix.FUNCTIONS)]

Connection = psycopg.Connection[Any]


@pytest.mark.parametrize(("cell", "action"), TABLES)
def test_a_table_gives_each_caller_what_the_matrix_says(course: Connection, cell: Cell, action: str) -> None:
    for which in SUBJECTS:
        made = action == "insert" and cell.allows(action, which)
        found = row(cell.what, "newcomer" if made else subject(cell.who, which))
        said = f"{cell.who} {action} {which} {cell.what}"
        with acting_as(course, cell.who):
            if cell.allows(action, which):
                assert perform(course, action, found) == 1, said
            elif action == "select" and cell.who != "anon":
                assert perform(course, action, found) == 0, said
            else:
                with pytest.raises(errors.InsufficientPrivilege), course.transaction():
                    perform(course, action, found)


@pytest.mark.parametrize("cell", FUNCTIONS)
def test_a_function_answers_whom_the_matrix_says(course: Connection, cell: Cell) -> None:
    for which in SUBJECTS:
        given = arguments(cell.what, subject(cell.who, which))
        call = sql.SQL("SELECT public.{}({})").format(
            sql.Identifier(cell.what),
            sql.SQL(", ").join(
                sql.SQL("{} => {}").format(sql.Identifier(name), sql.Literal(value)) for name, value in given.items()
            ),
        )
        with acting_as(course, cell.who):
            if cell.reads(which):
                course.execute(call)
            else:
                # service_role may hold EXECUTE on a trigger function, which still is none that can be called.
                with pytest.raises((errors.InsufficientPrivilege, errors.FeatureNotSupported)), course.transaction():
                    course.execute(call)


@pytest.mark.parametrize("helper", matrix.CHECKING_HELPERS)
@pytest.mark.parametrize("who", matrix.CALLERS)
def test_a_helper_refuses_whom_its_function_refuses(course: Connection, who: str, helper: str) -> None:
    allowed = next(
        cell for cell in cells(matrix.FUNCTIONS) if (cell.what, cell.who) == (matrix.CHECKING_HELPERS[helper], who)
    )
    for which in SUBJECTS:
        given = helper_arguments(helper, subject(who, which))
        call = sql.SQL("SELECT tripwire.{}({})").format(
            sql.Identifier(helper), sql.SQL(", ").join(sql.Placeholder() * len(given))
        )
        with acting_as(course, who):
            if allowed.reads(which):
                course.execute(call, given)
            else:
                with pytest.raises(errors.InsufficientPrivilege), course.transaction():
                    course.execute(call, given)


@pytest.mark.parametrize("helper", matrix.OWNERS_HELPERS)
@pytest.mark.parametrize("who", matrix.CALLERS)
def test_nobody_runs_a_helper_of_the_owner(course: Connection, who: str, helper: str) -> None:
    may = course.execute(
        "SELECT has_function_privilege(%s, oid, 'EXECUTE') FROM pg_proc WHERE pronamespace = 'tripwire'::regnamespace"
        " AND proname = %s",
        [who if who in ("anon", "service_role") else "authenticated", helper],
    ).fetchall()
    assert may == [(False,)]


def test_a_visitor_without_a_name_runs_no_helper(course: Connection) -> None:
    may = course.execute(
        "SELECT proname FROM pg_proc WHERE pronamespace IN ('tripwire'::regnamespace, 'public'::regnamespace)"
        " AND has_function_privilege('anon', oid, 'EXECUTE')"
    ).fetchall()
    assert may == []
    assert course.execute("SELECT has_schema_privilege('anon', 'tripwire', 'USAGE')").fetchone() == (False,)


@pytest.mark.parametrize("who", matrix.CALLERS)
def test_nobody_of_the_api_reads_or_writes_what_else_is_in_the_unexposed_schema(course: Connection, who: str) -> None:
    role = who if who in ("anon", "service_role") else "authenticated"
    may = course.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'tripwire'::regnamespace AND relkind IN ('r', 'v', 'm', 'p')"
        " AND has_table_privilege(%s, oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')",
        [role],
    ).fetchall()
    assert may == []


def perform(connection: Connection, action: str, found: Row) -> int:
    """Do one of ACTIONS with one row, and tell how many rows it reached."""
    where = sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(sql.Identifier(column), sql.Placeholder()) for column in found.found_by
    )
    keys = parameters(found.found_by)
    table = sql.Identifier("public", found.table)
    match action:
        case "select":
            cursor = connection.execute(sql.SQL("SELECT * FROM {} WHERE {}").format(table, where), keys)
        case "insert":
            cursor = connection.execute(insertion(found), parameters(found.values))
        case "update":
            change = CHANGES[found.table]
            changes = sql.SQL(", ").join(
                sql.SQL("{} = {}").format(sql.Identifier(column), sql.Placeholder()) for column in change
            )
            cursor = connection.execute(
                sql.SQL("UPDATE {} SET {} WHERE {}").format(table, changes, where), parameters(change) + keys
            )
        case _:
            cursor = connection.execute(sql.SQL("DELETE FROM {} WHERE {}").format(table, where), keys)
    return cursor.rowcount
