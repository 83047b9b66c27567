"""What looks wrong and is right is stored as it is; a clock that cannot be right is refused."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from tests.backend.flows.bad_values import INJECTION
from tests.backend.flows.world import Clock, World
from tripwire_db import InvalidInput


@pytest.mark.parametrize(
    "name", [INJECTION, 'O\'Neil "the" $1 %s %(name)s :x', "Әйгерім 🎓", "a" * 300, "\\", "{}", "NULL", "a  b"]
)
def test_a_name_is_stored_as_it_is_whatever_it_looks_like(it: World, name: str):
    manager = it.manager(full_name=name)
    student = it.student(manager, full_name=name)
    assert it.row("tripwire_users")["full_name"] == name
    assert it.row("tripwire_users")["manager_name"] == name
    assert it.repository.list_students(search=name[:300])[0].user_id == student.user_id
    assert it.repository.get_student(user_id=student.user_id).student.full_name == name
    it.complete(student.user_id, 67, 68, 69)
    assert it.row("certificates")["full_name"] == name


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 1),  # noqa: DTZ001 - without a zone, as it must not be
        None,
        "2026-01-01T00:00:00Z",
        1_767_225_600,
    ],
)
def test_a_clock_that_gives_no_aware_time_is_refused_by_every_flow_that_writes(make_world, kind: str, moment):
    good_times = make_world()
    manager = good_times.manager()
    student = good_times.graduate(manager)
    broken = make_world(clock=lambda: moment).repository
    them, me = {"user_id": student.user_id}, {"manager_id": manager.user_id}
    before = good_times.dump()
    for method, arguments in {
        "create_tripwire_user": {"email": "new@b.kz", "full_name": "New", **me},
        "create_manager": {"email": "new@b.kz", "full_name": "New"},
        "complete_lesson": {**them, "lesson_id": 67},
        "unlock_next_module": them,
        "update_video_tracking": {**them, "lesson_id": 67, "segments": [(0, 10)], "position": 0},
        "issue_certificate": them,
        "log_activity": {**me, "action_type": "email_sent"},
        "set_student_status": {**them, **me, "status": "blocked"},
        "delete_student": {**them, **me},
        "correct_student": {**them, **me, "full_name": "New"},
        "reassign_students": {
            "from_manager_id": manager.user_id,
            "to_manager_id": UUID(int=1),
            "manager_id": manager.user_id,
        },
        "reset_password": {**them, **me, "password": "correct horse"},
        "revoke_certificate": {**them, "reason": "why"},
        "record_welcome_email": {**them, "sent": True},
        "update_lesson": {"lesson_id": 67, **me},
    }.items():
        with pytest.raises(InvalidInput, match="clock"):
            getattr(broken, method)(**arguments)
    assert good_times.dump() == before


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))])
@pytest.mark.parametrize("edge", [datetime(2, 1, 2), datetime(9998, 12, 30, 23, 59)])  # noqa: DTZ001 - the zone follows
def test_what_a_clock_wrote_can_be_read_in_every_zone(clocked: World, clock: Clock, edge: datetime, zone: timezone):
    manager = clocked.manager()
    clock.now = edge.replace(tzinfo=zone)
    student = clocked.student(manager)
    for session_zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        clocked.execute(f"SET TIME ZONE '{session_zone}'")
        assert clocked.row("tripwire_users", user_id=student.user_id)["created_at"] == clock.now
    assert [found.created_at for found in clocked.repository.list_students()] == [clock.now]


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=5))),
    ],
)
def test_a_clock_at_the_edge_of_the_calendar_is_refused_and_nothing_is_written(
    clocked: World, clock: Clock, moment: datetime
):
    student = clocked.student()
    before = clocked.dump()
    clock.now = moment
    for call in (
        lambda: clocked.repository.update_video_tracking(
            user_id=student.user_id, lesson_id=67, segments=[(0, 10)], position=0
        ),
        clocked.student,
        clocked.manager,
    ):
        with pytest.raises(InvalidInput, match="the clock's time must be in the years 2 to 9998"):
            call()
    assert clocked.dump() == before
