"""On a server as hosted Supabase has it, as `postgres` and as a member of service_role, with Auth and PostgREST over HTTP."""

import os
import signal
from collections.abc import Iterator

import psycopg
import pytest

from tests.operate.gateway import Project, project
from tests.operate.rows import all_rows
from tests.support.forking import Died, in_child
from tests.support.servers.finding import postgres_bin
from tests.support.servers.postgrest import postgrest
from tests.support.servers.versions import versions
from tripwire_db import migrations
from tripwire_db.embedded.hosted import HOSTED_SUPERUSER, HostedServer, hosted_server
from tripwire_db.operate import SmokeFailed, Step, health, smoke


@pytest.fixture(scope="module", params=versions(15, 17, 18))
def server(request: pytest.FixtureRequest) -> Iterator[HostedServer]:
    with hosted_server(postgres_bin(request.param)) as running:
        migrations.upgrade(running.create_project("course"), quiet=True)
        with psycopg.connect(running.url("course", user=HOSTED_SUPERUSER)) as superuser:
            superuser.execute("CREATE ROLE plain LOGIN IN ROLE service_role")
        yield running


@pytest.fixture(scope="module")
def supabase(server: HostedServer) -> Iterator[Project]:
    with (
        postgrest(server.url("course")) as api,
        project(server.url("course", user=HOSTED_SUPERUSER), api) as running,
    ):
        yield running


def environment(url: str, supabase: Project) -> dict[str, str]:
    return {
        "TRIPWIRE_DATABASE_URL": url,
        "TRIPWIRE_SUPABASE_URL": supabase.url,
        "TRIPWIRE_SERVICE_ROLE_KEY": supabase.service_role_key,
    }


@pytest.mark.parametrize("login", ["postgres", "plain"])
def test_the_story_goes_by_auth_and_postgrest_and_a_killed_one_is_removed(
    server: HostedServer, supabase: Project, login: str
) -> None:
    superuser_url = server.url("course", user=HOSTED_SUPERUSER)
    known = environment(server.url("course", user=login), supabase)
    before = all_rows(superuser_url)

    def die_after_a_lesson(step: Step) -> None:
        if step.name == "complete lesson 67":
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(Died):
        in_child(lambda: smoke(known, on_step=die_after_a_lesson))
    assert all_rows(superuser_url) != before

    names = [step.name for step in smoke(known)]

    assert names[4:7] == [
        "sign in as the student",
        "read as the student, by PostgREST",
        "ask for the manager's totals, by PostgREST",
    ]
    assert all_rows(superuser_url) == before


def test_a_postgrest_that_answers_wrongly_is_named(server: HostedServer, supabase: Project) -> None:
    superuser_url = server.url("course", user=HOSTED_SUPERUSER)
    before = all_rows(superuser_url)
    with psycopg.connect(superuser_url) as superuser:
        superuser.execute("REVOKE SELECT ON public.student_progress FROM authenticated")
    try:
        with pytest.raises(
            SmokeFailed, match="read as the student, by PostgREST: /rest/v1/student_progress answered 403"
        ):
            smoke(environment(server.url("course"), supabase))
    finally:
        with psycopg.connect(superuser_url) as superuser:
            superuser.execute("GRANT SELECT ON public.student_progress TO authenticated")
    assert all_rows(superuser_url) == before


def test_a_project_is_well_as_postgres_sees_it(server: HostedServer, supabase: Project) -> None:
    found = health(environment(server.url("course"), supabase))

    assert [check for check in found if check.outcome != "good"] == []
