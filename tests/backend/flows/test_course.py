"""The course as its story goes: from the sale to the certificate."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from tests.backend.flows.both import KINDS
from tests.backend.flows.world import Clock, World, world
from tripwire_db import ConstraintViolated, ModuleLocked, Segment, VideoNotQualified

DURATION = 1800


def watch(it: World, clock: Clock, user_id, lesson_id: int, until: int, *, step: int = 60):
    """Watch from the beginning at the speed of life, with a heartbeat each minute; give what the last one gave."""
    progress = None
    for start in range(0, until, step):
        end = min(start + step, until)
        clock.advance(end - start)
        progress = it.repository.update_video_tracking(
            user_id=user_id, lesson_id=lesson_id, segments=[(start, end)], position=end
        )
    return progress


def test_creating_a_student_writes_nine_tables_and_the_auth_user(it: World):
    manager = it.manager()
    student = it.repository.create_tripwire_user(
        email="Aigerim@Example.KZ", full_name="Aigerim S.", manager_id=manager.user_id, price=Decimal(45000)
    )
    me = {"user_id": student.user_id}
    assert student.created
    assert it.row("users", id=student.user_id)["email"] == "aigerim@example.kz"
    assert it.row("tripwire_users", **me)["price"] == 45000
    assert it.row("tripwire_user_profile", **me)["total_modules"] == 3
    assert it.row("module_unlocks", **me)["module_id"] == 16
    assert it.row("student_progress", **me)["status"] == "not_started"
    assert it.row("video_tracking", **me)["lesson_id"] == 67
    assert it.row("user_statistics", **me)["lessons_completed"] == 0
    assert it.count("user_achievements", **me) == 4
    assert it.log(student.user_id) == [("user_created", manager.user_id)]


def test_a_creation_that_the_database_refuses_leaves_nothing_behind_not_even_the_auth_user(it: World):
    manager = it.manager()
    before = it.dump()
    with (
        it.planted("user_statistics"),
        pytest.raises(ConstraintViolated, match="insert_statistics refused by ck_planted"),
    ):
        it.student(manager)
    assert it.dump() == before


def test_a_lesson_is_completed_at_80_percent_and_refused_below(clocked: World, clock: Clock):
    student = clocked.student()
    almost = watch(clocked, clock, student.user_id, 67, DURATION * 80 // 100 - 1)
    assert (almost.percentage, almost.qualified) == (79, False)
    with pytest.raises(VideoNotQualified, match="79 %"):
        clocked.repository.complete_lesson(user_id=student.user_id, lesson_id=67)
    clock.advance(10)
    enough = clocked.repository.update_video_tracking(
        user_id=student.user_id, lesson_id=67, segments=[(1439, 1440)], position=1440
    )
    assert (enough.percentage, enough.qualified, enough.newly_qualified) == (80, True, True)
    assert clocked.repository.complete_lesson(user_id=student.user_id, lesson_id=67).modules_completed == 1


def test_completing_a_lesson_opens_the_next_module_and_no_other(it: World):
    student = it.student()
    with pytest.raises(ModuleLocked):
        it.repository.complete_lesson(user_id=student.user_id, lesson_id=68)
    assert it.complete(student.user_id, 67).unlocked_module_id == 17
    assert [row["module_id"] for row in it.rows("module_unlocks", user_id=student.user_id)] == [16, 17]
    with pytest.raises(ModuleLocked):
        it.repository.complete_lesson(user_id=student.user_id, lesson_id=69)


def test_the_certificate_comes_after_module_18_and_not_before(it: World):
    student = it.student()
    assert it.complete(student.user_id, 67, 68).certificate is None
    last = it.complete(student.user_id, 69)
    assert last.modules_completed == 3
    assert last.unlocked_module_id is None
    assert last.certificate.newly_issued
    assert it.row("certificates", user_id=student.user_id)["number"] == last.certificate.number


def test_segments_are_merged_whatever_their_order(clocked: World, clock: Clock):
    student = clocked.student()
    for segment in [(20, 30), (0, 10), (9.5, 12), (30.9, 35), (50, 60), (12, 19)]:
        clock.advance(10)
        progress = clocked.repository.update_video_tracking(
            user_id=student.user_id, lesson_id=67, segments=[segment], position=segment[1]
        )
    assert progress.segments == (Segment(0, 35), Segment(50, 60))
    assert progress.unique_seconds == 45
    assert clocked.row("video_tracking", user_id=student.user_id)["watched_segments"] == [
        {"start": 0, "end": 35},
        {"start": 50, "end": 60},
    ]


def test_claiming_the_whole_video_at_once_qualifies_nobody(it: World):
    student = it.student()
    claim = it.repository.update_video_tracking(
        user_id=student.user_id, lesson_id=67, segments=[(0, DURATION)], position=DURATION
    )
    assert (claim.unique_seconds, claim.counted_seconds, claim.held_back_seconds) == (1800, 30, 1770)
    assert not claim.qualified


@pytest.mark.parametrize("kind", KINDS)
def test_a_student_goes_from_the_sale_to_the_certificate_on_each_postgresql(kind: str, major: int, make_database):
    clock = Clock()
    with world(kind, make_database(server=major), clock=clock) as it:
        manager = it.manager(full_name="Dana K.")
        student = it.student(manager)
        for lesson_id, achieved in ((67, 1), (68, 2), (69, 3)):
            qualified = watch(it, clock, student.user_id, lesson_id, 1500)
            assert (qualified.percentage, qualified.qualified, qualified.status) == (83, True, "in_progress")
            done = it.repository.complete_lesson(user_id=student.user_id, lesson_id=lesson_id)
            assert (done.modules_completed, done.already_completed) == (achieved, False)

        journey = it.repository.get_student(user_id=student.user_id)
        assert (journey.student.status, journey.student.modules_completed) == ("completed", 3)
        assert journey.student.manager_name == "Dana K."
        assert (journey.completion_percentage, journey.lessons_completed, journey.total_time_spent) == (100, 3, 4500)
        assert [(lesson.lesson_id, lesson.status) for lesson in journey.progress] == [
            (67, "completed"),
            (68, "completed"),
            (69, "completed"),
        ]
        assert [video.segments for video in journey.video] == [(Segment(0, 1500),)] * 3
        assert [unlocked.module_id for unlocked in journey.unlocks] == [16, 17, 18]
        assert [(a.achievement_id, a.current_value, a.is_completed) for a in journey.achievements] == [
            ("first_module_complete", 1, True),
            ("second_module_complete", 1, True),
            ("third_module_complete", 1, True),
            ("tripwire_graduate", 3, True),
        ]
        assert journey.certificate == done.certificate.__class__(
            **{name: getattr(done.certificate, name) for name in done.certificate.__slots__} | {"newly_issued": False}
        )
        profile = it.row("tripwire_user_profile", user_id=student.user_id)
        assert (profile["certificate_issued"], profile["certificate_url"]) == (True, done.certificate.url)
        assert it.repository.verify_certificate(code=done.certificate.verification_code).valid
        assert sorted(action for action, _ in it.log(student.user_id)) == [
            "certificate_issued",
            *["lesson_completed"] * 3,
            *["module_unlocked"] * 2,
            "user_created",
        ]
        assert {by for _, by in it.log(student.user_id)} == {manager.user_id}


def test_a_manager_with_100_students_leads_the_leaderboard_with_the_right_figures(it: World):
    champion, other = it.manager(email="champion@sales.kz"), it.manager()
    with ThreadPoolExecutor(8) as pool:
        students = list(pool.map(lambda _: it.student(champion, price=Decimal(1000)), range(100)))
        list(pool.map(lambda _: it.student(other, price=Decimal(900000)), range(2)))
        list(pool.map(lambda student: it.complete(student.user_id, 67, 68, 69), students[:10]))
    for student in students[10:15]:
        it.complete(student.user_id, 67)
    for student in students[-5:]:
        it.repository.set_student_status(user_id=student.user_id, status="blocked", manager_id=champion.user_id)

    first, second = it.repository.get_sales_leaderboard(limit=2)
    assert (first.manager_id, first.email) == (champion.user_id, "champion@sales.kz")
    assert (first.total_students, first.active_students, first.completed_students) == (100, 85, 10)
    assert first.total_revenue == 100_000
    assert first.avg_completion_rate == round(Decimal(10 * 3 + 5) / (100 * 3) * 100, 2)
    assert (second.manager_id, second.total_students, second.total_revenue) == (other.user_id, 2, 1_800_000)


def test_ten_students_are_tracked_at_once_and_none_loses_a_second(clocked: World, clock: Clock):
    manager = clocked.manager()
    students = [clocked.student(manager) for _ in range(10)]

    def heartbeat(number: int, start: int):
        return clocked.repository.update_video_tracking(
            user_id=students[number].user_id, lesson_id=67, segments=[(start, start + 10 + number)], position=start
        )

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda call: heartbeat(*call), [(n, s) for s in range(0, 200, 40) for n in range(10)]))
    for number, student in enumerate(students):
        row = clocked.row("video_tracking", user_id=student.user_id)
        assert row["watched_segments"] == [{"start": s, "end": s + 10 + number} for s in range(0, 200, 40)]
        assert row["total_watched_seconds"] == 30
