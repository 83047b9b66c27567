"""A process that is killed, SIGKILL and no farewell, at each step: the next call finishes what it began."""

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.backend.flows.world import World
from tests.faults.figures import Figures
from tests.support.servers.finding import PROJECT


def killed(it: World, method: str, moment: str, **asked: str) -> None:
    """Run a call in a process of its own, which is killed at this moment."""
    command = [sys.executable, "-m", "tests.faults.dying", it.url, method, moment, json.dumps(asked)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(
    ("moment", "left"), [("before create_user", 0), ("after create_user", 1), ("before delete_user", 1)]
)
@pytest.mark.parametrize("method", ["create_tripwire_user", "create_manager"])
def test_a_creation_that_was_killed_is_resumed_by_the_next_with_the_same_email(
    method: str, moment: str, left: int, it: World, figures: Figures
):
    asked = {"email": "killed@course.kz", "full_name": "Killed"}
    if method == "create_tripwire_user":
        asked["manager_id"] = str(it.manager().user_id)
    # Where compensation is what is killed, the rows were refused.
    refused = {"refused": method} if "delete" in moment else {}
    killed(it, method, moment, **asked, **refused)
    auth_users = it.connection.execute("SELECT id FROM auth.users WHERE email = 'killed@course.kz'").fetchall()
    assert len(auth_users) == left
    made = getattr(it.repository, method)(**asked)
    assert made.created
    if left:
        assert made.user_id == auth_users[0]["id"]
    assert [action for action, _ in it.log(made.user_id)] == ["user_created"]
    figures.survived("process killed")


@pytest.mark.parametrize("moment", ["before delete_user", "after delete_user"])
def test_a_deletion_that_was_killed_is_finished_by_the_next(moment: str, it: World, figures: Figures):
    student = it.student()
    asked = {"user_id": str(student.user_id), "manager_id": str(student.manager_id)}
    killed(it, "delete_student", moment, **asked)
    deleted = it.repository.delete_student(**asked)
    assert (deleted.email, deleted.deleted) == (student.email, False)
    assert [action for action, _ in it.log(student.user_id)] == ["user_created", "user_deleted"]
    assert not it.connection.execute("SELECT 1 FROM auth.users WHERE id = %s", [student.user_id]).fetchall()
    figures.survived("process killed")


@pytest.mark.heavy
def test_many_processes_killed_in_one_creation_leave_one_student(it: World, figures: Figures):
    asked = {"email": "killed@course.kz", "full_name": "Killed", "manager_id": str(it.manager().user_id)}
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: killed(it, "create_tripwire_user", "before create_user", **asked), range(8)))
    killed(it, "create_tripwire_user", "after create_user", **asked)
    student = it.repository.create_tripwire_user(**asked)
    assert student.created
    assert it.count("tripwire_users") == 1
    figures.survived("process killed", 9)
