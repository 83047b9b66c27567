"""What a plan sees in the live database: who is in the way now, as they really are."""

import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.conftest import MakeDatabase
from tests.schema.plan.bad import plant, take_chain
from tests.schema.runner.chain import eventually
from tripwire_db.embedded import Cluster, scratch_cluster
from tripwire_db.errors import Unavailable
from tripwire_db.postgres.connect import connect
from tripwire_db.schema.plan import LiveState, make_plan
from tripwire_db.schema.plan.live import Live, look
from tripwire_db.schema.plan.route import Route, find_route
from tripwire_db.schema.plan.wording import in_the_way


def look_now(url: str, to: str = "head") -> Live:
    return look(url, lambda before: find_route(before, to), lock_timeout=0.2)


def state_of(url: str) -> LiveState:
    return look(url, lambda _: Route(None, None, (), down=False), lock_timeout=0.0).state


def test_transactions_in_the_way_are_told_with_pid_age_and_tables(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(
        tmp_path / "alembic",
        {
            "strong": "ALTER TABLE public.tripwire_users ALTER COLUMN price SET DEFAULT 1",
            "weak": "ALTER TABLE public.users ALTER COLUMN full_name SET STATISTICS 200",
        },
    )
    take_chain(tmp_path / "alembic", monkeypatch)
    monkeypatch.setenv("TRIPWIRE_LOCK_TIMEOUT", "200ms")
    with connect(database_url) as reader, connect(database_url) as idle, connect(database_url) as writer:
        reader.execute("SELECT 'my secret' FROM public.users, public.tripwire_users")
        idle.execute("SELECT 1")
        writer.execute("LOCK TABLE public.users, public.lessons IN ROW EXCLUSIVE MODE")
        eventually(lambda: len(look_now(database_url).state.transactions) == 3)
        plan = make_plan(database_url)
        pids = [connection.info.backend_pid for connection in (reader, idle, writer)]

    found = {one.pid: one for one in plan.live.transactions}
    assert [found[pid].tables for pid in pids] == [("public.tripwire_users",), (), ()], "a weak lock lets others work"
    assert all(0 < one.seconds < 3600 for one in found.values())
    told = "\n".join(in_the_way(plan.live, plan.revisions))
    assert "idle in transaction" in told
    assert "it blocks the plan at public.tripwire_users" in told
    assert "secret" not in told


def test_a_database_that_writes_dates_in_a_style_of_its_own_is_read(database_url: str) -> None:
    with connect(database_url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET datestyle = 'German, DMY'")

    assert state_of(database_url).at.tzinfo is not None


def test_whom_concurrently_waits_for_is_told(make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    url = make_database(migrated="20261107090000")
    monkeypatch.setenv("TRIPWIRE_LOCK_TIMEOUT", "200ms")
    with connect(url) as reader, connect(url) as writer:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.execute("SELECT 1")
        writer.execute("LOCK TABLE public.video_tracking IN ROW EXCLUSIVE MODE")
        eventually(lambda: len(look_now(url).state.transactions) == 2)
        plan = make_plan(url, "+1")
        reading, writing = (connection.info.backend_pid for connection in (reader, writer))

    found = {one.pid: one for one in plan.live.transactions}
    assert found[writing].tables == ("public.video_tracking",)
    assert found[reading].snapshot
    told = list(in_the_way(plan.live, plan.revisions))
    assert sum("CONCURRENTLY waits for its end" in line for line in told) == 1


def test_losses_that_the_role_cannot_count_are_no_losses_of_none(database_url: str) -> None:
    with connect(database_url, autocommit=True) as connection:
        connection.execute("GRANT USAGE ON SCHEMA tripwire TO authenticated")
        connection.execute("GRANT SELECT ON tripwire.alembic_version TO authenticated")
        connection.execute("ALTER TABLE tripwire.alembic_version DISABLE ROW LEVEL SECURITY")
    as_student = f"{database_url}&options=-c%20role%3Dauthenticated"
    as_student = as_student if "?" in database_url else as_student.replace("&", "?", 1)

    assert look_now(as_student).losses == {}
    with pytest.raises(Unavailable, match=r"row-level security|permission denied"):
        look_now(as_student, "base")


def test_a_replica_that_is_behind_and_an_invalid_index_are_told(tmp_path: Path) -> None:
    with scratch_cluster() as cluster:
        url = cluster.create_database("course")
        with connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE public.items AS SELECT 1 AS id FROM generate_series(1, 2)")
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute("CREATE UNIQUE INDEX CONCURRENTLY items_id ON public.items (id)")
            with follower(cluster, tmp_path) as name:
                eventually(
                    lambda: connection.execute("SELECT FROM pg_stat_replication WHERE state = 'streaming'").fetchall()
                )
                state = state_of(url)

    assert [(index.name, index.table) for index in state.invalid_indexes] == [("public.items_id", "public.items")]
    assert [(replica.name, replica.state) for replica in state.replicas] == [(name, "streaming")]
    told = list(in_the_way(state, ()))
    assert any(line.startswith(f"replica {name} (streaming) is behind by ") for line in told)
    assert "index public.items_id of public.items is invalid: no query takes it, and every write keeps it" in told


class follower:  # noqa: N801 used as a function
    """Somebody who takes the server's log, as a replica does."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        program, place = (
            cluster.bin_dir / "pg_receivewal",
            f"host={cluster.socket_dir} port={cluster.port} user=postgres",
        )
        self._command = [str(program), "-D", str(folder), "-d", f"{place} application_name=follower", "--no-loop"]

    def __enter__(self) -> str:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return "follower"

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)


@pytest.mark.heavy
def test_a_vacuum_to_prevent_wraparound_is_told_when_due_and_at_work() -> None:
    # The least that the server takes; each transaction below counts one.
    settings = {"autovacuum_freeze_max_age": 100_000, "autovacuum_naptime": 1}
    with scratch_cluster(settings=settings) as cluster:
        url = cluster.create_database("course")
        with connect(url) as holder, connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE public.items (id int)")
            holder.execute("LOCK TABLE public.items IN SHARE UPDATE EXCLUSIVE MODE")  # so that the vacuum waits
            connection.execute(
                "DO $$ BEGIN FOR i IN 1..101000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
            )
            found = eventually(
                lambda: [one for one in state_of(url).wraparound if one.table == "public.items" and one.pid]
            )
            state = state_of(url)

    assert found
    due = [one for one in state.wraparound if one.table == "public.items" and one.pid is None]
    assert due
    assert (due[0].age or 0) > 100_000
    told = "\n".join(in_the_way(state, ()))
    assert "autovacuum to prevent wraparound of public.items (pid" in told
    assert "public.items is due for an autovacuum to prevent wraparound (age 10" in told
