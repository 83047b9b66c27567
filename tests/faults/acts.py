"""Every method of the repository as an act that can be tried under any fault: arranged, called, counted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.backend.flows.world import World

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Act:
    """One call.

    Attributes:
        name: the method's, with what tells it from another act of the same method.
        arguments: arranges what the call needs, without faults, and gives its arguments.
        effects: how often the call has taken effect; None for one that only reads.
        has_auth: whether a call of the auth service belongs to it.
    """

    name: str
    arguments: Callable[[World], Arguments]
    effects: Callable[[World, Mapping[str, Any]], int] | None = None
    has_auth: bool = False

    @property
    def method(self) -> str:
        return self.name.partition(" ")[0]

    def call(self, repository: Any, arguments: Mapping[str, Any]) -> Any:
        return getattr(repository, self.method)(**arguments)


def _logged(action: str) -> Callable[[World, Mapping[str, Any]], int]:
    return lambda it, asked: it.count("sales_activity_log", target_user_id=asked["user_id"], action_type=action)


def _logged_under_its_id(it: World, asked: Mapping[str, Any]) -> int:
    return it.count("sales_activity_log", id=asked["activity_id"])


def _new_student(it: World) -> Arguments:
    return {"email": f"{uuid4().hex}@new.kz", "full_name": "New Student", "manager_id": it.manager().user_id}


def _students_made(it: World, asked: Mapping[str, Any]) -> int:
    created = it.connection.execute(
        "SELECT count(*) AS n FROM sales_activity_log WHERE action_type = 'user_created' AND details->>'email' = %s",
        [asked["email"]],
    ).fetchone()
    auth_users = it.connection.execute(
        "SELECT count(*) AS n FROM auth.users WHERE email = %s", [asked["email"]]
    ).fetchone()
    assert created is not None
    assert auth_users is not None
    assert auth_users["n"] <= 1
    return int(created["n"])


def _new_manager(it: World) -> Arguments:
    return {"email": f"{uuid4().hex}@sales.kz", "full_name": "New Manager"}


def _a_student(it: World, **more: Any) -> Arguments:
    return {"user_id": it.student().user_id, **more}


def _qualified(it: World) -> Arguments:
    asked = _a_student(it, lesson_id=67)
    it.qualify(asked["user_id"], 67)
    return asked


def _about_to_graduate(it: World) -> Arguments:
    student = it.student()
    it.complete(student.user_id, 67, 68)
    it.qualify(student.user_id, 69)
    return {"user_id": student.user_id, "lesson_id": 69}


def _held_before_the_second(it: World) -> Arguments:
    asked = _a_student(it)
    it.complete(asked["user_id"], 67)
    # As older backends left some: completed, and the next module never opened.
    for table, column, key in (("module_unlocks", "module_id", 17), ("student_progress", "lesson_id", 68)):
        it.execute(f"DELETE FROM {table} WHERE user_id = %s AND {column} = %s", asked["user_id"], key)
    it.execute("DELETE FROM video_tracking WHERE user_id = %s AND lesson_id = 68", asked["user_id"])
    return asked


def _graduate(it: World, **more: Any) -> Arguments:
    return {"user_id": it.graduate().user_id, **more}


def _graduate_without(it: World) -> Arguments:
    asked = _graduate(it)
    it.repository.revoke_certificate(**asked, reason="printed with a wrong name")
    return asked


def _certificates(it: World, asked: Mapping[str, Any]) -> int:
    valid = [row for row in it.rows("certificates", user_id=asked["user_id"]) if row["revoked_at"] is None]
    return len(valid)


def _seconds_counted(it: World, asked: Mapping[str, Any]) -> int:
    """Ten seconds are one effect: a heartbeat that counts twice would show."""
    return int(it.row("user_statistics", user_id=asked["user_id"])["total_time_spent"]) // 10


def _sold(it: World, **more: Any) -> Arguments:
    """A student, and whoever may change their account."""
    student = it.student()
    return {"user_id": student.user_id, "manager_id": student.manager_id, **more}


def _to_reassign(it: World) -> Arguments:
    student, successor, admin = it.student(), it.manager(), it.manager(role="admin")
    return {
        "from_manager_id": student.manager_id,
        "to_manager_id": successor.user_id,
        "manager_id": admin.user_id,
        "user_ids": [student.user_id],
    }


def _passwords_set(it: World, asked: Mapping[str, Any]) -> int:
    """A caller who calls again sets it again, and each time is logged."""
    return min(1, it.count("sales_activity_log", target_user_id=asked["user_id"], action_type="password_reset"))


def _a_lesson_to_rename(it: World) -> Arguments:
    # Of its own: another call's title would come between this one and its repetition.
    lesson_id = uuid4().int % 2**30 + 1000
    it.execute("INSERT INTO lessons (id, module_id, title, archived) VALUES (%s, 16, 'An older take', true)", lesson_id)
    return {"lesson_id": lesson_id, "manager_id": it.manager(role="admin").user_id, "title": uuid4().hex}


def _welcomed(it: World) -> Arguments:
    asked = _a_student(it, sent=True)
    # By hand, so that one e-mail is logged, as the recount expects.
    it.execute("UPDATE tripwire_users SET welcome_email_sent = true WHERE user_id = %s", asked["user_id"])
    return {**asked, "activity_id": uuid4()}


def _of_manager(it: World) -> Arguments:
    student = it.student()
    return {"manager_id": student.manager_id}


WRITING = (
    Act("create_tripwire_user", _new_student, _students_made, has_auth=True),
    Act("create_manager", _new_manager, _students_made, has_auth=True),
    Act("delete_student", lambda it: _a_student(it, manager_id=it.manager().user_id), _logged("user_deleted"), True),
    Act(
        "correct_student",
        lambda it: _sold(it, full_name="Corrected Name", email=f"{uuid4().hex}@corrected.kz"),
        _logged("user_corrected"),
        True,
    ),
    Act("reset_password", lambda it: _sold(it, password="correct horse"), _passwords_set, True),
    Act("correct_student price", lambda it: _sold(it, price=7), _logged("user_corrected")),
    Act(
        "reassign_students",
        _to_reassign,
        lambda it, asked: it.count(
            "sales_activity_log", target_user_id=asked["user_ids"][0], action_type="user_reassigned"
        ),
    ),
    Act("complete_lesson first", _qualified, _logged("lesson_completed")),
    Act("complete_lesson last", _about_to_graduate, _certificates),
    Act(
        "unlock_next_module",
        _held_before_the_second,
        lambda it, asked: it.count("module_unlocks", user_id=asked["user_id"], module_id=17),
    ),
    Act(
        "update_video_tracking",
        lambda it: _a_student(it, lesson_id=67, segments=[(0, 10)], position=10),
        _seconds_counted,
    ),
    Act("issue_certificate", _graduate_without, _certificates),
    Act("revoke_certificate", lambda it: _graduate(it, reason="a mistake"), _logged("certificate_revoked")),
    Act(
        "set_student_status",
        lambda it: _a_student(it, status="blocked", manager_id=it.manager().user_id),
        _logged("user_status_updated"),
    ),
    Act("record_welcome_email", lambda it: _a_student(it, sent=True), _logged("email_sent")),
    Act("record_welcome_email again", _welcomed, _logged_under_its_id),
    Act(
        "update_lesson",
        _a_lesson_to_rename,
        lambda it, asked: it.count("sales_activity_log", manager_id=asked["manager_id"], action_type="lesson_updated"),
    ),
    Act(
        "log_activity",
        lambda it: {"manager_id": it.manager().user_id, "action_type": "password_reset", "activity_id": uuid4()},
        _logged_under_its_id,
    ),
)

READING = (
    Act("get_student", _a_student),
    Act("list_students", _of_manager),
    Act("list_lessons", lambda _: {}),
    Act("check_schema", lambda _: {}),
    Act("verify_certificate", lambda it: {"code": it.row("certificates", **_graduate(it))["verification_code"]}),
    Act("search_activity", lambda it: {"details": {"email": it.student().email}}),
    Act("search_watched_segments", lambda _: {"lesson_id": 67, "segment": (0, 10)}),
    Act("get_sales_leaderboard", lambda _: {"limit": 1}),
    Act("get_sales_chart_data", _of_manager),
    Act("get_manager_stats", _of_manager),
    Act("get_manager_activity", _of_manager),
)
