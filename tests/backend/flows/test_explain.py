"""A flow that is explained by running it is told step by step, and undone."""

import re
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.backend.flows.world import World
from tripwire_db import ConstraintViolated, InvalidInput, PostgresAuth, TripwireRepository
from tripwire_db.engine.database import Database
from tripwire_db.flows.complete_lesson import complete_lesson
from tripwire_db.flows.log_activity import log_activity
from tripwire_db.flows.shared.context import FlowContext
from tripwire_db.flows.students import list_students
from tripwire_db.flows.update_video_tracking import update_video_tracking

CONTEXT = FlowContext()


def explained(it: World, flow: Any) -> tuple[str, dict[str, str], str]:
    """The first line, the line of each step, and the last; nothing has changed by it."""
    before = it.dump()
    first, *steps, last = it.repository.explain(flow, analyze=True).splitlines()
    assert it.dump() == before
    return first, {step.split()[0]: step for step in steps}, last


def test_a_refused_completion_names_the_gate_that_stopped_it_and_the_reason(it: World):
    first, steps, last = explained(it, complete_lesson(CONTEXT, user_id=it.student().user_id, lesson_id=67))
    assert re.match(r"complete_lesson: [\d.]+ ms in the server, planning [\d.]+ ms; undone", first)
    assert [name for name, line in steps.items() if "closed" in line] == ["gate"]
    assert re.search(
        r"complete_progress +student_progress +0 rows +[\d.]+ ms +\d+ buffers$", steps["complete_progress"]
    )
    assert last.startswith("Outcome: VideoNotQualified: ")


def test_a_completion_tells_the_rows_of_each_step_and_is_undone(it: World):
    student = it.student()
    it.qualify(student.user_id, 67)
    _, steps, last = explained(it, complete_lesson(CONTEXT, user_id=student.user_id, lesson_id=67))
    assert list(steps)[:3] == ["settings", "student", "facts"]
    assert " 1 row " in steps["count_module"]
    assert " 2 rows " in steps["earn_achievements"]
    assert not any("closed" in line for line in steps.values())
    assert "already_completed=False" in last


def test_a_second_completion_is_told_as_done_before(it: World):
    student = it.student()
    it.complete(student.user_id, 67)
    _, steps, last = explained(it, complete_lesson(CONTEXT, user_id=student.user_id, lesson_id=67))
    assert "closed" in steps["gate"]
    assert last.startswith("Outcome: done: ")
    assert "already_completed=True" in last


def test_a_held_back_heartbeat_tells_what_was_held_back(it: World):
    flow = update_video_tracking(
        CONTEXT, user_id=it.student().user_id, lesson_id=67, segments=[(0, 1000)], position=1000
    )
    _, steps, last = explained(it, flow)
    assert " 1 row " in steps["update_video"]
    assert "held_back_seconds=970" in last


def test_a_student_who_is_not_there_stops_at_the_lock(it: World):
    _, steps, last = explained(it, complete_lesson(CONTEXT, user_id=uuid4(), lesson_id=67))
    assert [name for name, line in steps.items() if "closed" in line] == ["student"]
    assert last.startswith("Outcome: NotFound: ")


def test_a_flow_that_only_reads_tells_its_rows(it: World):
    it.student()
    assert explained(it, list_students())[2] == "Outcome: done: 1 row"


def test_a_constraint_that_refuses_a_step_is_told_by_it(it: World):
    student = it.student()
    it.qualify(student.user_id, 67)
    with it.planted("user_statistics"), pytest.raises(ConstraintViolated) as raised:
        it.repository.explain(complete_lesson(CONTEXT, user_id=student.user_id, lesson_id=67), analyze=True)
    assert raised.value.step == "count_lesson"


def test_inside_the_callers_transaction_only_the_explained_flow_is_undone(it: World):
    manager = it.manager()
    flow = log_activity(CONTEXT, manager_id=manager.user_id, action_type="password_reset")
    with (
        PostgresAuth(it.url) as auth,
        TripwireRepository.connect(it.url, auth=auth) as repository,
        psycopg.connect(it.url) as connection,
    ):
        inside = repository.within(connection)
        inside.log_activity(manager_id=manager.user_id, action_type="password_reset")
        assert "Outcome: done" in inside.explain(flow, analyze=True)
    assert it.count("sales_activity_log", action_type="password_reset") == 1


def test_the_whole_plan_comes_along_where_it_is_asked_for(it: World):
    database = Database(it.url, pool_size=1)
    try:
        flow = complete_lesson(CONTEXT, user_id=it.student().user_id, lesson_id=67)
        assert "CTE count_module" in database.analyze(flow, plan=True).plan
        assert database.analyze(flow).plan == ""
    finally:
        database.close()


def test_what_is_no_flow_is_refused(it: World):
    with pytest.raises(InvalidInput):
        it.repository.explain("SELECT 1", analyze=True)
