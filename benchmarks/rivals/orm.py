"""SQLAlchemy's ORM: objects that are read, changed, and written by its unit of work on commit."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, registry

from benchmarks.rivals.usual import ACHIEVEMENTS, merged, watched
from benchmarks.tasks import Values
from tripwire_db.tables import metadata


def _mapped() -> dict[str, Any]:
    mapping = registry()
    classes = {table.name: type(table.name, (), {}) for table in metadata.sorted_tables}
    for table in metadata.sorted_tables:
        mapping.map_imperatively(classes[table.name], table)
    return classes


MAPPED = _mapped()


def _row(table: str, **columns: Any) -> Any:
    made = MAPPED[table]()
    for name, value in columns.items():
        setattr(made, name, value)
    return made


def _one(session: Session, table: str, *, lock: bool = False, **columns: Any) -> Any:
    query = select(MAPPED[table]).filter_by(**columns)
    return session.scalars(query.with_for_update() if lock else query).one()


def _create(session: Session, values: Values) -> None:
    user_id = values["user_id"]
    seller = session.get_one(MAPPED["users"], values["manager_id"]).full_name
    person = {"email": values["email"], "full_name": values["full_name"]}
    sold = {"granted_by": values["manager_id"], "manager_name": seller, "price": values["price"]}
    session.add_all(
        [
            _row("users", id=user_id, role="student", **person),
            _row("tripwire_users", user_id=user_id, **person, **sold),
            _row("tripwire_user_profile", user_id=user_id, total_modules=3),
            _row("module_unlocks", user_id=user_id, module_id=16),
            _row("student_progress", user_id=user_id, module_id=16, lesson_id=67),
            _row("video_tracking", user_id=user_id, lesson_id=67, video_duration_seconds=1800),
            _row("user_statistics", user_id=user_id),
            *(
                _row("user_achievements", user_id=user_id, achievement_id=name, required_value=needed)
                for name, needed in ACHIEVEMENTS.items()
            ),
            _event(values["manager_id"], "user_created", user_id, {**person, "price": 5000}),
        ]
    )


def _event(manager_id: Any, action: str, user_id: Any, details: dict[str, Any]) -> Any:
    return _row(
        "sales_activity_log", manager_id=manager_id, action_type=action, target_user_id=user_id, details=details
    )


def _complete(session: Session, values: Values) -> None:
    user_id, now = values["user_id"], datetime.now(UTC)
    student = _one(session, "tripwire_users", lock=True, user_id=user_id)
    video = _one(session, "video_tracking", user_id=user_id, lesson_id=67)
    if student.status != "active" or not video.is_qualified_for_completion:
        raise AssertionError("the student may not complete this lesson")
    progress = _one(session, "student_progress", user_id=user_id, lesson_id=67)
    progress.status, progress.completed_at = "completed", now
    student.modules_completed = 1
    profile = _one(session, "tripwire_user_profile", user_id=user_id)
    profile.modules_completed, profile.completion_percentage = 1, 33.33
    _one(session, "user_statistics", user_id=user_id).lessons_completed += 1
    earned = MAPPED["user_achievements"]
    names = ("first_module_complete", "tripwire_graduate")
    for each in session.scalars(select(earned).filter_by(user_id=user_id).where(earned.achievement_id.in_(names))):
        each.current_value = 1
        if each.required_value == 1:
            each.is_completed, each.completed_at = True, now
    person = {"email": student.email, "full_name": student.full_name}
    session.add_all(
        [
            _row("module_unlocks", user_id=user_id, module_id=17),
            _row("student_progress", user_id=user_id, module_id=17, lesson_id=68),
            _row("video_tracking", user_id=user_id, lesson_id=68, video_duration_seconds=1800),
            _event(student.granted_by, "lesson_completed", user_id, {**person, "lesson_id": 67}),
            _event(student.granted_by, "module_unlocked", user_id, {**person, "module_id": 17}),
        ]
    )


def _heartbeat(session: Session, values: Values) -> None:
    user_id = values["user_id"]
    student = _one(session, "tripwire_users", lock=True, user_id=user_id)
    _one(session, "module_unlocks", user_id=user_id, module_id=16)
    video = _one(session, "video_tracking", lock=True, user_id=user_id, lesson_id=67)
    if student.status != "active":
        raise AssertionError("the student may not watch this video")
    video.watched_segments = merged(video.watched_segments, values["start"])
    video.total_watched_seconds = watched(video.watched_segments)
    video.last_position_seconds = values["start"]
    video.watch_percentage = min(100, video.total_watched_seconds * 100 // 1800)
    _one(session, "user_statistics", user_id=user_id).total_time_spent += 10


def _certificate(session: Session, values: Values) -> None:
    user_id = values["user_id"]
    student = _one(session, "tripwire_users", lock=True, user_id=user_id)
    issued = MAPPED["certificates"]
    there = session.scalars(select(issued).filter_by(user_id=user_id, revoked_at=None)).first()
    if there is not None or student.modules_completed < 3:
        raise AssertionError("the student has a certificate, or modules are missing")
    made = _row(
        "certificates",
        user_id=user_id,
        verification_code=values["code"],
        url=values["url"],
        full_name=student.full_name,
    )
    session.add(made)
    session.flush()
    profile = _one(session, "tripwire_user_profile", user_id=user_id)
    profile.certificate_issued, profile.certificate_url = True, values["url"]
    person = {"email": student.email, "full_name": student.full_name, "number": made.number}
    session.add(_event(student.granted_by, "certificate_issued", user_id, person))


def _log(session: Session, values: Values) -> None:
    session.get_one(MAPPED["users"], values["manager_id"])
    person = session.get_one(MAPPED["users"], values["user_id"])
    details = {"n": 1, "email": person.email, "full_name": person.full_name}
    session.add(_event(values["manager_id"], "email_sent", values["user_id"], details))


ORM: dict[str, Callable[[Session, Values], None]] = {
    "create_tripwire_user": _create,
    "complete_lesson": _complete,
    "update_video_tracking": _heartbeat,
    "issue_certificate": _certificate,
    "log_activity": _log,
}
