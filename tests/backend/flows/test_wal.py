"""How many WAL records a flow writes: a count that no busy machine changes, and that each index and each row adds to."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.backend.flows.world import Clock, World

Call = Callable[[Any, UUID], Any]
Count = Callable[[Call, UUID], int]


@pytest.fixture(scope="module")
def module_url(url_without_neighbours: str) -> str:
    return url_without_neighbours


@pytest.fixture
def kind() -> str:
    return "sync"  # both repositories send the same statements


@pytest.fixture
def it(make_world: Callable[..., World], clock: Clock) -> World:
    return make_world(clock=clock)


@pytest.fixture
def records(it: World) -> Iterator[Count]:
    """Count what a call writes, in a transaction of its own that is committed; commit and savepoint are in it."""
    with psycopg.connect(it.url) as own:
        repository = it.repository.within(own)

        def written() -> int:
            own.execute("SELECT pg_stat_force_next_flush()")
            own.commit()
            found = it.connection.execute(
                "SELECT wal_records AS n FROM pg_stat_get_backend_wal(%s)", [own.info.backend_pid]
            ).fetchone()
            assert found is not None
            return int(found["n"])

        def count(call: Call, user_id: UUID) -> int:
            before = written()
            call(repository, user_id)
            own.commit()
            return written() - before

        yield count


def test_a_heartbeat_writes_no_index(it: World, clock: Clock, records: Count):
    student, counts = it.student().user_id, []
    for n in range(10):
        clock.advance(10)
        counts.append(
            records(
                lambda repository, user_id, n=n: repository.update_video_tracking(
                    user_id=user_id, lesson_id=67, segments=[(n * 20, n * 20 + 10)], position=n
                ),
                student,
            )
        )
    assert counts[0] <= 8, "the first one begins the lesson"
    assert max(counts[1:]) <= 6, "the locks of two rows, the updates of two, savepoint and commit"


def test_completions_write_what_they_say_and_nothing_when_called_again(it: World, records: Count):
    student = it.student().user_id

    def complete(lesson_id: int) -> int:
        it.qualify(student, lesson_id)
        return records(
            lambda repository, user_id: repository.complete_lesson(user_id=user_id, lesson_id=lesson_id), student
        )

    assert complete(67) <= 56
    assert complete(67) <= 2
    it.complete(student, 68)
    assert complete(69) <= 52


def test_a_change_of_status_and_an_entry_of_the_log(it: World, records: Count):
    manager = it.manager().user_id
    student = it.student().user_id

    def log(repository: Any, user_id: UUID) -> Any:
        return repository.log_activity(manager_id=manager, action_type="email_sent", target_user_id=user_id)

    def block(repository: Any, user_id: UUID) -> Any:
        return repository.set_student_status(user_id=user_id, status="blocked", manager_id=manager)

    assert records(log, student) <= 8
    assert records(block, student) <= 14
