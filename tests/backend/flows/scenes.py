"""A scene for each method: what there must be before, and the call itself."""

from collections.abc import Callable
from typing import Any

from tests.backend.flows.world import World

Call = Callable[[], Any]

METHODS = {
    "create_tripwire_user": "email full_name manager_id password=None price=None",
    "complete_lesson": "user_id lesson_id",
    "unlock_next_module": "user_id",
    "update_video_tracking": "user_id lesson_id segments position client_duration=None",
    "issue_certificate": "user_id",
    "log_activity": "manager_id action_type target_user_id=None details=None activity_id=None",
    "get_sales_leaderboard": "limit=10 since=None until=None time_zone='Asia/Almaty'",
    "get_sales_chart_data": "manager_id=None days_back=30 since=None until=None time_zone='Asia/Almaty'",
    "get_manager_stats": "manager_id=None since=None until=None time_zone='Asia/Almaty'",
    "get_manager_activity": "manager_id limit=50 before=None action_types=None since=None until=None time_zone='Asia/Almaty'",
    "create_manager": "email full_name password=None role='sales_manager'",
    "set_student_status": "user_id status manager_id",
    "delete_student": "user_id manager_id",
    "correct_student": "user_id manager_id full_name=None email=None price=None",
    "reassign_students": "from_manager_id to_manager_id manager_id user_ids=None",
    "reset_password": "user_id password manager_id",
    "revoke_certificate": "user_id reason manager_id=None",
    "verify_certificate": "code",
    "search_activity": "details manager_id=None limit=50",
    "search_watched_segments": "lesson_id segment limit=50",
    "list_lessons": "",
    "check_schema": "",
    "update_lesson": "lesson_id manager_id title=None duration_seconds=None",
    "record_welcome_email": "user_id sent manager_id=None activity_id=None",
    "get_student": "user_id",
    "list_students": "manager_id=None status=None search=None modules_completed=None certificate=None"
    " welcome_email_sent=None since=None until=None time_zone='Asia/Almaty' limit=20 after=None count=False",
}
"""The methods of the repository, with their arguments and defaults."""


def create_tripwire_user(it: World) -> Call:
    manager = it.manager()
    return lambda: it.student(manager)


def create_manager(it: World) -> Call:
    return it.manager


def complete_first_lesson(it: World) -> Call:
    student = it.student()
    it.qualify(student.user_id, 67)
    return lambda: it.repository.complete_lesson(user_id=student.user_id, lesson_id=67)


def complete_last_lesson(it: World) -> Call:
    student = it.student()
    it.complete(student.user_id, 67, 68)
    it.qualify(student.user_id, 69)
    return lambda: it.repository.complete_lesson(user_id=student.user_id, lesson_id=69)


def unlock_next_module(it: World) -> Call:
    student = it.student()
    for table in ("module_unlocks", "student_progress", "video_tracking"):
        it.execute(f"DELETE FROM {table} WHERE user_id = %s", student.user_id)
    return lambda: it.repository.unlock_next_module(user_id=student.user_id)


def heartbeat(it: World) -> Call:
    student = it.student()
    return lambda: it.repository.update_video_tracking(
        user_id=student.user_id, lesson_id=67, segments=[(0, 10), (20, 30)], position=30, client_duration=1800
    )


def heartbeat_without_a_row(it: World) -> Call:
    call = heartbeat(it)
    it.execute("DELETE FROM video_tracking")
    return call


def issue_certificate(it: World) -> Call:
    student = it.graduate()
    it.repository.revoke_certificate(user_id=student.user_id, reason="by mistake")
    return lambda: it.repository.issue_certificate(user_id=student.user_id)


def revoke_certificate(it: World) -> Call:
    student = it.graduate()
    return lambda: it.repository.revoke_certificate(user_id=student.user_id, reason="by mistake")


def verify_certificate(it: World) -> Call:
    code = it.complete(it.student().user_id, 67, 68, 69).certificate.verification_code
    return lambda: it.repository.verify_certificate(code=code)


def log_activity(it: World) -> Call:
    manager = it.manager()
    return lambda: it.repository.log_activity(
        manager_id=manager.user_id, action_type="email_sent", target_user_id=manager.user_id, details={"n": 1}
    )


def set_student_status(it: World) -> Call:
    manager = it.manager()
    student = it.student(manager)
    return lambda: it.repository.set_student_status(
        user_id=student.user_id, status="blocked", manager_id=manager.user_id
    )


def delete_student(it: World) -> Call:
    manager = it.manager()
    student = it.graduate(manager)
    return lambda: it.repository.delete_student(user_id=student.user_id, manager_id=manager.user_id)


def correct_student(it: World) -> Call:
    manager = it.manager()
    student = it.student(manager)
    return lambda: it.repository.correct_student(
        user_id=student.user_id,
        manager_id=manager.user_id,
        full_name="Corrected Name",
        email=f"corrected.{student.email}",
        price=7,
    )


def correct_price(it: World) -> Call:
    manager = it.manager()
    student = it.student(manager)
    return lambda: it.repository.correct_student(user_id=student.user_id, manager_id=manager.user_id, price=7)


def reassign_students(it: World) -> Call:
    leaving, staying, admin = it.manager(), it.manager(), it.manager(role="admin")
    named = [it.student(leaving).user_id for _ in range(2)]
    return lambda: it.repository.reassign_students(
        from_manager_id=leaving.user_id, to_manager_id=staying.user_id, manager_id=admin.user_id, user_ids=named
    )


def reset_password(it: World) -> Call:
    manager = it.manager()
    student = it.student(manager)
    return lambda: it.repository.reset_password(
        user_id=student.user_id, password="correct horse", manager_id=manager.user_id
    )


def record_welcome_email(it: World) -> Call:
    student = it.student()
    return lambda: it.repository.record_welcome_email(user_id=student.user_id, sent=True)


def update_lesson(it: World) -> Call:
    admin = it.manager(role="admin")
    return lambda: it.repository.update_lesson(
        lesson_id=67, manager_id=admin.user_id, title="Beginnings", duration_seconds=1214
    )


def _reading(method: str, **arguments: Any) -> Callable[[World], Call]:
    return lambda it: lambda: getattr(it.repository, method)(**arguments)


def get_student(it: World) -> Call:
    student = it.student()
    return lambda: it.repository.get_student(user_id=student.user_id)


def list_students(it: World) -> Call:
    manager = it.manager()
    for _ in range(3):
        last = it.student(manager)
    after = it.repository.get_student(user_id=last.user_id).student
    return lambda: it.repository.list_students(
        manager_id=manager.user_id, status="active", search="course", limit=2, after=after
    )


def list_students_by_every_filter(it: World) -> Call:
    it.graduate()
    page = it.repository.list_students(limit=1)
    return lambda: it.repository.list_students(
        manager_id=page[0].manager_id,
        status="completed",
        search="course",
        modules_completed=3,
        certificate=True,
        welcome_email_sent=False,
        since=page[0].created_at.date(),
        after=page.next,
        count=True,
    )


def get_manager_activity(it: World) -> Call:
    manager = it.manager()
    before = it.repository.log_activity(manager_id=manager.user_id, action_type="email_sent")
    return lambda: it.repository.get_manager_activity(manager_id=manager.user_id, before=before)


def _of_manager(method: str) -> Callable[[World], Call]:
    def scene(it: World) -> Call:
        manager = it.manager()
        return lambda: getattr(it.repository, method)(manager_id=manager.user_id)

    return scene


SCENES: dict[str, tuple[str, Callable[[World], Call]]] = {
    "create_tripwire_user": ("create_tripwire_user", create_tripwire_user),
    "create_manager": ("create_manager", create_manager),
    "complete_lesson, the first": ("complete_lesson", complete_first_lesson),
    "complete_lesson, the last": ("complete_lesson", complete_last_lesson),
    "unlock_next_module": ("unlock_next_module", unlock_next_module),
    "update_video_tracking": ("update_video_tracking", heartbeat),
    "issue_certificate": ("issue_certificate", issue_certificate),
    "revoke_certificate": ("revoke_certificate", revoke_certificate),
    "verify_certificate": ("verify_certificate", verify_certificate),
    "log_activity": ("log_activity", log_activity),
    "set_student_status": ("set_student_status", set_student_status),
    "delete_student": ("delete_student", delete_student),
    "correct_student": ("correct_student", correct_student),
    "correct_student, the price": ("correct_student", correct_price),
    "reassign_students": ("reassign_students", reassign_students),
    "reset_password": ("reset_password", reset_password),
    "record_welcome_email": ("record_welcome_email", record_welcome_email),
    "update_lesson": ("update_lesson", update_lesson),
    "list_lessons": ("list_lessons", _reading("list_lessons")),
    "check_schema": ("check_schema", _reading("check_schema")),
    "get_student": ("get_student", get_student),
    "list_students": ("list_students", list_students),
    "list_students, by every filter": ("list_students", list_students_by_every_filter),
    "list_students, all": ("list_students", _reading("list_students")),
    "search_activity": ("search_activity", _reading("search_activity", details={"n": 1})),
    "search_watched_segments": (
        "search_watched_segments",
        _reading("search_watched_segments", lesson_id=67, segment=(0, 10)),
    ),
    "get_sales_leaderboard": ("get_sales_leaderboard", _reading("get_sales_leaderboard")),
    "get_sales_chart_data": ("get_sales_chart_data", _of_manager("get_sales_chart_data")),
    "get_manager_stats": ("get_manager_stats", _of_manager("get_manager_stats")),
    "get_manager_activity": ("get_manager_activity", get_manager_activity),
}
