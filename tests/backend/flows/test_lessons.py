"""Reading the course's lessons, and changing one."""

from uuid import uuid4

import pytest

from tests.backend.flows.world import Clock, World
from tripwire_db import Lesson, NotFound, Refused


def lesson(it: World, lesson_id: int = 67) -> Lesson:
    (found,) = (one for one in it.repository.list_lessons() if one.lesson_id == lesson_id)
    return found


def test_lessons_go_by_the_courses_order_archived_ones_last_in_their_module(it: World):
    it.execute("UPDATE modules SET position = 20 - position")
    it.execute("INSERT INTO lessons (id, module_id, title, archived) VALUES (7, 16, 'An older take', true)")
    found = it.repository.list_lessons()
    assert [(one.lesson_id, one.module_id, one.archived) for one in found] == [
        (69, 18, False),
        (68, 17, False),
        (67, 16, False),
        (7, 16, True),
    ]
    assert found[3] == Lesson(lesson_id=7, module_id=16, title="An older take", duration_seconds=1800, archived=True)


@pytest.mark.parametrize(
    ("asked", "details"),
    [
        ({"title": " Beginnings "}, {"old_title": "Lesson 1", "new_title": "Beginnings"}),
        ({"duration_seconds": 1214}, {"old_duration_seconds": 1800, "new_duration_seconds": 1214}),
        (
            {"title": "Әліппе", "duration_seconds": 86_400},
            {
                "old_title": "Lesson 1",
                "new_title": "Әліппе",
                "old_duration_seconds": 1800,
                "new_duration_seconds": 86_400,
            },
        ),
        ({"title": "Lesson 1", "duration_seconds": 1}, {"old_duration_seconds": 1800, "new_duration_seconds": 1}),
    ],
)
def test_a_change_is_written_and_logged_once_and_nothing_else_moves(
    clocked: World, clock: Clock, asked: dict, details: dict
):
    admin, student = clocked.manager(role="admin"), clocked.graduate()
    of_student = clocked.dump(student.user_id)
    others = [lesson(clocked, 68), lesson(clocked, 69)]
    clock.advance(60)
    updated = clocked.repository.update_lesson(lesson_id=67, manager_id=str(admin.user_id), **asked)
    assert updated == lesson(clocked)
    assert updated.title == asked.get("title", "Lesson 1").strip()
    assert updated.duration_seconds == asked.get("duration_seconds", 1800)
    log = clocked.row("sales_activity_log", action_type="lesson_updated")
    assert log["details"] == {"lesson_id": 67, **details}
    assert (log["manager_id"], log["target_user_id"], log["created_at"]) == (admin.user_id, None, clock.now)
    assert clocked.dump(student.user_id) == of_student
    assert [lesson(clocked, 68), lesson(clocked, 69)] == others
    before = clocked.dump()
    assert clocked.repository.update_lesson(lesson_id=67, manager_id=admin.user_id, **asked) == updated
    assert clocked.dump() == before


def test_nothing_to_change_is_no_error_and_no_log_row(it: World):
    admin = it.manager(role="admin")
    before = it.dump()
    assert it.repository.update_lesson(lesson_id=67, manager_id=admin.user_id) == lesson(it)
    assert it.dump() == before


@pytest.mark.parametrize("role", ["sales_manager", "curator", "tech_support"])
def test_only_an_admin_may_change_a_lesson(it: World, role: str):
    manager = it.manager(role=role)
    before = it.dump()
    for asked in ({"title": "Mine"}, {}):
        with pytest.raises(Refused, match="is no admin, so nothing was changed"):
            it.repository.update_lesson(lesson_id=67, manager_id=manager.user_id, **asked)
    assert it.dump() == before


def test_whoever_and_whatever_is_unknown_is_not_found(it: World):
    admin, student = it.manager(role="admin"), it.student()
    before = it.dump()
    for nobody in (uuid4(), student.user_id):
        with pytest.raises(NotFound) as raised:
            it.repository.update_lesson(lesson_id=67, manager_id=nobody, title="Mine")
        assert (raised.value.kind, raised.value.key) == ("manager", nobody)
    with pytest.raises(NotFound) as raised:
        it.repository.update_lesson(lesson_id=70, manager_id=admin.user_id, title="Mine")
    assert (raised.value.kind, raised.value.key) == ("lesson", 70)
    assert it.dump() == before


def test_changes_at_once_all_count_and_each_is_logged_from_what_it_found(it: World):
    admin = it.manager(role="admin")
    changes = [{"title": "A"}, {"title": "B"}, {"duration_seconds": 1214}, {"duration_seconds": 1214}]

    def change(asked: dict):
        return lambda: it.repository.update_lesson(lesson_id=67, manager_id=admin.user_id, **asked)

    it.at_once("SELECT 1 FROM lessons WHERE id = %s FOR UPDATE", [67], *map(change, changes))
    assert lesson(it).duration_seconds == 1214
    logged = [row["details"] for row in it.rows("sales_activity_log", action_type="lesson_updated")]
    assert len(logged) == 3
    titles = {details["old_title"]: details["new_title"] for details in logged if "new_title" in details}
    assert titles in ({"Lesson 1": "A", "A": "B"}, {"Lesson 1": "B", "B": "A"})
    assert lesson(it).title == titles[titles["Lesson 1"]]


def test_a_new_duration_counts_from_the_next_call_on_and_takes_nothing_back(clocked: World, clock: Clock):
    admin, student = clocked.manager(role="admin"), clocked.student()

    def watch(end: float):
        clock.advance(1000)
        return clocked.repository.update_video_tracking(
            user_id=student.user_id, lesson_id=67, segments=[(0, end)], position=end
        )

    watch(30)
    assert watch(150).percentage == 8
    clocked.repository.update_lesson(lesson_id=67, manager_id=admin.user_id, duration_seconds=187)
    qualified = watch(150)
    assert (qualified.percentage, qualified.newly_qualified) == (80, True)
    clocked.repository.update_lesson(lesson_id=67, manager_id=admin.user_id, duration_seconds=18_000)
    assert (watch(150).qualified, watch(150).percentage) == (True, 80)
