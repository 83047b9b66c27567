"""Each step of each flow made to fail: nothing is written, and the error names flow, step, table and constraint."""

from collections.abc import Callable

import pytest

from tests.backend.flows import scenes
from tests.backend.flows.world import World
from tripwire_db import ConstraintViolated
from tripwire_db.flows import statements

ALL = None

FAILURES: list[tuple[str, Callable, list[str] | None]] = [
    ("create_tripwire_user", scenes.create_tripwire_user, ALL),
    ("create_manager", scenes.create_manager, ALL),
    (
        "complete_lesson",
        scenes.complete_first_lesson,
        [
            "complete_progress",
            "keep_segments",
            "count_module",
            "update_profile",
            "count_lesson",
            "earn_achievements",
            "unlock_module",
            "open_progress",
            "open_video_tracking",
            "log_completion",
        ],
    ),
    (
        "complete_lesson",
        scenes.complete_last_lesson,
        ["complete_progress", "count_module", "issue_certificate", "update_profile", "earn_achievements"],
    ),
    ("unlock_next_module", scenes.unlock_next_module, ALL),
    (
        "update_video_tracking",
        scenes.heartbeat,
        ["update_video", "begin_progress", "add_time_spent"],
    ),
    (
        "update_video_tracking",
        scenes.heartbeat_without_a_row,
        ["open_video_tracking"],
    ),
    ("issue_certificate", scenes.issue_certificate, ALL),
    ("revoke_certificate", scenes.revoke_certificate, ALL),
    ("log_activity", scenes.log_activity, ALL),
    ("set_student_status", scenes.set_student_status, ALL),
    ("delete_student", scenes.delete_student, ALL),
    ("correct_student", scenes.correct_student, ALL),
    ("correct_student", scenes.correct_price, ["update_student", "log_correction"]),
    ("reassign_students", scenes.reassign_students, ALL),
    ("reset_password", scenes.reset_password, ALL),
    ("update_lesson", scenes.update_lesson, ALL),
    ("record_welcome_email", scenes.record_welcome_email, ALL),
]

# The server tells the table, so of two steps that write one table the first is named.
NOT_THE_FIRST = {"open_progress", "open_video_tracking"}
# Where two steps write one table, the rule that only one of them breaks.
RULES = {
    "complete_progress": "status <> 'completed'",
    "open_progress": "status <> 'not_started'",
    "open_video_tracking": "is_qualified_for_completion",
}


@pytest.mark.parametrize(("name", "scene", "steps"), FAILURES, ids=[failure[1].__name__ for failure in FAILURES])
def test_a_step_that_fails_undoes_the_flow_and_is_named(it: World, name: str, scene: Callable, steps: list[str] | None):
    statement = statements()[name]
    call = scene(it)
    for step in steps or statement.tables:
        table = statement.tables[step]
        before = it.dump()
        refusing = it.kept(table) if step.startswith("delete_") else it.planted(table, RULES.get(step, "false"))
        with refusing, pytest.raises(ConstraintViolated) as raised:
            call()
        error = raised.value
        assert it.dump() == before, f"{step}: nothing is written"
        assert (error.flow, error.table, error.constraint) == (name, table, "ck_planted")
        assert error.step == statement.step_of(table)
        assert error.step == step or step in NOT_THE_FIRST
        assert error.sqlstate == "23514"
        assert str(error).startswith(f"{name}: step {error.step} refused by ck_planted")
    call()
    assert it.dump() != before, "with nothing in its way the flow succeeds"


def test_no_step_is_left_out():
    tried: dict[str, set[str]] = {}
    for name, _, steps in FAILURES:
        tried.setdefault(name, set()).update(steps or statements()[name].tables)
    assert tried == {name: set(statement.tables) for name, statement in statements().items() if statement.writes}


def test_where_two_steps_write_one_table_the_first_is_named():
    named = {name: list(map(it.step_of, it.tables.values())) for name, it in statements().items()}

    assert named["complete_lesson"].count("complete_progress") == 2
    assert named["update_video_tracking"].count("update_video") == 2
