"""Draws one student's way through the course: who, how far, and what happened when."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from tripwire_db.cli import output

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from tripwire_db.results import StudentJourney

_BAR = 20


def show(journey: "StudentJourney", more: Iterable[tuple[datetime, str]] = ()) -> None:
    """Print a journey: facts, lessons, timeline.

    Args:
        journey: as `get_student` gives it.
        more: further events, for whoever watched the student.
    """
    output.show(_facts(journey), "", _lessons(journey), _timeline(journey, more))


def _timeline(journey: "StudentJourney", more: Iterable[tuple[datetime, str]]) -> "Table | Text":
    """What happened when, oldest first."""
    happened = sorted([*more, *_events(journey)], key=lambda event: event[0])  # stable: what led to what stays in order
    return output.table("Timeline", ["=When", "What"], happened, caption=f"Times in {output.TIME_ZONE}.")


def _facts(journey: "StudentJourney") -> "Text":
    student, certificate = journey.student, journey.certificate
    hours, minutes = divmod(journey.total_time_spent // 60, 60)
    facts: dict[str, object] = {
        "Id": student.user_id,
        "E-mail": student.email,
        "Status": student.status,
        "Sold by": student.manager_name,
        "Price": f"{output.money(student.price)} KZT",
        "Course": f"{student.modules_completed} of 3 modules, {output.percent(journey.completion_percentage)}",
        "Watched": f"{hours} h {minutes:02d} min",
        "Certificate": None if certificate is None else certificate.number,
    }
    if certificate is not None:
        facts["Code"] = certificate.verification_code
    return output.pairs(output.clean(student.full_name), facts)


def _lessons(journey: "StudentJourney") -> "Table | Text":
    videos = {video.lesson_id: video for video in journey.video}
    rows = []
    for lesson in journey.progress:
        video = videos.get(lesson.lesson_id)
        rows.append(
            (
                lesson.module_id,
                lesson.lesson_id,
                lesson.status.replace("_", " "),
                _bar(video.watch_percentage if video else 0),
                f"{video.watch_percentage if video else 0} %",
                f"{output.clock(video.total_watched_seconds)} of {output.clock(video.video_duration_seconds)}"
                if video
                else None,
            )
        )
    return output.table("Lessons", [">Module", ">Lesson", "Status", "Watched", ">", ""], rows)


def _bar(percentage: int) -> "Text":
    from rich.text import Text

    filled = round(percentage * _BAR / 100)
    full, empty = ("█", "░") if output.can_draw() else ("#", ".")
    return Text.assemble((full * filled, "green"), (empty * (_BAR - filled), "dim"))


def _events(journey: "StudentJourney") -> list[tuple[datetime, str]]:
    student = journey.student
    events = [(student.created_at, f"sold by {student.manager_name}, {output.money(student.price)} KZT")]
    if student.welcome_email_sent_at is not None:
        events.append((student.welcome_email_sent_at, "welcome e-mail sent"))
    for lesson in journey.progress:
        if lesson.started_at is not None:
            events.append((lesson.started_at, f"lesson {lesson.lesson_id} begun"))
        if lesson.completed_at is not None:
            events.append((lesson.completed_at, f"lesson {lesson.lesson_id} completed"))
    events += [
        (achievement.completed_at, f"achievement {achievement.achievement_id}")
        for achievement in journey.achievements
        if achievement.completed_at is not None
    ]
    events += [(unlock.unlocked_at, f"module {unlock.module_id} opened") for unlock in journey.unlocks]
    if journey.certificate is not None:
        events.append((journey.certificate.issued_at, f"certificate {journey.certificate.number} issued"))
    return events
