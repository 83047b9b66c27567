"""Tokens that are no good, or claim more than they may: the status codes of PostgREST, and nothing given away."""

import base64
import json
import time
from typing import Any

import jwt
import psycopg
import pytest

from tests.access import matrix
from tests.access.acting import acting_as
from tests.access.api import Api, bearer
from tests.access.calls import arguments
from tests.access.matrix import cells
from tests.access.people import claims, person, row, token
from tests.support.servers.postgrest import JWT_SECRET

Connection = psycopg.Connection[Any]
TABLES = matrix.lines(matrix.TABLES)
FUNCTIONS = [name for name in matrix.lines(matrix.FUNCTIONS) if name not in matrix.TRIGGER_FUNCTIONS]


def unsigned(who: str) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims(who))
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def tampered() -> str:
    """Give a student's token whose claims were exchanged for service_role's, with the old signature."""
    head, _, signature = token("student").split(".")
    return f"{head}.{token('service_role').split('.')[1]}.{signature}"


BAD_TOKENS = {
    "expired": lambda: token("admin", exp=int(time.time()) - 3600),
    "forged": lambda: token("admin", secret="another secret of more than thirty-two characters"),
    "forged service_role": lambda: token("service_role", secret="another secret of more than thirty-two characters"),
    "alg none": lambda: unsigned("admin"),
    "alg none service_role": lambda: unsigned("service_role"),
    "tampered": tampered,
    "cut short": lambda: token("admin").rsplit(".", 1)[0],
    "garbage": lambda: "not.a.token",
    "other algorithm": lambda: jwt.encode(claims("admin"), JWT_SECRET * 2, algorithm="HS512"),
}


@pytest.mark.parametrize("kind", BAD_TOKENS)
def test_a_token_that_is_not_ours_is_refused(api: Api, kind: str) -> None:
    caller = {"Authorization": f"Bearer {BAD_TOKENS[kind]()}"}
    for answer in (
        api.select(caller, row("users", "student")),
        api.insert(caller, row("users", "newcomer")),
        api.update(caller, row("tripwire_users", "student")),
        api.delete(caller, row("certificates", "student")),
        api.call(caller, "rpc_get_sales_leaderboard", {"limit_count": 5}),
    ):
        assert answer.status_code == 401, answer.text
        assert answer.json()["code"].startswith("PGRST30"), answer.text
        assert "WWW-Authenticate" in answer.headers


@pytest.mark.parametrize("kind", ["expired", "forged", "alg none"])
def test_a_bad_token_is_told_by_its_code(api: Api, kind: str) -> None:
    answer = api.select({"Authorization": f"Bearer {BAD_TOKENS[kind]()}"}, row("users", "student"))
    assert (answer.status_code, answer.json()["code"]) == (401, "PGRST301")


def test_a_role_that_the_api_may_not_become_is_refused(api: Api) -> None:
    answer = api.select(bearer("admin", role="postgres"), row("users", "student"))
    assert (answer.status_code, answer.json()["code"]) == (403, "42501")


@pytest.mark.parametrize("role", ["nobody_of_this_name", "", "anon; set role postgres"])
def test_a_role_that_does_not_exist_is_refused(api: Api, role: str) -> None:
    answer = api.select(bearer("admin", role=role), row("users", "student"))
    assert (answer.status_code, answer.json()["code"]) == (400, "22023")


def test_a_token_without_a_role_is_a_visitor_without_a_name(api: Api) -> None:
    caller = bearer("admin", role=None)
    for table in TABLES:
        assert api.select(caller, row(table, "admin")).status_code == 401
    for function in FUNCTIONS:
        assert api.call(caller, function, arguments(function, "admin")).status_code == 401


def test_a_token_without_a_subject_reads_nothing(api: Api) -> None:
    caller = bearer("admin", sub=None)
    for table in TABLES:
        answer = api.request("GET", f"/{table}", caller)
        assert (answer.status_code, answer.json()) == (200, []), table
    for function in FUNCTIONS:
        answer = api.call(caller, function, arguments(function, "student"))
        assert (answer.status_code, answer.json()["code"]) == (403, "42501"), function


@pytest.mark.parametrize("subject", ["not a uuid", "1 OR true", "'; DROP TABLE users; --"])
def test_a_subject_that_is_no_uuid_is_refused(api: Api, subject: str) -> None:
    caller = bearer("admin", sub=subject)
    for table in TABLES:
        answer = api.request("GET", f"/{table}", caller)
        assert (answer.status_code, answer.json()["code"]) == (400, "22P02"), table
    for function in FUNCTIONS:
        answer = api.call(caller, function, arguments(function, "student"))
        assert (answer.status_code, answer.json()["code"]) == (400, "22P02"), function


PRIVILEGE_IN_CLAIMS = {
    "app_metadata": {"role": "service_role", "roles": ["admin"], "claims_admin": True},
    "user_metadata": {"role": "admin", "is_admin": True},
    "user_role": "admin",
    "is_super_admin": True,
    "aal": "aal2",
}


@pytest.mark.parametrize("who", ["unknown", "blocked", "student", "sales_manager"])
def test_what_a_token_says_beside_who_one_is_changes_nothing(api: Api, who: str) -> None:
    for plain, boastful in ((bearer(who), bearer(who, **PRIVILEGE_IN_CLAIMS)),):
        for table in TABLES:
            answers = [
                api.request("GET", f"/{table}", caller, params={"order": _key(table)}) for caller in (plain, boastful)
            ]
            assert answers[0].json() == answers[1].json(), table
            assert answers[1].status_code == 200
        for function in FUNCTIONS:
            statuses = {
                api.call(caller, function, arguments(function, "boss")).status_code for caller in (plain, boastful)
            }
            assert len(statuses) == 1, function


def test_the_metadata_of_the_auth_user_gives_no_role(course: Connection, api: Api) -> None:
    """A person edits raw_user_meta_data at will; the role is read from public.users alone."""
    course.execute(
        """UPDATE auth.users SET raw_user_meta_data = '{"role": "admin"}', raw_app_meta_data = '{"role": "admin"}'"""
        " WHERE id = %s",
        [person("student")],
    )
    answer = api.request("GET", "/users", "student")
    assert [found["id"] for found in answer.json()] == [str(person("student"))]
    assert api.call("student", "rpc_get_sales_leaderboard", {}).status_code == 403


@pytest.mark.parametrize("who", [name for name in matrix.CALLERS if name not in ("anon", "service_role")])
def test_an_authenticated_session_that_claims_service_role_is_none(course: Connection, who: str) -> None:
    for claimed in ("service_role", "postgres", "supabase_admin"):
        with acting_as(course, who, role=claimed):
            assert course.execute("SELECT tripwire.is_backend()").fetchone() == (False,)
            for cell in cells(matrix.TABLES):
                if cell.who == who and not cell.reads("other"):
                    found = course.execute(
                        f"SELECT count(*) FROM public.{cell.what} AS t WHERE t::text LIKE '%stranger%'"
                    )
                    assert found.fetchone() == (0,), cell


def test_an_authenticated_session_without_claims_is_nobody(course: Connection) -> None:
    with course.transaction(force_rollback=True):
        course.execute("SET LOCAL ROLE authenticated")
        assert course.execute("SELECT tripwire.is_backend(), tripwire.caller_role()").fetchone() == (False, None)
        for table in TABLES:
            assert course.execute(f"SELECT count(*) FROM public.{table}").fetchone() == (0,), table


def test_a_service_role_token_is_a_backend_whatever_its_subject(api: Api) -> None:
    caller = bearer("service_role", sub=str(person("blocked")))
    assert len(api.select(caller, row("certificates", "stranger")).json()) == 1
    assert api.call(caller, "rpc_get_manager_stats", arguments("rpc_get_manager_stats", "boss")).status_code == 200


def _key(table: str) -> str:
    return "user_id" if table == "user_statistics" else "id"
