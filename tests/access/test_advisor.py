"""Nothing for Supabase's advisor to find: by our own look at the catalog, and by the advisor itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.access.advisor import FINDINGS, Finding
from tests.support.servers.postgres import Postgres
from tests.support.servers.supabase import Supabase

Connection = psycopg.Connection[Any]
KINDS = pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.kind)

# An index that nothing has used yet is no fault of a database that nobody has used yet.
IGNORED = {"unused_index"}
# The hosted advisor has these; the CLI's own copy of the lints, as of 3.1.0, has not.
UNKNOWN_TO_THE_CLI = {
    "anon_security_definer_function_executable",
    "authenticated_security_definer_function_executable",
    "autovacuum_disabled",
    "invalid_index",
    "pg_graphql_anon_table_exposed",
    "rls_policy_null_auth_disjunct",
}


@KINDS
def test_there_is_no(course: Connection, finding: Finding) -> None:
    assert course.execute(finding.query).fetchall() == []


@KINDS
def test_it_would_be_found(course: Connection, finding: Finding) -> None:
    with course.transaction(force_rollback=True):
        course.execute(finding.plant)
        assert course.execute(finding.query).fetchall() != []


def test_the_advisor_itself_finds_nothing(make_database: Callable[..., str], supabase: Supabase) -> None:
    found = supabase.advisors(make_database())
    assert [finding["detail"] for finding in found if finding["name"] not in IGNORED] == []


def test_the_advisor_itself_finds_what_is_planted_and_nothing_that_we_have_no_look_for(
    make_database: Callable[..., str], supabase: Supabase
) -> None:
    url = make_database()
    with psycopg.connect(url) as connection:
        for number, finding in enumerate(FINDINGS):
            connection.execute(finding.plant.replace("planted", f"planted_{number}"))

    found = {finding["name"] for finding in supabase.advisors(url)} - IGNORED

    ours = {lint for finding in FINDINGS for lint in finding.lints}
    assert found - ours == set()
    assert ours - found <= UNKNOWN_TO_THE_CLI


@pytest.fixture
def supabase(tmp_path: Path, postgres: Postgres) -> Supabase:
    return Supabase.at(tmp_path, postgres)
