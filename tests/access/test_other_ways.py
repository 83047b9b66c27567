"""Ways around the front door: the API's own description, embedding, upserts, counts, GET for a function, leaky operators."""

from typing import Any

import psycopg
import pytest

from tests.access import matrix
from tests.access.acting import acting_as
from tests.access.api import Api
from tests.access.calls import arguments
from tests.access.matrix import SUBJECTS, Cell, cells
from tests.access.people import person, subject

FUNCTIONS = [cell for cell in cells(matrix.FUNCTIONS) if cell.what not in matrix.TRIGGER_FUNCTIONS]
TABLES = matrix.lines(matrix.TABLES)
SIGNED_IN = [who for who in matrix.CALLERS if who not in ("anon", "service_role")]


def test_the_api_describes_nothing_to_a_visitor_without_a_name(api: Api) -> None:
    assert list(api.request("GET", "/", "anon").json()["paths"]) == ["/"]


@pytest.mark.parametrize("who", SIGNED_IN)
def test_the_api_describes_no_helper(api: Api, who: str) -> None:
    described = {path.strip("/") for path in api.request("GET", "/", who).json()["paths"]} - {""}
    assert described == {*TABLES, *(f"rpc/{name}" for name in {cell.what for cell in FUNCTIONS})}


@pytest.mark.parametrize("cell", FUNCTIONS, ids=lambda cell: f"{cell.who}-{cell.what}")
def test_a_function_asked_by_get_answers_the_same(api: Api, cell: Cell) -> None:
    for which in SUBJECTS:
        given = arguments(cell.what, subject(cell.who, which))
        answer = api.request("GET", f"/rpc/{cell.what}", cell.who, params=given)
        assert answer.status_code == (200 if cell.reads(which) else 401 if cell.who == "anon" else 403), answer.text


@pytest.mark.parametrize("who", SIGNED_IN)
def test_a_write_without_a_filter_or_as_an_upsert_is_refused(api: Api, who: str) -> None:
    own = {"user_id": str(person(who)), "email": f"{who}@example.kz", "full_name": "X", "price": 0}
    merge = {"Prefer": "tx=rollback,resolution=merge-duplicates"}
    for answer in (
        api.request("PATCH", "/tripwire_users", who, json={"price": 0}),
        api.request("DELETE", "/tripwire_users", who),
        api.request("POST", "/tripwire_users", who, json=own, headers=merge),
        api.request("POST", "/tripwire_users", who, json=own, params={"on_conflict": "user_id"}, headers=merge),
        api.request("POST", "/tripwire_users", who, json=[own], params={"columns": "user_id,email,full_name,price"}),
        api.request("PATCH", "/users", who, params={"id": f"eq.{person(who)}", "select": "id"}, json={"role": "admin"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "42501"), answer.text


def test_a_count_counts_what_the_caller_reads(api: Api) -> None:
    for who, counted in (("student", "0-0/1"), ("sales_manager", "0-1/2"), ("unknown", "*/0")):
        answer = api.request("GET", "/tripwire_users", who, headers={"Prefer": "count=exact"})
        assert answer.headers["Content-Range"] == counted


def test_embedding_shows_no_more_than_the_table_itself(api: Api) -> None:
    params = {"select": "id,student_progress(user_id),video_tracking(user_id)", "id": "eq.67"}
    (lesson,) = api.request("GET", "/lessons", "student", params=params).json()
    mine = [{"user_id": str(person("student"))}]
    assert (lesson["student_progress"], lesson["video_tracking"]) == (mine, mine)
    params = {"select": "user_id,lessons!inner(id)", "lessons.id": "eq.67"}
    assert api.request("GET", "/video_tracking", "blocked", params=params).json() == []


def test_an_aggregate_sees_the_same_rows(course: psycopg.Connection[Any]) -> None:
    with acting_as(course, "sales_manager"):
        assert course.execute("SELECT count(*), count(DISTINCT user_id) FROM public.tripwire_users").fetchone() == (
            2,
            2,
        )


@pytest.mark.parametrize("table", [name for name in TABLES if name not in matrix.NOBODYS_TABLES])
def test_a_function_that_tells_what_it_is_given_is_given_only_rows_that_may_be_read(
    course: psycopg.Connection[Any], table: str
) -> None:
    """However cheap it claims to be: only what is marked leakproof, by a superuser, runs before a policy."""
    seen: list[str] = []

    def note(diagnostic: psycopg.errors.Diagnostic) -> None:
        seen.append(str(diagnostic.message_primary))

    course.add_notice_handler(note)
    try:
        with acting_as(course, "student"):
            course.execute(
                "CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS"
                " $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$"
            )
            course.execute(f"SELECT count(*) FROM public.{table} AS told WHERE pg_temp.tell(told::text)")
    finally:
        course.remove_notice_handler(note)
    assert len(seen) == (0 if table == "sales_activity_log" else 1)
    assert all(str(person("student")) in row for row in seen)
