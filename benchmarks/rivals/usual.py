"""The usual way: one statement after another, in a transaction; the same goes through psycopg's pipeline."""

from collections.abc import Callable
from typing import Any

from psycopg.types.json import Jsonb

from benchmarks.tasks import Values

Run = Callable[[str, Values], Any]
"""Executes a statement and gives the cursor."""

ACHIEVEMENTS = {
    "first_module_complete": 1,
    "second_module_complete": 1,
    "third_module_complete": 1,
    "tripwire_graduate": 3,
}
LOG = "INSERT INTO public.sales_activity_log (manager_id, action_type, target_user_id, details) VALUES"
LOCKED = (
    "SELECT status, modules_completed, email, full_name, granted_by FROM public.tripwire_users"
    " WHERE user_id = %(user_id)s FOR UPDATE"
)
CREATION = (
    "INSERT INTO public.users (id, email, full_name, role) VALUES (%(user_id)s, %(email)s, %(full_name)s, 'student')",
    "INSERT INTO public.tripwire_users (user_id, email, full_name, granted_by, manager_name, price)"
    " VALUES (%(user_id)s, %(email)s, %(full_name)s, %(manager_id)s, %(manager_name)s, %(price)s)",
    "INSERT INTO public.tripwire_user_profile (user_id, total_modules) VALUES (%(user_id)s, 3)",
    "INSERT INTO public.module_unlocks (user_id, module_id) VALUES (%(user_id)s, 16)",
    "INSERT INTO public.student_progress (user_id, module_id, lesson_id) VALUES (%(user_id)s, 16, 67)",
    "INSERT INTO public.video_tracking (user_id, lesson_id, video_duration_seconds) VALUES (%(user_id)s, 67, 1800)",
    "INSERT INTO public.user_statistics (user_id) VALUES (%(user_id)s)",
    "INSERT INTO public.user_achievements (user_id, achievement_id, required_value) VALUES"
    " (%(user_id)s, 'first_module_complete', 1), (%(user_id)s, 'second_module_complete', 1),"
    " (%(user_id)s, 'third_module_complete', 1), (%(user_id)s, 'tripwire_graduate', 3)",
    f"{LOG} (%(manager_id)s, 'user_created', %(user_id)s,"
    " jsonb_build_object('email', %(email)s::text, 'full_name', %(full_name)s::text, 'price', %(price)s::numeric))",
)
COMPLETION = (
    "UPDATE public.student_progress SET status = 'completed', completed_at = now()"
    " WHERE user_id = %(user_id)s AND lesson_id = 67 AND status <> 'completed'",
    "UPDATE public.tripwire_users SET modules_completed = 1 WHERE user_id = %(user_id)s",
    "UPDATE public.tripwire_user_profile SET modules_completed = 1, completion_percentage = 33.33"
    " WHERE user_id = %(user_id)s",
    "UPDATE public.user_statistics SET lessons_completed = lessons_completed + 1 WHERE user_id = %(user_id)s",
    "UPDATE public.user_achievements SET current_value = 1, is_completed = (required_value = 1),"
    " completed_at = CASE required_value WHEN 1 THEN now() END WHERE user_id = %(user_id)s"
    " AND achievement_id IN ('first_module_complete', 'tripwire_graduate')",
    "INSERT INTO public.module_unlocks (user_id, module_id) VALUES (%(user_id)s, 17)",
    "INSERT INTO public.student_progress (user_id, module_id, lesson_id) VALUES (%(user_id)s, 17, 68)",
    "INSERT INTO public.video_tracking (user_id, lesson_id, video_duration_seconds) VALUES (%(user_id)s, 68, 1800)",
    f"{LOG} (%(manager_id)s, 'lesson_completed', %(user_id)s,"
    " jsonb_build_object('email', %(email)s::text, 'full_name', %(full_name)s::text, 'lesson_id', 67)),"
    " (%(manager_id)s, 'module_unlocked', %(user_id)s,"
    " jsonb_build_object('email', %(email)s::text, 'full_name', %(full_name)s::text, 'module_id', 17))",
)


def merged(segments: list[dict[str, Any]], start: int) -> list[dict[str, Any]]:
    """The stretches of a video with ten seconds more, as a backend merges them."""
    union: list[dict[str, Any]] = []
    for segment in sorted([*segments, {"start": start, "end": start + 10}], key=lambda each: each["start"]):
        if union and segment["start"] <= union[-1]["end"] + 1:
            union[-1]["end"] = max(union[-1]["end"], segment["end"])
        else:
            union.append(dict(segment))
    return union


def watched(segments: list[dict[str, Any]]) -> int:
    """Their length in whole seconds."""
    return int(sum(segment["end"] - segment["start"] for segment in segments))


def _create(run: Run, values: Values) -> None:
    name = run("SELECT full_name FROM public.users WHERE id = %(manager_id)s", values).fetchone()[0]
    for statement in CREATION:
        run(statement, {**values, "manager_name": name})


def _complete(run: Run, values: Values) -> None:
    status, _, email, name, manager_id = run(LOCKED, values).fetchone()
    qualified = run(
        "SELECT is_qualified_for_completion FROM public.video_tracking WHERE user_id = %(user_id)s AND lesson_id = 67",
        values,
    ).fetchone()[0]
    if status != "active" or not qualified:
        raise AssertionError("the student may not complete this lesson")
    for statement in COMPLETION:
        run(statement, {**values, "email": email, "full_name": name, "manager_id": manager_id})


def _heartbeat(run: Run, values: Values) -> None:
    may = run(
        "SELECT 1 FROM public.tripwire_users JOIN public.module_unlocks USING (user_id) WHERE user_id = %(user_id)s"
        " AND status = 'active' AND module_id = 16 FOR UPDATE OF tripwire_users",
        values,
    ).fetchone()
    found = run(
        "SELECT watched_segments FROM public.video_tracking WHERE user_id = %(user_id)s AND lesson_id = 67 FOR UPDATE",
        values,
    ).fetchone()
    if may is None:
        raise AssertionError("the student may not watch this video")
    union = merged(found[0], values["start"])
    new = {"segments": Jsonb(union), "seconds": watched(union), "percentage": min(100, watched(union) * 100 // 1800)}
    run(
        "UPDATE public.video_tracking SET watched_segments = %(segments)s, total_watched_seconds = %(seconds)s,"
        " last_position_seconds = %(start)s, watch_percentage = %(percentage)s"
        " WHERE user_id = %(user_id)s AND lesson_id = 67",
        {**values, **new},
    )
    run(
        "UPDATE public.user_statistics SET total_time_spent = total_time_spent + 10 WHERE user_id = %(user_id)s", values
    )


def _certificate(run: Run, values: Values) -> None:
    _, modules, email, name, manager_id = run(LOCKED, values).fetchone()
    there = run(
        "SELECT number FROM public.certificates WHERE user_id = %(user_id)s AND revoked_at IS NULL", values
    ).fetchone()
    if there or modules < 3:
        raise AssertionError("the student has a certificate, or modules are missing")
    number = run(
        "INSERT INTO public.certificates (user_id, verification_code, url, full_name)"
        " VALUES (%(user_id)s, %(code)s, %(url)s, %(full_name)s) RETURNING number",
        {**values, "full_name": name},
    ).fetchone()[0]
    run(
        "UPDATE public.tripwire_user_profile SET certificate_issued = true, certificate_url = %(url)s"
        " WHERE user_id = %(user_id)s",
        values,
    )
    details = Jsonb({"email": email, "full_name": name, "number": number})
    run(
        f"{LOG} (%(manager_id)s, 'certificate_issued', %(user_id)s, %(details)s)",
        {**values, "manager_id": manager_id, "details": details},
    )


def _log(run: Run, values: Values) -> None:
    run("SELECT role FROM public.users WHERE id = %(manager_id)s", values).fetchone()
    email, name = run("SELECT email, full_name FROM public.users WHERE id = %(user_id)s", values).fetchone()
    details = Jsonb({"n": 1, "email": email, "full_name": name})
    run(
        f"{LOG} (%(manager_id)s, 'email_sent', %(user_id)s, %(details)s) RETURNING id, created_at",
        {**values, "details": details},
    ).fetchone()


USUAL: dict[str, Callable[[Run, Values], None]] = {
    "create_tripwire_user": _create,
    "complete_lesson": _complete,
    "update_video_tracking": _heartbeat,
    "issue_certificate": _certificate,
    "log_activity": _log,
}
