"""One log record per flow, with what one needs to know and nothing secret."""

import contextlib
import logging
from uuid import UUID

import pytest

from tests.backend.flows.both import opened
from tests.backend.flows.world import World
from tripwire_db import PostgresAuth, Refused, TripwireError

PASSWORD = "correct horse battery staple"


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG, logger="tripwire_db")

    def of(flow: str) -> list[logging.LogRecord]:
        return [record for record in caplog.records if getattr(record, "flow", None) == flow]

    return of


def test_a_flow_writes_one_record_with_its_name_user_duration_attempts_and_rows(it: World, records):
    student = it.student()
    it.complete(student.user_id, 67)
    (record,) = records("complete_lesson")
    assert record.levelno == logging.INFO
    assert record.user == student.user_id
    assert 0 < record.duration < 10
    assert record.attempts == 1
    assert record.rows == {
        "complete_progress": 1,
        "keep_segments": 1,
        "count_module": 1,
        "issue_certificate": 0,
        "update_profile": 1,
        "count_lesson": 1,
        "earn_achievements": 2,
        "unlock_module": 1,
        "open_progress": 1,
        "open_video_tracking": 1,
        "log_completion": 2,
    }
    assert "complete_lesson" in record.getMessage()
    assert str(student.user_id) in record.getMessage()


def test_creation_logs_each_of_its_nine_steps(it: World, records):
    it.student()
    (record,) = records("create_tripwire_user")
    assert record.rows == {
        "insert_user": 1,
        "insert_student": 1,
        "insert_profile": 1,
        "unlock_first_module": 1,
        "insert_progress": 1,
        "insert_video_tracking": 1,
        "insert_statistics": 1,
        "insert_achievements": 4,
        "log_creation": 1,
    }


def test_a_call_that_changes_nothing_logs_that_it_wrote_no_rows(it: World, records):
    student = it.student()
    it.complete(student.user_id, 67)
    it.repository.complete_lesson(user_id=student.user_id, lesson_id=67)
    assert set(records("complete_lesson")[1].rows.values()) == {0}


def test_a_refused_call_is_logged_as_that_with_the_errors_class(it: World, records):
    student = it.student()
    for method, arguments, failure in (
        ("get_student", {"user_id": UUID(int=0)}, "NotFound"),
        ("complete_lesson", {"user_id": student.user_id, "lesson_id": 67}, "VideoNotQualified"),
        ("unlock_next_module", {"user_id": student.user_id}, None),
    ):
        with contextlib.suppress(TripwireError):
            getattr(it.repository, method)(**arguments)
        (record,) = records(method)
        assert record.failure == failure
        assert record.levelno == (logging.INFO if failure is None else logging.WARNING)
        assert f"failure={failure}" in record.getMessage()


def test_a_result_that_cannot_be_read_is_no_success(it: World, records, monkeypatch: pytest.MonkeyPatch):
    def unreadable(**_: object) -> None:
        raise Refused("cannot be read")

    monkeypatch.setattr("tripwire_db.flows.students.StudentJourney", unreadable)
    with pytest.raises(Refused):
        it.repository.get_student(user_id=it.student().user_id)
    (record,) = records("get_student")
    assert (record.failure, record.levelno) == ("Refused", logging.WARNING)


def test_no_password_is_ever_logged_or_told(it: World, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    manager = it.manager(password=PASSWORD)
    it.student(manager, password=PASSWORD)
    with it.planted("user_statistics"), pytest.raises(Exception, match="ck_planted") as raised:
        it.student(manager, password=PASSWORD)
    assert PASSWORD not in caplog.text
    assert PASSWORD not in str(raised.value)
    assert not any(PASSWORD in content for _, content in it.dump())


def test_a_repository_shows_no_password_of_its_url(kind: str):
    url = "postgresql://app:hush-hush@127.0.0.1:1/course"
    with PostgresAuth(url) as auth, opened(kind, url, auth=auth) as repository:
        shown = repr(repository if kind == "sync" else repository.inner)
    assert "hush-hush" not in shown
    assert "/course" in shown
