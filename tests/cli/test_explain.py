"""`tripwire-db explain`: the plan of a flow, or what each of its steps did before it was undone."""

import pytest

from tests.cli.conftest import Run
from tripwire_db.results import CreatedStudent


def test_a_completion_is_explained_step_by_step_and_undone(run: Run, student: CreatedStudent):
    asked = ("explain", "complete_lesson", "user_id=aigerim@example.com", "lesson_id=68", "--analyze")
    ran = run(*asked)

    assert ran.code == 0
    assert ran.out.startswith("complete_lesson: ")
    assert "Outcome: " in ran.out.splitlines()[-1]
    assert run(*asked).out.splitlines()[-1] == ran.out.splitlines()[-1]
    assert "CTE count_module" in run(*asked, "--plan").out


def test_machines_get_each_step(run: Run, student: CreatedStudent):
    ran = run("explain", "get_student", f"user_id={student.user_id}", "--analyze", "--json").json

    assert (ran["flow"], ran["outcome"].partition(":")[0], ran["stopped_by"]) == ("get_student", "done", None)
    assert ran["steps"][-1]["name"] == "report"
    assert {"rows", "milliseconds", "buffers"} <= set(ran["steps"][-1])


def test_without_analyze_nothing_is_run_and_the_plan_is_shown(run: Run, student: CreatedStudent):
    asked = ("explain", "list_students", "status=active", "since=2026-01-01", "limit=3")

    assert "cost=" in run(*asked).out
    assert run(*asked, "--json").json["flow"] == "list_students"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nonsense"], "no such flow"),
        (["_functions"], "no such flow"),
        (["reset_password"], "auth service"),
        (["complete_lesson", "lesson_id=67"], "user_id"),
        (["complete_lesson", "lesson"], "KEY=VALUE"),
        (["complete_lesson", "lesson_id=67", "lesson_id=68"], "twice"),
        (["complete_lesson", "lesson_id=abc"], "JSON"),
        (["list_students", "since=yesterday"], "2026-03-01"),
        (["list_lessons", "--plan"], "--analyze"),
    ],
)
def test_nonsense_is_refused_with_what_to_write(run: Run, words: list[str], says: str):
    ran = run("explain", *words)

    assert ran.code == 2
    assert says in ran.err
