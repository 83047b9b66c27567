"""A primary with a synchronous standby that dies: what the standby has not confirmed is not acknowledged."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.backend.flows.both import KINDS, opened
from tests.backend.flows.world import World, world
from tests.faults.crowd import together
from tests.faults.figures import Figures
from tests.support.servers.admin_api import AdminApi
from tripwire_db import AuthFailed, PostgresAuth, SupabaseAuth, Unavailable, migrations
from tripwire_db.embedded import Cluster, embedded_bin_dir, home, scratch_cluster
from tripwire_db.engine import connection
from tripwire_db.schema.bootstrap import bootstrap

PATIENCE = 60.0
_SETTINGS = {"fsync": False, "synchronous_commit": True, "full_page_writes": True}


@contextmanager
def standby_of(primary: Cluster) -> Iterator[Cluster]:
    """A standby that the primary waits for at each commit, until it is stopped."""
    standby = Cluster(embedded_bin_dir(), home() / "scratch" / f"standby-{os.getpid()}", settings=_SETTINGS)
    standby.account.make_folder(standby.directory, private=True)
    copy = ["pg_basebackup", "-d", primary.url(), "-D", standby.data_dir, "-R", "-X", "stream", "-c", "fast"]
    done = standby.account.run([standby.bin_dir / copy[0], *copy[1:]], timeout=120)
    assert done.returncode == 0, done.stderr
    try:
        standby.start()
        with psycopg.connect(primary.url(), autocommit=True) as session:
            session.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            session.execute("SELECT pg_reload_conf()")
            until(lambda: one(session, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == 1)
        yield standby
    finally:
        standby.remove()


def one(session: psycopg.Connection[Any], query: str) -> Any:
    row = session.execute(query).fetchone()
    assert row is not None
    return row[0]


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def ground() -> Iterator[tuple[World, Cluster]]:
    """The primary's world, seen by sessions that wait for no standby, and the standby, dead by now."""
    with scratch_cluster(settings=_SETTINGS) as primary:
        url = primary.create_database("course")
        bootstrap(url)
        migrations.upgrade(url)
        with world("sync", f"{url}&options=-c%20synchronous_commit%3Dlocal") as it, standby_of(primary) as standby:
            with opened("sync", url, auth=it.repository._services.auth) as repository:
                assert repository.create_manager(email="confirmed@sales.kz", full_name="C").created
            standby.stop("immediate")
            yield it, standby


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls off a statement after two seconds instead of eight."""
    monkeypatch.setattr(connection, "ANSWER_TIMEOUT_SECONDS", 2.0)


def waiting_for_the_standby(it: World) -> str:
    """The URL by which an application connects, whose commits wait."""
    return it.url.partition("&options")[0]


def calls(it: World, repository: Any) -> dict[str, Callable[[], Any]]:
    """Each way to write, on people of its own; each may be made again with the same arguments."""
    manager = it.manager()
    student, ahead, watching, welcome = (it.student(manager) for _ in range(4))
    revoked, issued, blocked, deleted = (it.graduate(manager) for _ in range(4))
    it.repository.revoke_certificate(user_id=issued.user_id, reason="r")
    it.qualify(student.user_id, 67)
    it.complete(ahead.user_id, 67)
    it.execute("DELETE FROM module_unlocks WHERE user_id = %s AND module_id = 17", ahead.user_id)
    new = {"email": f"new-{manager.user_id}@course.kz", "full_name": "N", "manager_id": manager.user_id}
    by = {"manager_id": manager.user_id}
    admin = it.manager(role="admin")
    corrected, priced, reset = (it.student(manager).user_id for _ in range(3))
    passing = it.student(manager).user_id
    return {
        "correct_student": lambda: repository.correct_student(
            user_id=corrected, full_name="Right", email=f"right-{corrected}@course.kz", **by
        ),
        "correct_student, the price": lambda: repository.correct_student(user_id=priced, price=7, **by),
        "reset_password": lambda: repository.reset_password(user_id=reset, password="correct horse", **by),
        "reassign_students": lambda: repository.reassign_students(
            from_manager_id=manager.user_id,
            to_manager_id=admin.user_id,
            manager_id=admin.user_id,
            user_ids=[passing],
        ),
        "create_tripwire_user": lambda: repository.create_tripwire_user(**new),
        "create_manager": lambda: repository.create_manager(email=f"m-{manager.user_id}@sales.kz", full_name="M"),
        "complete_lesson": lambda: repository.complete_lesson(user_id=student.user_id, lesson_id=67),
        "unlock_next_module": lambda: repository.unlock_next_module(user_id=ahead.user_id),
        "update_video_tracking": lambda: repository.update_video_tracking(
            user_id=watching.user_id, lesson_id=67, segments=[(0, 5)], position=5
        ),
        "log_activity": lambda: repository.log_activity(action_type="email_sent", activity_id=student.user_id, **by),
        "record_welcome_email": lambda: repository.record_welcome_email(user_id=welcome.user_id, sent=True),
        "revoke_certificate": lambda: repository.revoke_certificate(user_id=revoked.user_id, reason="r", **by),
        "issue_certificate": lambda: repository.issue_certificate(user_id=issued.user_id),
        "set_student_status": lambda: repository.set_student_status(user_id=blocked.user_id, status="blocked", **by),
        "delete_student": lambda: repository.delete_student(user_id=deleted.user_id, **by),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_dead_standby_has_not_confirmed_is_not_acknowledged(
    kind: str, ground: tuple[World, Cluster], hurried: None, figures: Figures
):
    """Nor is it at the second call, which finds the rows that the first one wrote."""
    it, _ = ground
    with (
        AdminApi(it.url) as api,
        SupabaseAuth(api.url, api.service_role_key) as auth,
        opened(kind, waiting_for_the_standby(it), auth=auth) as repository,
    ):
        writing = calls(it, repository)
        for _ in range(2):
            for name, outcome in zip(writing, together(list(writing.values())), strict=True):
                assert isinstance(outcome, Unavailable | AuthFailed), (name, outcome)
                assert outcome.applied is None, (name, outcome)
                assert "standby" in str(outcome), (name, outcome)
        assert repository.get_sales_leaderboard()  # what only reads waits for nobody
    figures.survived("a synchronous standby dead", 2 * len(writing))


def test_an_auth_user_of_the_stand_in_is_not_acknowledged_either(ground: tuple[World, Cluster], hurried: None):
    it, _ = ground
    url = waiting_for_the_standby(it)
    with PostgresAuth(url) as auth, opened("sync", url, auth=auth) as repository:
        with pytest.raises(AuthFailed, match="standby") as raised:
            repository.create_manager(email="rows@sales.kz", full_name="R")
        assert raised.value.applied is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_session_ended_while_it_waits_for_the_standby_is_not_tried_again(kind: str, ground: tuple[World, Cluster]):
    """The second statement would find the rows of the first, and report them as if they were safe."""
    it, _ = ground
    url = waiting_for_the_standby(it)
    manager = it.manager()
    outcome: list[BaseException] = []
    with PostgresAuth(it.url) as auth, opened(kind, url, auth=auth) as repository:

        def write() -> None:
            try:
                repository.log_activity(
                    manager_id=manager.user_id, action_type="email_sent", activity_id=manager.user_id
                )
            except Unavailable as failure:
                outcome.append(failure)

        writer = threading.Thread(target=write)
        writer.start()
        until(lambda: it.connection.execute(f"{_WAITING} LIMIT 1").fetchone() is not None)
        it.execute(_WAITING.replace("SELECT 1", "SELECT pg_terminate_backend(pid)"))
        writer.join(PATIENCE)
    (failure,) = outcome
    assert failure.applied is None  # type: ignore[attr-defined]
    assert "standby" in str(failure)


_WAITING = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


def test_after_the_failover_only_what_was_acknowledged_is_there(ground: tuple[World, Cluster]):
    """The last test of the module: the standby becomes the primary."""
    it, standby = ground
    (standby.data_dir / "standby.signal").unlink()
    standby.start()
    with psycopg.connect(standby.url("course")) as promoted:
        assert one(promoted, "SELECT array_agg(email) FROM users") == ["confirmed@sales.kz"]
    assert it.count("users") > 1
