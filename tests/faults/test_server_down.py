"""A server of the tests' own that crashes, is full, or fills its disk: success after retries, or an error that helps."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.backend.flows.both import opened
from tests.backend.flows.world import World, emptied, world
from tests.faults.crowd import errors_in, together
from tests.faults.figures import Figures
from tests.faults.recount import broken
from tripwire_db import CompensationFailed, PostgresAuth, TripwireError, Unavailable, migrations
from tripwire_db.embedded import Cluster, scratch_cluster
from tripwire_db.engine import retry
from tripwire_db.schema.bootstrap import bootstrap

MAX_CONNECTIONS = 24
PATIENCE = 60.0

# What a client was told is on the disk, as in production; the rest is as fast as can be.
_DURABLE = {"fsync": False, "synchronous_commit": True, "full_page_writes": True, "max_connections": MAX_CONNECTIONS}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with scratch_cluster(settings=_DURABLE) as running:
        url = running.create_database("course")
        bootstrap(url)
        migrations.upgrade(url)
        yield running


@pytest.fixture
def own_url(cluster: Cluster) -> str:
    cluster.start()
    url = cluster.url("course")
    emptied(url)
    return url


def until_it_works(call: Callable[[], Any]) -> Any:
    """What a backend's caller does: call again as long as the error is one of ours and time is left."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return call()
        except TripwireError:
            if time.monotonic() > deadline:
                raise


@contextmanager
def crowded(url: str) -> Iterator[None]:
    """A server on which others hold every connection there is."""
    with ExitStack() as crowd:
        for _ in range(MAX_CONNECTIONS + 1):
            try:
                crowd.enter_context(psycopg.connect(url))
            except psycopg.OperationalError:
                break
        yield


def fill(path: Path) -> None:
    """Write a file until the disk has no space left."""
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 65536)


def test_a_crash_of_the_server_in_the_middle_loses_nothing_that_was_reported(
    kind: str, cluster: Cluster, own_url: str, figures: Figures
):
    with PostgresAuth(own_url) as auth, opened(kind, own_url, auth=auth, pool_size=8) as repository:
        manager = repository.create_manager(email="m@sales.kz", full_name="M")
        made: list[Any] = []
        enough = threading.Event()

        def create(n: int) -> Any:
            asked = {"email": f"n{n}@course.kz", "full_name": f"N {n}", "manager_id": manager.user_id}
            student = until_it_works(lambda: repository.create_tripwire_user(**asked))
            heartbeat = {"user_id": student.user_id, "lesson_id": 67, "segments": [(0, 10)], "position": 10}
            until_it_works(lambda: repository.update_video_tracking(**heartbeat))
            made.append(student)
            if len(made) == 40:
                enough.set()
            return student

        with ThreadPoolExecutor(9) as threads:
            calls = [threads.submit(create, n) for n in range(120)]
            assert enough.wait(PATIENCE)
            before = {student.user_id for student in list(made)}
            cluster.restart("immediate")
            students = {call.result(PATIENCE).user_id for call in calls}
        assert before <= students
        assert len(students) == 120
        (row,) = repository.get_sales_leaderboard(limit=1)
        assert row.total_students == 120
    assert broken(own_url) == []
    figures.survived("server restarted in immediate mode", 120)


def test_a_server_that_is_down_is_named_within_a_bounded_time_and_the_next_call_works(
    kind: str, cluster: Cluster, own_url: str, figures: Figures, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(retry, "RETRY_WINDOW_SECONDS", 2.0)
    with PostgresAuth(own_url) as auth, opened(kind, own_url, auth=auth) as repository:
        manager = repository.create_manager(email="m@sales.kz", full_name="M")
        cluster.stop("immediate")
        started = time.monotonic()
        with pytest.raises(Unavailable, match="start the server, or check host and port") as raised:
            repository.log_activity(manager_id=manager.user_id, action_type="password_reset")
        assert time.monotonic() - started < 8
        assert raised.value.applied is not True
        cluster.start()
        assert repository.log_activity(manager_id=manager.user_id, action_type="password_reset")
    figures.survived("server down")


def test_a_failover_of_ten_seconds_is_survived_by_every_call_under_way(
    cluster: Cluster, own_url: str, figures: Figures
):
    """Nothing answers for ten seconds, then a server does: each caller is told of success, without calling again."""
    with (
        PostgresAuth(own_url) as auth,
        opened("sync", own_url, auth=auth) as waiting,
        opened("async", own_url, auth=auth) as awaiting,
    ):
        manager = waiting.create_manager(email="m@sales.kz", full_name="M")
        awaiting.get_sales_leaderboard()
        cluster.stop("immediate")
        with ThreadPoolExecutor(4) as threads:
            log = {"manager_id": manager.user_id, "action_type": "password_reset"}
            calls = [
                threads.submit(waiting.log_activity, **log),
                threads.submit(awaiting.log_activity, **log),
                threads.submit(waiting.create_manager, email="w@sales.kz", full_name="W"),
                threads.submit(awaiting.create_manager, email="a@sales.kz", full_name="A"),
            ]
            time.sleep(10)  # the length of the failover itself
            assert not any(call.done() for call in calls)
            cluster.start()
            assert all(call.result(PATIENCE) for call in calls)
    assert broken(own_url) == []
    figures.survived("a failover of ten seconds", 4)


def test_a_server_without_a_connection_left_is_named_and_what_is_connected_goes_on(
    kind: str, own_url: str, figures: Figures
):
    with PostgresAuth(own_url) as auth, opened(kind, own_url, auth=auth) as repository:
        manager = repository.create_manager(email="m@sales.kz", full_name="M")
        with crowded(own_url):
            # One connection of the pool is there, and is not thrown away for a second that does not come about.
            log = {"manager_id": manager.user_id, "action_type": "password_reset"}
            outcomes = together([lambda: repository.log_activity(**log)] * 8)
            assert len(errors_in(outcomes)) < 8
            for error in errors_in(outcomes):
                assert isinstance(error, Unavailable)
                assert error.applied is False
                assert "lower pool_size" in str(error)
            assert repository.log_activity(**log)
        assert not errors_in(together([lambda: repository.log_activity(**log)] * 8))
    figures.survived("too many connections", 8)


def test_a_server_that_takes_nobody_says_so(kind: str, own_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(retry, "RETRY_WINDOW_SECONDS", 2.0)
    with (
        crowded(own_url),
        PostgresAuth(own_url) as auth,
        opened(kind, own_url, auth=auth) as repository,
        pytest.raises(Unavailable, match="max_connections") as raised,
    ):
        repository.get_sales_leaderboard()
    assert raised.value.applied is False


# -- a full disk ------------------------------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 80 MB at this folder, for as long as it is needed; skips where only root could mount one."""
    command = ["mount", "-t", "tmpfs", "-o", "size=80m", "tripwire-db-tests", str(folder)]
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a disk small enough to be filled needs root, who may mount one")
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"a disk small enough to be filled cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.heavy
def test_a_full_disk_for_the_wal_is_survived_once_there_is_space_again(tmp_path: Path, figures: Figures):
    with scratch_cluster(settings={**_DURABLE, "wal_keep_size": "10GB", "restart_after_crash": True}) as cluster:
        url = cluster.create_database("course")
        bootstrap(url)
        migrations.upgrade(url)
        cluster.stop()
        wal = cluster.data_dir / "pg_wal"
        aside = cluster.directory / "wal_aside"
        shutil.move(wal, aside)
        wal.mkdir(mode=0o700)
        os.chown(wal, cluster.account.uid, cluster.account.gid)
        with small_disk(wal):
            shutil.copytree(aside, wal, dirs_exist_ok=True)
            for entry in (wal, *wal.rglob("*")):
                os.chown(entry, cluster.account.uid, cluster.account.gid)
            wal.chmod(0o700)
            cluster.start()
            with world("sync", url) as it:
                people = [it.student() for _ in range(3)]
                ballast = wal / "ballast"
                with pytest.raises(OSError, match="No space left"):
                    fill(ballast)
                acknowledged, failure = _fill(it, people[0].manager_id)
                assert isinstance(failure, Unavailable | CompensationFailed)
                assert "again" in str(failure)
                ballast.unlink()
                cluster.stop("immediate")
                cluster.start()
                asked = {"email": "after@course.kz", "full_name": "After", "manager_id": people[0].manager_id}
                assert until_it_works(lambda: it.repository.create_tripwire_user(**asked)).email == "after@course.kz"
            with world("sync", url) as it:
                there = {row["email"] for row in it.rows("tripwire_users")}
                # Nobody of whom a call has said that they were made is missing; who is half made is resumed.
                assert acknowledged <= there
                for row in it.connection.execute(
                    "SELECT email FROM auth.users a WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = a.id)"
                ).fetchall():
                    it.student(people[0], email=row["email"], manager_id=people[0].manager_id)
            assert broken(url) == []
            cluster.stop("immediate")
    figures.survived("a full disk for the WAL", len(acknowledged) + 1)


def _fill(it: World, manager_id: Any) -> tuple[set[str], TripwireError]:
    """Sell until the disk is full; give the e-mails that were acknowledged, and the first failure."""
    acknowledged: set[str] = set()
    for n in range(100_000):
        try:
            acknowledged.add(
                it.repository.create_tripwire_user(
                    email=f"full{n}@course.kz", full_name="x" * 300, manager_id=manager_id
                ).email
            )
            if n % 20 == 0:
                it.repository.log_activity(
                    manager_id=manager_id, action_type="password_reset", details={"x": os.urandom(30000).hex()}
                )
        except TripwireError as failure:
            return acknowledged, failure
    raise AssertionError("the disk is not full yet")
