"""The course is rows: modules and lessons can be archived, replaced and reordered, and every flow follows."""

import pytest

from tests.backend.flows.world import World
from tripwire_db import NotEligible


def modules_of(it: World, user_id) -> list[int]:
    return sorted(row["module_id"] for row in it.rows("module_unlocks", user_id=user_id))


def earned(it: World, user_id) -> set[str]:
    return {row["achievement_id"] for row in it.rows("user_achievements", user_id=user_id, is_completed=True)}


def replace_lesson(it: World, old: int, new: int, *, duration: int = 1800) -> None:
    it.execute("UPDATE lessons SET archived = true WHERE id = %s", old)
    it.execute(
        "INSERT INTO lessons (id, module_id, title, duration_seconds)"
        " SELECT %s, module_id, 'New', %s FROM lessons WHERE id = %s",
        new,
        duration,
        old,
    )


def replace_module(it: World, old: int, new: int, lesson_id: int) -> None:
    it.execute("UPDATE modules SET archived = true WHERE id = %s", old)
    it.execute(
        "INSERT INTO modules (id, position, title) SELECT %s, position, 'New' FROM modules WHERE id = %s", new, old
    )
    it.execute("INSERT INTO lessons (id, module_id, title) VALUES (%s, %s, 'New')", lesson_id, new)


def test_a_student_begins_with_the_first_module_in_order_that_is_not_archived(it: World):
    it.execute("UPDATE modules SET position = 9 WHERE id = 16")
    assert modules_of(it, it.student().user_id) == [17]
    replace_module(it, 17, 19, 70)
    student = it.student()
    assert modules_of(it, student.user_id) == [19]
    assert it.row("student_progress", user_id=student.user_id)["lesson_id"] == 70


def test_reordered_modules_open_in_the_new_order_and_earn_by_their_place(it: World):
    it.execute("UPDATE modules SET position = CASE id WHEN 18 THEN 1 WHEN 16 THEN 2 ELSE 3 END")
    student = it.student()
    assert modules_of(it, student.user_id) == [18]
    first = it.complete(student.user_id, 69)
    assert (first.module_id, first.unlocked_module_id) == (18, 16)
    assert earned(it, student.user_id) == {"first_module_complete"}
    second = it.complete(student.user_id, 67)
    assert second.unlocked_module_id == 17
    assert earned(it, student.user_id) == {"first_module_complete", "second_module_complete"}
    last = it.complete(student.user_id, 68)
    assert (last.unlocked_module_id, last.modules_completed) == (None, 3)
    assert last.certificate is not None
    assert "third_module_complete" in earned(it, student.user_id)


def test_modules_on_one_position_go_by_their_id(it: World):
    it.execute("UPDATE modules SET position = 1")
    student = it.student()
    assert it.complete(student.user_id, 67).unlocked_module_id == 17
    assert it.complete(student.user_id, 68).unlocked_module_id == 18


def test_an_archived_module_is_passed_over_when_the_next_one_opens(it: World):
    student = it.student()
    replace_module(it, 17, 19, 70)
    done = it.complete(student.user_id, 67)
    assert done.unlocked_module_id == 19
    assert modules_of(it, student.user_id) == [16, 19]
    assert it.row("student_progress", user_id=student.user_id, module_id=19)["lesson_id"] == 70
    assert it.complete(student.user_id, 70).unlocked_module_id == 18
    assert it.complete(student.user_id, 69).certificate is not None
    assert len(earned(it, student.user_id)) == 4


def test_a_module_without_a_lesson_is_passed_over(it: World):
    student = it.student()
    it.execute("UPDATE lessons SET archived = true WHERE id = 68")
    assert it.complete(student.user_id, 67).unlocked_module_id == 18


def test_whoever_completes_an_archived_module_is_spared_the_one_that_took_its_place(it: World):
    student = it.student()
    it.complete(student.user_id, 67)
    replace_module(it, 17, 19, 70)
    done = it.complete(student.user_id, 68)
    # What took its place is the same step of the course, so it is not what comes next.
    assert (done.modules_completed, done.unlocked_module_id) == (2, 18)
    assert it.complete(student.user_id, 69).certificate is not None


def test_a_course_put_into_another_order_leaves_nobody_stuck(it: World):
    it.graduate()  # what others have completed is no reason to pass over a module
    student = it.student()
    it.complete(student.user_id, 67)
    it.execute("UPDATE modules SET position = 5 - position WHERE id IN (17, 18)")
    # Nor is a lesson that was not completed, as an older backend left it beside a module that it did not open.
    it.execute("INSERT INTO student_progress (user_id, module_id, lesson_id) VALUES (%s, 18, 69)", student.user_id)
    done = it.complete(student.user_id, 68)
    assert (done.modules_completed, done.unlocked_module_id) == (2, 18)
    assert it.repository.unlock_next_module(user_id=student.user_id).module_id == 18
    assert it.complete(student.user_id, 69).certificate is not None


def test_a_replaced_lesson_is_the_one_that_new_students_get(it: World):
    before = it.student()
    replace_lesson(it, 67, 70, duration=600)
    after = it.student()
    assert it.row("student_progress", user_id=after.user_id)["lesson_id"] == 70
    assert it.row("video_tracking", user_id=after.user_id)["video_duration_seconds"] == 600
    assert it.complete(after.user_id, 70).unlocked_module_id == 17
    # Whoever was in the middle may finish the old one, or take the new one: their module is open.
    assert it.complete(before.user_id, 67).unlocked_module_id == 17


def test_a_student_in_the_middle_may_take_the_lesson_that_replaced_theirs(it: World):
    student = it.student()
    replace_lesson(it, 67, 70)
    it.repository.update_video_tracking(user_id=student.user_id, lesson_id=70, segments=[(0, 10)], position=10)
    done = it.complete(student.user_id, 70)
    assert (done.module_id, done.modules_completed, done.unlocked_module_id) == (16, 1, 17)


def test_a_replaced_lesson_counts_whatever_others_have_completed_and_this_student_has_only_begun(it: World):
    other, student = it.student(), it.student()
    it.complete(other.user_id, 67)
    replace_lesson(it, 67, 70)
    assert it.complete(student.user_id, 70).modules_completed == 1


def test_a_second_lesson_of_a_completed_module_counts_as_a_lesson_and_never_as_another_module(it: World):
    student = it.student()
    it.complete(student.user_id, 67, 68)
    replace_lesson(it, 67, 70)
    again = it.complete(student.user_id, 70)
    assert (again.already_completed, again.modules_completed, again.certificate) == (False, 2, None)
    assert it.row("tripwire_users")["modules_completed"] == 2
    assert it.row("tripwire_users")["status"] == "active"
    assert it.row("tripwire_user_profile")["modules_completed"] == 2
    assert it.row("user_statistics")["lessons_completed"] == 3
    assert it.count("certificates") == 0
    assert it.complete(student.user_id, 69).certificate is not None


def test_a_second_lesson_after_graduation_brings_back_neither_a_revoked_certificate_nor_a_status(it: World):
    student = it.graduate()
    it.repository.revoke_certificate(user_id=student.user_id, reason="copied")
    # As an older backend or a person at psql leaves it: set_student_status makes a graduate completed.
    it.execute("UPDATE tripwire_users SET status = 'active' WHERE user_id = %s", student.user_id)
    replace_lesson(it, 67, 70)
    again = it.complete(student.user_id, 70)
    assert (again.modules_completed, again.certificate) == (3, None)
    assert it.row("tripwire_users")["status"] == "active"
    assert [row["revoked_reason"] for row in it.rows("certificates")] == ["copied"]


def test_the_old_and_the_new_lesson_of_a_module_at_once_count_it_once(it: World):
    student = it.student()
    replace_lesson(it, 67, 70)
    it.qualify(student.user_id, 67, 70)
    outcomes = it.at_once_on(
        student.user_id,
        *[
            lambda lesson_id=lesson_id: it.repository.complete_lesson(user_id=student.user_id, lesson_id=lesson_id)
            for lesson_id in (67, 70)
        ],
    )
    assert [done.modules_completed for done in outcomes] == [1, 1]
    assert it.row("tripwire_users")["modules_completed"] == 1
    assert it.row("user_statistics")["lessons_completed"] == 2
    assert it.row("tripwire_user_profile")["modules_completed"] == 1


def test_unlocking_follows_the_order_as_it_is_now(it: World):
    student = it.student()
    it.complete(student.user_id, 67)
    it.execute("DELETE FROM module_unlocks WHERE module_id = 17")
    it.execute("UPDATE modules SET position = 9 WHERE id = 17")
    assert it.repository.unlock_next_module(user_id=student.user_id).module_id == 18
    replace_module(it, 18, 19, 70)
    assert it.repository.unlock_next_module(user_id=student.user_id).module_id == 19


def test_where_everything_after_is_archived_there_is_nothing_to_open(it: World):
    student = it.student()
    it.complete(student.user_id, 67)
    it.execute("UPDATE modules SET archived = true WHERE id IN (17, 18)")
    with pytest.raises(NotEligible):
        it.repository.unlock_next_module(user_id=student.user_id)
    assert it.repository.complete_lesson(user_id=student.user_id, lesson_id=67).unlocked_module_id is None


def test_a_lessons_duration_is_the_one_that_counts_for_new_rows(it: World):
    it.execute("UPDATE lessons SET duration_seconds = 100 WHERE id = 68")
    student = it.student()
    it.complete(student.user_id, 67)
    assert it.row("video_tracking", lesson_id=68)["video_duration_seconds"] == 100
    progress = it.repository.update_video_tracking(
        user_id=student.user_id, lesson_id=68, segments=[(0, 30)], position=30
    )
    assert progress.percentage == 30
