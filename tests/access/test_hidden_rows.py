"""What row-level security cannot hide, and how PostgREST is told to refuse it; what neighbours cannot change about it."""

from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from tests.access.acting import acting_as
from tests.access.api import bearer
from tests.access.people import person, settle
from tripwire_db import migrations

RECIPE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "dba" / "estimated_counts.sql"
EVERYWHERE = "anon, authenticated, service_role, PUBLIC"


@pytest.fixture
def guarded(make_database, make_postgrest):
    """PostgREST in front of a settled course whose DBA has run the recipe."""
    url = make_database()
    made, told = RECIPE.read_text(encoding="utf-8").split("COMMIT;")
    with psycopg.connect(url, autocommit=True) as connection:
        settle(connection)
        connection.execute("ANALYZE")
        connection.execute(f"{made}COMMIT;")
        # Of this database alone: the role belongs to all tests of the server.
        connection.execute(
            sql.SQL(told.split(";")[0].replace("authenticator SET", "authenticator IN DATABASE {} SET")).format(
                sql.Identifier(connection.info.dbname)
            )
        )
    with httpx.Client(base_url=make_postgrest(url).url, timeout=20) as client:
        yield client


def ask(client: httpx.Client, who: str, *prefers: str, **headers: Any) -> httpx.Response:
    return client.get(
        "/tripwire_users", headers=[*bearer(who).items(), *(("Prefer", value) for value in prefers), *headers.items()]
    )


@pytest.mark.parametrize(
    "prefers",
    [
        ["count=planned"],
        ["count=estimated"],
        ["Count=Planned"],
        ["return=minimal, count=planned"],
        ["count=planned", "return=minimal"],
        ["return=minimal", "count=planned"],
        ["count=planned", "count=exact"],
    ],
)
def test_estimated_counts_are_refused_to_browsers_however_they_ask(guarded, prefers):
    for who in ("student", "sales_manager", "admin"):
        answer = ask(guarded, who, *prefers)
        assert answer.status_code == 400, who
        assert "content-range" not in answer.headers


def test_everything_else_is_answered_as_before(guarded):
    refused = ask(guarded, "student", "count=planned").json()
    assert refused["code"] == "22023"
    assert "Prefer" in refused["message"]
    assert ask(guarded, "student").headers["content-range"] == "0-0/*"
    assert ask(guarded, "service_role", "count=planned").status_code in (200, 206)
    assert ask(guarded, "anon").status_code == 401
    call = guarded.post("/rpc/rpc_get_sales_leaderboard", json={}, headers=bearer("sales_manager"))
    assert call.status_code == 200


def test_default_privileges_without_a_schema_leave_nobody_of_the_api_a_right(make_database):
    url = make_database(migrated=False)
    with psycopg.connect(url, autocommit=True) as connection:
        for what in ("TABLES", "SEQUENCES", "FUNCTIONS", "SCHEMAS"):
            connection.execute(f"ALTER DEFAULT PRIVILEGES GRANT ALL ON {what} TO {EVERYWHERE}")

        migrations.upgrade(url)

        rights = {
            "the version table": "has_table_privilege(%(role)s, 'tripwire.alembic_version', 'SELECT, INSERT, UPDATE, DELETE')",
            "creating in the schema": "has_schema_privilege(%(role)s, 'tripwire', 'CREATE')",
        }
        found = {
            (role, what): connection.execute(f"SELECT {right}", {"role": role}).fetchone()
            for role in ("anon", "authenticated", "service_role")
            for what, right in rights.items()
        }
        assert set(found.values()) == {(False,)}, found
        assert connection.execute("SELECT has_schema_privilege('anon', 'tripwire', 'USAGE')").fetchone() == (False,)
        anybody = connection.execute(
            """
            SELECT relname FROM pg_class
            WHERE relnamespace IN ('public'::regnamespace, 'tripwire'::regnamespace) AND relkind IN ('r', 'v', 'S')
                AND (has_table_privilege('anon', oid, 'SELECT')
                     OR relnamespace = 'tripwire'::regnamespace AND has_table_privilege('authenticated', oid, 'SELECT'))
            UNION ALL
            SELECT proname FROM pg_proc
            WHERE pronamespace IN ('public'::regnamespace, 'tripwire'::regnamespace)
                AND has_function_privilege('anon', oid, 'EXECUTE')
            """
        ).fetchall()
        assert anybody == []


def test_an_operator_planted_in_public_makes_nobody_somebody_else(course):
    with course.transaction(force_rollback=True):
        course.execute(
            "CREATE FUNCTION public.somebody(jsonb, jsonb) RETURNS text LANGUAGE sql"
            f" AS $$ SELECT '{person('boss')}' $$;"
            " CREATE OPERATOR public.->> (LEFTARG = jsonb, RIGHTARG = jsonb, FUNCTION = public.somebody)"
        )
        with acting_as(course, "student"):
            course.execute("SET LOCAL search_path = public")
            assert course.execute("SELECT id FROM public.users").fetchall() == [(person("student"),)]
