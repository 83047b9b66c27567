"""The locks that a plan tells are those that a real run takes, on a server as hosted Supabase has it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.schema.runner.chain import eventually
from tests.support.servers.finding import postgres_bin
from tests.support.servers.versions import versions
from tripwire_db import migrations
from tripwire_db.embedded.hosted import HostedServer, hosted_server
from tripwire_db.postgres.connect import connect
from tripwire_db.schema.course.many_rows import fill_v2
from tripwire_db.schema.plan import Plan, make_plan
from tripwire_db.schema.tracing import BLOCKED

V2 = "20261101090000"
STUDENTS = 20

# At the end of each revision Alembic writes its id down: all that it has locked it still holds.
WATCH = """
CREATE SCHEMA watch;
CREATE TABLE watch.seen (revision text, relation oid, mode text);
CREATE FUNCTION watch.look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO watch.seen
    SELECT NEW.version_num, relation, upper(trim(regexp_replace(replace(mode, 'Lock', ''), '([A-Z])', ' \\1', 'g')))
    FROM pg_locks
    WHERE pid = pg_backend_pid() AND locktype = 'relation';
    RETURN NEW;
END $$;
CREATE TRIGGER look BEFORE UPDATE ON tripwire.alembic_version FOR EACH ROW EXECUTE FUNCTION watch.look();
"""

Locks = set[tuple[str, str, str]]


@pytest.fixture(params=versions(15, 17, 18))
def server(request: pytest.FixtureRequest) -> Iterator[HostedServer]:
    with hosted_server(postgres_bin(request.param)) as running:
        yield running


@pytest.mark.heavy
def test_a_real_run_takes_the_locks_that_the_plan_told(server: HostedServer) -> None:
    url = server.create_project("course")
    migrations.upgrade(url, V2, quiet=True)
    with connect(url) as connection:
        fill_v2(connection, STUDENTS)
        connection.commit()
        connection.execute("SELECT pg_stat_force_next_flush()")  # else it may count its rows after ANALYZE has
    with connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")
        tables = dict(
            connection.execute(
                "SELECT oid, format('%I.%I', relnamespace::regnamespace::text, relname) FROM pg_class WHERE relkind = 'r'"
                " AND relnamespace IN ('public'::regnamespace, 'auth'::regnamespace)"
            ).fetchall()
        )

    plan = make_plan(url)

    assert plan.before == V2
    assert not plan.drift
    assert plan.measured_with == STUDENTS
    with connect(url) as connection:
        connection.execute(WATCH)
    alone = [revision for revision in plan.revisions if not revision.transactional]
    watched: Locks = set()
    for revision in alone:
        migrations.upgrade(url, f"{revision.revision}-1", quiet=True)
        table = min(lock.table for told in revision.statements for lock in told.locks if lock.relation == lock.table)
        watched |= beside_a_writer(url, revision.revision, table)
    migrations.upgrade(url, quiet=True)

    with connect(url) as connection:
        seen = connection.execute("SELECT revision, relation, mode FROM watch.seen").fetchall()
    taken = {(revision, tables[oid], mode) for revision, oid, mode in seen if oid in tables}
    outside = {revision.revision for revision in alone}
    told = locks_of(plan)
    assert len(outside) == len(watched) >= 4
    assert watched <= told
    taken, told = ({lock for lock in locks if lock[0] not in outside} for locks in (taken, told))
    if plan.server_version.partition(".")[0] != plan.scratch_version.partition(".")[0]:
        # Another version may take another lock that holds up nobody.
        taken, told = ({lock for lock in locks if BLOCKED[lock[2]] != "nothing"} for locks in (taken, told))
    assert len(taken) > 50
    assert taken == told


def locks_of(plan: Plan) -> Locks:
    """Of tables: an index may get another name in its own revision."""
    return {
        (revision.revision, lock.table, lock.mode)
        for revision in plan.revisions
        for statement in revision.statements
        for lock in statement.locks
        if lock.relation == lock.table and not lock.table.startswith("tripwire.")
    }


def beside_a_writer(url: str, revision: str, table: str) -> Locks:
    """Run a revision that works CONCURRENTLY while somebody writes to a table, and look at what it has locked there."""
    with ThreadPoolExecutor(1) as thread, connect(url) as writer, connect(url, autocommit=True) as looking:
        writer.execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE".encode())
        running = thread.submit(migrations.upgrade, url, revision, quiet=True)
        modes = eventually(lambda: modes_of_waiting(looking, table))
        writer.rollback()
        running.result()
    return {(revision, table, mode) for mode in modes}


def modes_of_waiting(looking: psycopg.Connection, table: str) -> list[str]:
    rows = looking.execute(
        "SELECT DISTINCT upper(trim(regexp_replace(replace(mode, 'Lock', ''), '([A-Z])', ' \\1', 'g'))) FROM pg_locks"
        " WHERE relation = %s::regclass AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'virtualxid' AND NOT granted)",
        (table,),
    ).fetchall()
    return [mode for (mode,) in rows]
