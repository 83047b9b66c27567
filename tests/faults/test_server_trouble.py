"""The server in trouble: each ends in success or in an error that says what to do, in time, and the next call works."""

import gc
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from tests.backend.flows.both import opened
from tests.backend.flows.world import World, world
from tests.faults.crowd import errors_in, together, use_all_connections
from tests.faults.figures import Figures
from tests.faults.recount import Sessions
from tripwire_db import PostgresAuth, Unavailable
from tripwire_db.engine.statement import LOCK_TIMEOUT_SECONDS

POOL = 20


@pytest.fixture
def pooled(kind: str, it: World) -> Iterator[World]:
    """A world with a pool of 20."""
    with world(kind, it.url, pool_size=POOL) as same:
        yield same


def terminate(it: World, condition: str = "true") -> int:
    """Have the server end sessions of ours, as an administrator would."""
    found = it.connection.execute(
        "SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity"
        f" WHERE datname = current_database() AND application_name = 'tripwire-db' AND {condition}"
    ).fetchone()
    return int(found["n"])


@contextmanager
def setting(it: World, name: str, value: str) -> Iterator[None]:
    """A setting of the database, which each new session takes over, and keeps."""
    database_name = it.connection.info.dbname
    it.execute(f'ALTER DATABASE "{database_name}" SET {name} = {value}')
    try:
        yield
    finally:
        it.execute(f'ALTER DATABASE "{database_name}" RESET {name}')


# -- connections that die ---------------------------------------------------------------------------------------------


def test_a_pool_full_of_dead_connections_costs_no_call(pooled: World, figures: Figures):
    use_all_connections(
        pooled, POOL, lambda user_id: pooled.repository.record_welcome_email(user_id=user_id, sent=True)
    )
    student = pooled.student()
    assert terminate(pooled) >= POOL
    outcomes = together([lambda: pooled.repository.get_student(user_id=student.user_id)] * 60, POOL)
    assert not errors_in(outcomes)
    assert {outcome.student.user_id for outcome in outcomes} == {student.user_id}
    figures.survived("dead connections in the pool", POOL)


def test_one_call_alone_gets_past_a_pool_full_of_dead_connections(pooled: World):
    use_all_connections(
        pooled, POOL, lambda user_id: pooled.repository.record_welcome_email(user_id=user_id, sent=True)
    )
    terminate(pooled)
    started = time.monotonic()
    assert pooled.repository.get_sales_leaderboard(limit=1)
    assert time.monotonic() - started < 1.5


def test_the_first_call_that_meets_a_dead_connection_spares_the_others(pooled: World, caplog: pytest.LogCaptureFixture):
    use_all_connections(
        pooled, POOL, lambda user_id: pooled.repository.record_welcome_email(user_id=user_id, sent=True)
    )
    student = pooled.student()
    terminate(pooled)
    pooled.repository.get_student(user_id=student.user_id)
    with caplog.at_level(logging.INFO, logger="tripwire_db"):
        asked = {"user_id": student.user_id, "sent": True}
        outcomes = pooled.at_once_on(student.user_id, *[lambda: pooled.repository.record_welcome_email(**asked)] * POOL)
    assert not errors_in(outcomes)
    tries = [record.attempts for record in caplog.records if record.flow == "record_welcome_email"]
    assert tries == [1] * POOL


def test_a_backend_terminated_in_the_middle_of_a_statement_is_survived(pooled: World, figures: Figures):
    student = pooled.student()
    pooled.qualify(student.user_id, 67)
    with pooled.held("SELECT 1 FROM tripwire_users WHERE user_id = %s FOR UPDATE", student.user_id):
        calls = [lambda: pooled.repository.complete_lesson(user_id=student.user_id, lesson_id=67)]

        def ended() -> None:
            pooled.wait_for_locks(1)
            assert terminate(pooled, "wait_event_type = 'Lock'") == 1

        ending = _begun(ended)
        outcomes = _begun(lambda: together(calls))
        ending()
    (done,) = outcomes()
    assert (done.modules_completed, done.already_completed) == (1, False)
    figures.survived("a backend terminated")


def test_a_connection_that_dies_takes_no_others_along_and_none_is_left_over(
    kind: str, it: World, sessions: Sessions, figures: Figures
):
    """The connections in use when another one dies are closed when they come back, not left to the garbage collector."""
    gc.disable()
    try:
        with PostgresAuth(it.url) as auth, opened(kind, it.url, auth=auth, pool_size=POOL) as repository:
            student = it.student()
            before = sessions.count()

            def status(status: str) -> Callable[[], Any]:
                return lambda: repository.set_student_status(
                    user_id=student.user_id, status=status, manager_id=student.manager_id
                )

            hold = "SELECT 1 FROM tripwire_users WHERE user_id = %s FOR UPDATE"
            with it.held(hold, student.user_id):
                outcomes = _begun(lambda: together([status("inactive"), status("active")] * (POOL // 2)))
                it.wait_for_locks(POOL)
                terminate(it, "wait_event_type = 'Lock' AND pid = (SELECT max(pid) FROM pg_stat_activity"
                              " WHERE datname = current_database() AND wait_event_type = 'Lock')")  # fmt: skip
                _until(lambda: sessions.count() >= before + POOL - 1)
            assert not errors_in(outcomes())
            assert not errors_in(together([lambda: repository.get_student(user_id=student.user_id)] * POOL))
            assert sessions.settled(before + POOL) <= before + POOL
        assert sessions.settled(before) == before
        figures.survived("a backend terminated")
    finally:
        gc.enable()


# -- a server that says no --------------------------------------------------------------------------------------------


def test_a_read_only_server_is_named_and_the_next_call_works(kind: str, it: World, figures: Figures):
    manager, student = it.manager(), it.student()
    before = it.dump()
    with PostgresAuth(it.url) as auth, opened(kind, it.url, auth=auth) as repository:
        with setting(it, "default_transaction_read_only", "on"):
            with pytest.raises(Unavailable, match="read-only") as raised:
                repository.set_student_status(user_id=student.user_id, status="blocked", manager_id=manager.user_id)
            assert raised.value.applied is False
            assert it.dump() == before
            repository.get_student(user_id=student.user_id)
        # The same repository: the session that learned to be read-only is not used again, nor are its siblings.
        blocked = {"user_id": student.user_id, "status": "blocked", "manager_id": manager.user_id}
        assert repository.set_student_status(**blocked).changed
    figures.survived("a read-only server")


def test_a_creation_on_a_read_only_server_leaves_no_auth_user(kind: str, it: World):
    manager = it.manager()
    before = it.dump()
    with PostgresAuth(it.url) as auth, opened(kind, it.url, auth=auth) as repository:
        asked = {"email": "late@course.kz", "full_name": "Late", "manager_id": manager.user_id}
        auth.find_user(manager.user_id)  # the auth service's own connections may write
        with setting(it, "default_transaction_read_only", "on"):
            with pytest.raises(Unavailable, match="read-only") as raised:
                repository.create_tripwire_user(**asked)
            assert raised.value.applied is False
            assert it.dump() == before
        assert repository.create_tripwire_user(**asked).created


def test_a_statement_timeout_of_the_role_is_named_and_the_next_call_works(kind: str, it: World, figures: Figures):
    student = it.student()
    with PostgresAuth(it.url) as auth, opened(kind, it.url, auth=auth) as repository:
        asked = {"user_id": student.user_id, "status": "blocked", "manager_id": student.manager_id}
        with (
            setting(it, "statement_timeout", "'100ms'"),
            it.held("SELECT 1 FROM tripwire_users WHERE user_id = %s FOR UPDATE", student.user_id),
            pytest.raises(Unavailable, match="statement_timeout") as raised,
        ):
            repository.set_student_status(**asked)
        assert raised.value.applied is False
        with it.held("SELECT 1 FROM tripwire_users WHERE user_id = %s FOR UPDATE", student.user_id):
            outcome = _begun(lambda: together([lambda: repository.set_student_status(**asked)]))
            it.wait_for_locks(1)
            time.sleep(0.15)  # longer than the timeout that the first session had
        assert outcome()[0].changed
    figures.survived("a statement_timeout of the role")


class Held:
    """People for calls that all wait for one lock, and the calls."""

    def __init__(self, it: World) -> None:
        self.students = [it.graduate(), it.student(), it.student(), it.student()]
        it.qualify(self.students[3].user_id, 67)
        self.manager = it.manager()

    def calls(self, repository: Any) -> list[Callable[[], Any]]:
        graduate, other, another, qualified = (student.user_id for student in self.students)
        manager = {"manager_id": self.manager.user_id}
        return [
            lambda: repository.create_tripwire_user(email="w@b.kz", full_name="W", **manager),
            lambda: repository.create_manager(email="w@sales.kz", full_name="W"),
            lambda: repository.complete_lesson(user_id=qualified, lesson_id=67),
            lambda: repository.revoke_certificate(user_id=graduate, reason="a mistake"),
            lambda: repository.set_student_status(user_id=other, status="blocked", **manager),
            lambda: repository.delete_student(user_id=another, **manager),
            lambda: repository.log_activity(action_type="password_reset", **manager),
        ]


def test_a_row_held_for_five_seconds_is_waited_for_a_bounded_time_and_nothing_is_half_done(
    kind: str, it: World, sessions: Sessions, figures: Figures
):
    people = Held(it)
    ids = [student.user_id for student in people.students]
    before = it.dump()
    with PostgresAuth(it.url) as auth, opened(kind, it.url, auth=auth, pool_size=POOL) as repository:
        calls = people.calls(repository)[2:6]
        calls.append(
            lambda: repository.update_video_tracking(user_id=ids[0], lesson_id=67, segments=[], position=0),
        )
        started = time.monotonic()
        with it.held("SELECT 1 FROM tripwire_users WHERE user_id = ANY(%s) FOR UPDATE", ids):
            outcomes = together(calls)
            waited = time.monotonic() - started
            assert not sessions.in_transaction()
        assert [type(outcome) for outcome in outcomes] == [Unavailable] * len(calls)
        assert [outcome for outcome in outcomes if outcome.applied is not False] == []
        assert any("somebody else has held a row" in str(outcome) for outcome in outcomes)
        # Five calls; the second of two that wait in line for one student's row may be called off instead.
        assert all("again" in str(outcome) for outcome in outcomes)
        assert LOCK_TIMEOUT_SECONDS <= waited < 2.5 * LOCK_TIMEOUT_SECONDS
        assert it.dump() == before
        assert not errors_in(together(calls))
    figures.survived("a lock held by somebody else", len(calls))


def test_a_table_held_by_somebody_else_is_waited_for_a_bounded_time_and_nothing_comes_later(
    kind: str, it: World, sessions: Sessions, hasty: Callable[[float], None], figures: Figures
):
    """No lock_timeout in the statement can bound that: tables are locked before a statement begins."""
    hasty(1.0)
    people = Held(it)
    before = it.dump()
    with PostgresAuth(it.url) as auth, opened(kind, it.url, auth=auth, pool_size=POOL) as repository:
        calls = people.calls(repository)
        with it.held("LOCK TABLE sales_activity_log IN EXCLUSIVE MODE"):
            outcomes = together(calls)
        assert [type(outcome) for outcome in outcomes] == [Unavailable] * len(calls)
        assert [outcome for outcome in outcomes if outcome.applied is not False] == []
        assert all("again" in str(outcome) for outcome in outcomes)
        assert it.dump() == before
        assert not errors_in(together(calls))
    figures.survived("a lock held by somebody else", len(calls))


def test_a_migration_in_the_middle_makes_prepared_statements_stale_and_costs_no_call(pooled: World, figures: Figures):
    def call(user_id: Any) -> Any:
        return pooled.repository.record_welcome_email(user_id=user_id, sent=True)

    use_all_connections(pooled, POOL, call, rounds=7)
    student = pooled.student()
    pooled.execute("ALTER TABLE tripwire_users ALTER welcome_email_sent_at TYPE timestamptz(3)")
    try:
        assert call(student.user_id).recorded
        assert not errors_in(together([lambda: call(student.user_id)] * POOL))
    finally:
        pooled.execute("ALTER TABLE tripwire_users ALTER welcome_email_sent_at TYPE timestamptz")
    figures.survived("prepared statements made stale", POOL)


def test_a_price_may_grow_digits_under_traffic(pooled: World):
    """The same for a flow that reads, whose first column of another type is money."""
    manager = pooled.manager()
    for n in range(8):
        pooled.student(manager, email=f"s{n}@b.kz", price=Decimal("0.50"))
        pooled.repository.list_students(manager_id=manager.user_id)
    pooled.execute("ALTER TABLE tripwire_users ALTER price TYPE numeric(12, 2)")
    try:
        assert len(pooled.repository.list_students(manager_id=manager.user_id)) == 8
        assert pooled.student(manager, price=7).price == 7
    finally:
        pooled.execute("ALTER TABLE tripwire_users ALTER price TYPE numeric")


def _begun(act: Callable[[], Any]) -> Callable[[], Any]:
    """Begin an act beside the test; call what this gives to wait for its outcome."""
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(1)
    future = pool.submit(act)
    pool.shutdown(wait=False)
    return lambda: future.result(timeout=60)


def _until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)  # a session that begins is announced by nothing
