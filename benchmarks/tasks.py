"""The five flows that are measured beside their rivals: what a call is given, and what it must have written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.students import COURSE
from tripwire_db.engine.statement import Flow
from tripwire_db.flows.complete_lesson import complete_lesson
from tripwire_db.flows.create_tripwire_user import NewStudent, create_tripwire_user
from tripwire_db.flows.issue_certificate import issue_certificate
from tripwire_db.flows.log_activity import log_activity
from tripwire_db.flows.update_video_tracking import update_video_tracking

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Task:
    """One flow."""

    name: str
    title: str
    what: str
    kind: str
    """Of the students that it is called for; see `Students`."""
    flow: Callable[[Values], Flow[Any]]
    written: str
    """What there is of a student afterwards, in one row: the same whoever wrote it."""


_ROWS = "SELECT " + " + ".join(
    f"(SELECT count(*) FROM public.{table} WHERE {column} = %(user_id)s)"
    for table, column in {
        "users": "id",
        "tripwire_users": "user_id",
        "tripwire_user_profile": "user_id",
        "module_unlocks": "user_id",
        "student_progress": "user_id",
        "video_tracking": "user_id",
        "user_statistics": "user_id",
        "user_achievements": "user_id",
        "sales_activity_log": "target_user_id",
    }.items()
)
_COMPLETED = """SELECT t.status, t.modules_completed, p.modules_completed, p.completion_percentage, s.lessons_completed,
    (SELECT array_agg(module_id ORDER BY module_id) FROM public.module_unlocks WHERE user_id = %(user_id)s),
    (SELECT array_agg(lesson_id || status ORDER BY lesson_id) FROM public.student_progress WHERE user_id = %(user_id)s),
    (SELECT array_agg(lesson_id ORDER BY lesson_id) FROM public.video_tracking WHERE user_id = %(user_id)s),
    (SELECT array_agg(achievement_id || current_value ORDER BY achievement_id) FROM public.user_achievements
     WHERE user_id = %(user_id)s AND current_value > 0),
    (SELECT array_agg(action_type ORDER BY action_type) FROM public.sales_activity_log WHERE target_user_id = %(user_id)s)
    FROM public.tripwire_users AS t JOIN public.tripwire_user_profile AS p USING (user_id)
    JOIN public.user_statistics AS s USING (user_id) WHERE user_id = %(user_id)s"""
_WATCHED = "SELECT watched_segments, last_position_seconds FROM public.video_tracking WHERE user_id = %(user_id)s"
_ISSUED = """SELECT certificate_issued, certificate_url IS NOT NULL,
    (SELECT count(*) FROM public.certificates WHERE user_id = %(user_id)s AND revoked_at IS NULL),
    (SELECT count(*) FROM public.sales_activity_log WHERE target_user_id = %(user_id)s)
    FROM public.tripwire_user_profile WHERE user_id = %(user_id)s"""
_LOGGED = """SELECT array_agg(DISTINCT details || jsonb_build_object('email', details ->> 'email' = %(user_id)s || '@course.test')),
    count(*) FROM public.sales_activity_log WHERE target_user_id = %(user_id)s"""


def _creation(values: Values) -> Flow[Any]:
    given = {name: values[name] for name in ("email", "full_name", "manager_id", "price")}
    return create_tripwire_user(COURSE, user_id=values["user_id"], token=values["user_id"], new=NewStudent(**given))


def _completion(values: Values) -> Flow[Any]:
    return complete_lesson(COURSE, user_id=values["user_id"], lesson_id=67)


def _heartbeat(values: Values) -> Flow[Any]:
    start = values["start"]
    segments = [(start, start + 10)]
    return update_video_tracking(
        COURSE, user_id=values["user_id"], lesson_id=67, segments=segments, position=start, client_duration=1800
    )


def _certificate(values: Values) -> Flow[Any]:
    return issue_certificate(COURSE, user_id=values["user_id"])


def _log(values: Values) -> Flow[Any]:
    return log_activity(
        COURSE,
        manager_id=values["manager_id"],
        action_type="email_sent",
        target_user_id=values["user_id"],
        details={"n": 1},
    )


TASKS = (
    Task(
        "create_tripwire_user",
        "Creation",
        "The twelve rows of a student; the auth user is there already.",
        "auth",
        _creation,
        _ROWS,
    ),
    Task(
        "complete_lesson",
        "Completion",
        "The first lesson: progress, counters, achievement, the next module's three rows, two rows of log.",
        "qualified",
        _completion,
        _COMPLETED,
    ),
    Task(
        "update_video_tracking",
        "Heartbeat",
        "Ten seconds of a video, each call of a student the next ten. The rivals merge and write back; only the "
        "repository's statement counts honest time, so it does more than they do.",
        "watching",
        _heartbeat,
        _WATCHED,
    ),
    Task(
        "issue_certificate",
        "Certificate",
        "The certificate of a graduate, the profile's link to it, and the log.",
        "graduate",
        _certificate,
        _ISSUED,
    ),
    Task(
        "log_activity",
        "Log",
        "One row of the log, with the student's e-mail and name.",
        "watching",
        _log,
        _LOGGED,
    ),
)
