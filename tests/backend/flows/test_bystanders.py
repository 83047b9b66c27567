"""A call changes what it says of the person it names, and nothing of anybody else's."""

import pytest

from tests.backend.flows.world import World
from tests.faults.acts import WRITING, Act
from tripwire_db import ModuleLocked


@pytest.mark.parametrize("act", WRITING, ids=lambda act: act.name)
def test_no_row_of_other_students_moves(it: World, act: Act):
    asked = act.arguments(it)
    new, watching, under_way, graduate = it.student(), it.student(), it.student(), it.graduate()
    it.complete(under_way.user_id, 67)
    it.repository.update_video_tracking(user_id=watching.user_id, lesson_id=67, segments=[(0, 9)], position=9)
    others = [one.user_id for one in (new, watching, under_way, graduate)]
    before = [it.dump(of=user_id) for user_id in others]

    act.call(it.repository, asked)

    assert [it.dump(of=user_id) for user_id in others] == before


@pytest.mark.parametrize("has_row", [True, False])
def test_a_module_that_another_student_has_opened_stays_locked(it: World, has_row: bool):
    it.graduate()
    student = it.student().user_id
    if has_row:  # as an older backend left it
        it.execute("INSERT INTO video_tracking (user_id, lesson_id) VALUES (%s, 68)", student)
    before = it.dump()
    with pytest.raises(ModuleLocked):
        it.repository.update_video_tracking(user_id=student, lesson_id=68, segments=[(0, 9)], position=9)
    assert it.dump() == before


def test_a_journey_has_nothing_of_other_students(it: World):
    student = it.student().user_id
    it.complete(student, 67)
    alone = it.repository.get_student(user_id=student)

    it.graduate()

    assert it.repository.get_student(user_id=student) == alone
