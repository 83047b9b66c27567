"""Reading one student's journey, or a page of many."""

import os
import pickle
import unicodedata
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import psycopg
import pytest

from tests.backend.flows.world import Clock, World, world
from tests.support.servers.postgres import Postgres
from tripwire_db import InvalidInput, NotFound, Segment, bootstrap
from tripwire_db.migrations import upgrade


def pages(it: World, **arguments) -> list:
    seen, page = [], it.repository.list_students(**arguments)
    while page:
        seen += page
        assert len(seen) < 100, "the list has no end"
        page = it.repository.list_students(**arguments, after=page[-1])
    return seen


def test_a_new_students_journey_is_complete(clocked: World, clock: Clock):
    manager = clocked.manager(full_name="Dana K.")
    new = clocked.student(manager, price=Decimal("10.50"))
    journey = clocked.repository.get_student(user_id=str(new.user_id))
    student = journey.student
    assert (student.user_id, student.email, student.full_name) == (new.user_id, new.email, new.full_name)
    assert (student.manager_id, student.manager_name, student.price) == (manager.user_id, "Dana K.", Decimal("10.50"))
    assert (student.status, student.modules_completed, student.welcome_email_sent) == ("active", 0, False)
    assert student.created_at == clock.now
    assert (journey.completion_percentage, journey.lessons_completed, journey.total_time_spent) == (0, 0, 0)
    (progress,) = journey.progress
    assert (progress.lesson_id, progress.module_id, progress.status) == (67, 16, "not_started")
    assert (progress.started_at, progress.completed_at) == (None, None)
    (video,) = journey.video
    assert (video.lesson_id, video.segments, video.video_duration_seconds) == (67, (), 1800)
    (unlock,) = journey.unlocks
    assert (unlock.module_id, unlock.unlocked_at) == (16, clock.now)
    assert unlock.unlocked_at.tzinfo is not None
    assert [a.achievement_id for a in journey.achievements] == [
        "first_module_complete",
        "second_module_complete",
        "third_module_complete",
        "tripwire_graduate",
    ]
    assert journey.certificate is None


def test_a_journey_shows_what_was_watched_and_completed(clocked: World, clock: Clock):
    student = clocked.student()
    clocked.repository.update_video_tracking(
        user_id=student.user_id, lesson_id=67, segments=[(0, 10.5), (20, 30)], position=30
    )
    began = clock.now
    clock.advance(60)
    clocked.complete(student.user_id, 67)
    journey = clocked.repository.get_student(user_id=student.user_id)
    first, second = journey.progress
    assert (first.status, first.started_at, first.completed_at) == ("completed", began, clock.now)
    assert (second.lesson_id, second.status) == (68, "not_started")
    video = journey.video[0]
    assert video.segments == (Segment(0, 10.5), Segment(20, 30))
    assert (video.total_watched_seconds, video.last_position_seconds) == (20, 30)
    assert [(unlock.module_id, unlock.unlocked_at.astimezone(UTC)) for unlock in journey.unlocks] == [
        (16, began),
        (17, clock.now),
    ]
    assert journey.achievements[0].completed_at == clock.now
    assert (journey.completion_percentage, journey.lessons_completed) == (Decimal("33.33"), 1)


def test_only_a_valid_certificate_is_part_of_a_journey(it: World):
    student = it.graduate()
    certificate = it.repository.get_student(user_id=student.user_id).certificate
    assert certificate == it.repository.issue_certificate(user_id=student.user_id)
    it.repository.revoke_certificate(user_id=student.user_id, reason="by mistake")
    assert it.repository.get_student(user_id=student.user_id).certificate is None


def test_a_student_with_rows_missing_can_still_be_read(it: World):
    student = it.student()
    for table in (
        "student_progress",
        "tripwire_user_profile",
        "user_statistics",
        "user_achievements",
        "video_tracking",
        "module_unlocks",
        "users",
    ):
        it.execute(f"DELETE FROM {table} WHERE {'id' if table == 'users' else 'user_id'} = %s", student.user_id)
    journey = it.repository.get_student(user_id=student.user_id)
    assert (journey.completion_percentage, journey.lessons_completed) == (0, 0)
    assert journey.progress == journey.video == journey.unlocks == journey.achievements == ()


def test_nobody_unknown_is_read(it: World):
    with pytest.raises(NotFound):
        it.repository.get_student(user_id=uuid4())
    with pytest.raises(NotFound):
        it.repository.get_student(user_id=it.manager().user_id)


def test_pages_show_everybody_once_newest_first_even_where_times_are_equal(clocked: World, clock: Clock):
    manager, created = clocked.manager(), []
    for n in range(11):
        created.append(clocked.student(manager).user_id)
        clock.advance(n % 2)
    seen = pages(clocked, limit=3)
    assert sorted(student.user_id for student in seen) == sorted(created)
    assert [(s.created_at, s.id) for s in seen] == sorted(((s.created_at, s.id) for s in seen), reverse=True)
    assert len(clocked.repository.list_students()) == 11
    assert (
        clocked.repository.list_students(limit=1)[0] == clocked.repository.get_student(user_id=seen[0].user_id).student
    )


def test_students_are_listed_by_manager_status_and_what_is_searched(it: World):
    dana, alma = it.manager(), it.manager()
    active = it.student(dana, email="one_100%@b.kz", full_name="Әйгерім Жұмабаева")
    blocked = it.student(dana, email="two@b.kz", full_name="Backslash \\ Name")
    other = it.student(alma, email="ONE@c.kz", full_name="Aigerim")
    it.status(blocked.user_id, "blocked")

    def found(**arguments) -> set:
        return {student.user_id for student in it.repository.list_students(**arguments)}

    everybody = {active.user_id, blocked.user_id, other.user_id}
    assert found() == everybody
    assert found(manager_id=dana.user_id) == {active.user_id, blocked.user_id}
    assert found(manager_id=uuid4()) == set()
    assert found(status="blocked") == {blocked.user_id}
    assert found(manager_id=str(dana.user_id), status="active") == {active.user_id}
    assert found(search="ONE") == {active.user_id, other.user_id}
    assert found(search="one", manager_id=alma.user_id) == {other.user_id}
    assert found(search="әйгерім") == {active.user_id}
    assert found(search="100%") == {active.user_id}
    assert found(search="_100") == {active.user_id}
    assert found(search="%") == {active.user_id}
    assert found(search="\\") == {blocked.user_id}
    assert found(search="' OR true --") == set()
    assert found(search="@b.kz", status="active", manager_id=dana.user_id, limit=1) == {active.user_id}


def test_a_name_is_found_however_its_letters_were_typed(it: World):
    composed = it.student(full_name="Андрей Ёлкин")
    decomposed = it.student(full_name=unicodedata.normalize("NFD", "Андрей Ёлкин"))
    assert decomposed.full_name == composed.full_name
    for search in ("андрей ё", unicodedata.normalize("NFD", "АНДРЕЙ Ё")):
        assert len(it.repository.list_students(search=search)) == 2


def test_upper_and_lower_case_are_alike_in_every_locale(kind: str, postgres: Postgres):
    """Under C a server folds A to Z alone."""
    name = f"search_{os.getpid()}_{kind}"
    with psycopg.connect(postgres.url(), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C'")
        try:
            bootstrap(postgres.url(name))
            upgrade(postgres.url(name))
            with world(kind, postgres.url(name)) as it:
                student = it.student(full_name="Әйгерім Жұмабаева-O'Neil [Σίσυφος]")
                for search in ("әйгерім", "ЖҰМАБАЕВА", "o'nEIL [", "ΣΊΣΥΦΟΣ]", "σίσυφος"):
                    assert [found.user_id for found in it.repository.list_students(search=search)] == [student.user_id]
                for search in ("ә.герім", "Ж*", "^Ә", "[жұ]", "|"):
                    assert not it.repository.list_students(search=search)
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_filtered_list_pages_too(clocked: World, clock: Clock):
    manager, other = clocked.manager(), clocked.manager()
    mine = []
    for n in range(6):
        student = clocked.student(manager if n % 2 else other, full_name=f"Student {n}")
        clock.advance(n % 3)
        if n % 2:
            mine.append(student.user_id)
    for arguments in ({"manager_id": manager.user_id}, {"manager_id": manager.user_id, "status": "active"}):
        for search in (None, "student"):
            seen = pages(clocked, limit=1, search=search, **arguments)
            assert sorted(student.user_id for student in seen) == sorted(mine)


def test_each_filter_picks_for_the_page_and_for_its_count(it: World):
    dana, alma = it.manager(), it.manager()
    done, revoked, new = it.graduate(dana), it.graduate(alma), it.student(alma, full_name="Newest")
    it.repository.revoke_certificate(user_id=revoked.user_id, reason="copied")
    it.repository.record_welcome_email(user_id=new.user_id, sent=True)
    expected = [
        ({"manager_id": dana.user_id}, {done}),
        ({"status": "completed"}, {done, revoked}),
        ({"status": "active"}, {new}),
        ({"search": "newest"}, {new}),
        ({"modules_completed": 0}, {new}),
        ({"certificate": True}, {done}),
        ({"certificate": False}, {revoked, new}),
        ({"welcome_email_sent": True}, {new}),
        ({"welcome_email_sent": False}, {done, revoked}),
    ]
    for asked, students in expected:
        page = it.repository.list_students(**asked, count=True)
        assert ({one.user_id for one in page}, page.total) == ({one.user_id for one in students}, len(students)), asked


def test_students_are_listed_by_the_days_on_which_they_were_sold(clocked: World, clock: Clock):
    manager, sold = clocked.manager(), {}
    for day in (2, 3, 4):
        # The first and the last second of the day in Tashkent, five hours ahead of UTC.
        for off in (timedelta(hours=-5), timedelta(hours=19, seconds=-1)):
            clock.now = datetime(2026, 3, day, tzinfo=UTC) + off
            sold[clocked.student(manager).user_id] = day

    def listed(since: int | None, until: int | None) -> list[int]:
        days = {"since": since and date(2026, 3, since), "until": until and date(2026, 3, until)}
        page = clocked.repository.list_students(**days, time_zone="Asia/Tashkent")
        counted = clocked.repository.list_students(**days, time_zone="Asia/Tashkent", count=True)
        assert (list(counted), counted.total) == (list(page), len(page))
        return [sold[student.user_id] for student in page]

    assert listed(3, 3) == [3, 3]
    assert listed(3, None) == [4, 4, 3, 3]
    assert listed(None, 3) == [3, 3, 2, 2]


def test_a_page_is_a_frozen_sequence_that_leads_to_the_next(it: World):
    manager = it.manager()
    students = [it.student(manager).user_id for _ in range(4)]
    page = it.repository.list_students(limit=3)
    assert (len(page), page.total, bool(page)) == (3, None, True)
    assert page[0] in page
    assert page[1:] == tuple(page)[1:]
    assert list(reversed(page)) == list(page)[::-1]
    assert pickle.loads(pickle.dumps(page)) == page  # noqa: S301 - its own
    with pytest.raises(AttributeError):
        page.next = None
    following = it.repository.list_students(limit=3, after=page.next)
    assert following == it.repository.list_students(limit=3, after=page[-1])
    assert following.next is None
    assert {student.user_id for student in (*page, *following)} == set(students)
    exactly_full = it.repository.list_students(limit=4)
    after_all = it.repository.list_students(after=exactly_full.next, count=True)
    assert (len(after_all), after_all.next, after_all.total) == (0, None, 4)


def test_a_place_of_one_list_is_none_in_another(it: World):
    manager = it.manager()
    it.student(manager)
    students = it.repository.list_students(limit=1)
    activity = it.repository.get_manager_activity(manager_id=manager.user_id, limit=1)
    assert not it.repository.list_students(after=students.next)
    assert not it.repository.get_manager_activity(manager_id=manager.user_id, before=activity.next)
    with pytest.raises(InvalidInput, match="after must be `next` of the page before, or its last Student"):
        it.repository.list_students(after=activity.next)
    with pytest.raises(InvalidInput, match="before must be `next` of the page before, or its last Activity"):
        it.repository.get_manager_activity(manager_id=manager.user_id, before=students.next)


def test_a_student_was_last_seen_when_any_video_was_last_watched(clocked: World, clock: Clock):
    student = clocked.student()
    assert clocked.repository.list_students()[0].last_seen_at is None
    clocked.complete(student.user_id, 67)
    for lesson_id in (68, 67):
        clock.advance(60)
        clocked.repository.update_video_tracking(
            user_id=student.user_id, lesson_id=lesson_id, segments=[(0, 5)], position=5
        )
    clock.advance(60)
    assert clocked.repository.list_students()[0].last_seen_at == clock.now - timedelta(seconds=60)
    assert clocked.repository.get_student(user_id=student.user_id).student == clocked.repository.list_students()[0]
