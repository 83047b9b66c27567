"""How long a statement of the doctor may run is its own to say, not the server's, which is meant for applications."""

import psycopg
import pytest
from psycopg import sql

from tests.schema.doctor.people import People
from tests.support.servers.pgbouncer import PgBouncer
from tripwire_db.errors import Unavailable
from tripwire_db.schema.doctor import State, examine, mend

BROKEN = "UPDATE public.tripwire_user_profile SET completion_percentage = 1"
SLOW_TRIGGER = """
CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_catalog.pg_sleep({seconds}); RETURN new; END $$;
CREATE TRIGGER slow BEFORE UPDATE ON public.tripwire_user_profile FOR EACH STATEMENT EXECUTE FUNCTION public.slow();
"""
SLOW_INDEX = """
CREATE FUNCTION public.slow(id integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_catalog.pg_sleep(1); RETURN id; END $$;
CREATE INDEX slow ON public.lessons (public.slow(id));
UPDATE pg_catalog.pg_index SET indisvalid = false WHERE indexrelid = 'public.slow'::regclass;
"""


def prepare(url: str, *statements: str, time_out: str = "2s") -> None:
    """Run statements, then have the database end those that take longer than a moment."""
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement.encode())
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET statement_timeout = {}").format(name, time_out))


def test_a_repair_that_takes_longer_than_the_server_s_time_out_is_not_ended(course: tuple[str, People]) -> None:
    url, _ = course
    prepare(url, BROKEN + " WHERE user_id = (SELECT min(user_id::text)::uuid FROM public.tripwire_user_profile)")
    findings = examine(url)
    prepare(url, SLOW_TRIGGER.format(seconds=2.2))

    results = mend(url, findings)

    assert {result.state for result in results} == {State.MENDED}


@pytest.mark.plain_server
def test_an_index_is_built_again_though_that_takes_longer_than_the_server_s_time_out(
    course: tuple[str, People],
) -> None:
    url, _ = course
    prepare(url, SLOW_INDEX)

    (result,) = mend(url, examine(url))

    assert result.state is State.MENDED
    assert examine(url) == ()


def test_a_repair_that_takes_too_long_says_what_to_set_and_is_undone(
    course: tuple[str, People], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = course
    prepare(url, BROKEN)
    findings = examine(url)
    prepare(url, SLOW_TRIGGER.format(seconds=3600))
    monkeypatch.setenv("TRIPWIRE_STATEMENT_TIMEOUT", "5s")

    with pytest.raises(Unavailable, match=r"^what was mended by then stays; .* longer than 5s\."):
        mend(url, findings)

    monkeypatch.undo()
    assert examine(url) == findings


@pytest.mark.plain_server
def test_an_index_that_takes_too_long_behind_a_pooler_fails_alone_and_leaves_nothing(
    course: tuple[str, People], pgbouncer: PgBouncer
) -> None:
    url, _ = course
    prepare(url, SLOW_INDEX)
    with psycopg.connect(url) as connection:
        database = connection.info.dbname

    (result,) = mend(pgbouncer.url(database), examine(url))

    assert (result.state, "Connect directly" in result.note) == (State.FAILED, True)
    assert [finding.key for finding in examine(url)] == [result.finding.key]
