"""Every caller, every table, every function, through PostgREST with signed tokens: what the matrix says and no more."""

import pytest

from tests.access import matrix
from tests.access.api import Api
from tests.access.calls import arguments
from tests.access.matrix import ACTIONS, SUBJECTS, Cell, cells
from tests.access.people import row, subject

TABLES = [
    pytest.param(cell, action, id=f"{cell.who}-{action}-{cell.what}")
    for cell in cells(matrix.TABLES)
    for action in ACTIONS
]
FUNCTIONS = [pytest.param(cell, id=f"{cell.who}-{cell.what}") for cell in cells(matrix.FUNCTIONS)]


@pytest.mark.parametrize(("cell", "action"), TABLES)
def test_a_table_gives_each_caller_what_the_matrix_says(api: Api, cell: Cell, action: str) -> None:
    for which in SUBJECTS:
        # What may be inserted is made for somebody who has no rows yet; what may not is tried for the subject itself.
        made = action == "insert" and cell.allows(action, which)
        found = row(cell.what, "newcomer" if made else subject(cell.who, which))
        answer = getattr(api, action)(cell.who, found)
        said = f"{cell.who} {action} {which} {cell.what}: {answer.status_code} {answer.text}"
        if cell.allows(action, which):
            assert answer.status_code == (201 if action == "insert" else 200), said
            assert len(answer.json()) == 1, said
        elif action == "select" and cell.who != "anon":
            assert answer.status_code == 200, said
            assert answer.json() == [], said
        else:
            assert answer.status_code == (401 if cell.who == "anon" else 403), said
            assert answer.json()["code"] == "42501", said


@pytest.mark.parametrize("cell", FUNCTIONS)
def test_a_function_answers_whom_the_matrix_says(api: Api, cell: Cell) -> None:
    for which in SUBJECTS:
        answer = api.call(cell.who, cell.what, arguments(cell.what, subject(cell.who, which)))
        said = f"{cell.who} asks {cell.what} about {which}: {answer.status_code} {answer.text}"
        if cell.what == "update_updated_at_column":
            assert answer.status_code == 404, said  # PostgREST shows no function that returns a trigger
        elif cell.what in matrix.TRIGGER_FUNCTIONS and cell.who == "service_role":
            assert (answer.status_code, answer.json()["code"]) == (400, "0A000"), said  # may run it, and it cannot be
        elif cell.reads(which):
            assert answer.status_code == 200, said
        else:
            assert answer.status_code == (401 if cell.who == "anon" else 403), said
            assert answer.json()["code"] == "42501", said


@pytest.mark.parametrize("who", [cell.who for cell in cells(matrix.TABLES) if cell.what == "users"])
def test_unfiltered_a_table_holds_no_row_that_the_matrix_does_not_name(api: Api, who: str) -> None:
    for cell in cells(matrix.TABLES):
        if cell.who != who or who in ("anon", "admin", "service_role") or cell.what in matrix.NOBODYS_TABLES:
            continue
        answer = api.request("GET", f"/{cell.what}", who)
        expected = [row(cell.what, subject(who, which)).found_by for which in SUBJECTS if cell.reads(which)]
        found = [{column: body[column] for column in keys} for body in answer.json() for keys in expected[:1]]
        wanted = [{column: str(value) for column, value in keys.items()} for keys in expected]
        assert sorted(map(str, found)) == sorted(map(str, wanted)), f"{who} {cell.what}: {answer.text}"


@pytest.mark.parametrize("schema", ["tripwire", "auth", "pg_catalog"])
@pytest.mark.parametrize("who", matrix.CALLERS)
def test_no_other_schema_is_served(api: Api, who: str, schema: str) -> None:
    answer = api.request("GET", "/alembic_version", who, headers={"Accept-Profile": schema})
    assert answer.status_code == 406, answer.text
    assert answer.json()["code"] == "PGRST106", answer.text


@pytest.mark.parametrize("who", matrix.CALLERS)
def test_helpers_and_the_version_are_not_served(api: Api, who: str) -> None:
    assert api.request("GET", "/alembic_version", who).status_code == 404
    for helper in (*matrix.SELF_HELPERS, *matrix.CHECKING_HELPERS, *matrix.OWNERS_HELPERS):
        assert api.call(who, helper, {}).status_code == 404, helper
