"""Honest video tracking: one heartbeat of a player, in one statement.

The stored set is the union of all that was ever reported, and what counts cannot grow faster than a person can watch.
The union happens here, under the locks of the student's and the video's row: reading the set, adding to it in the
client and writing it back loses whatever another tab reported meanwhile.
"""

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import and_, case, exists, func, or_, select, true, update

from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder, param
from tripwire_db.errors import InvalidInput
from tripwire_db.flows.shared import watched_time
from tripwire_db.flows.shared.context import USER_ID, FlowContext
from tripwire_db.flows.shared.lesson import LESSON_ID, row_of_open_lesson
from tripwire_db.flows.shared.module import open_video_tracking
from tripwire_db.flows.shared.progress import add_to_statistics, advance_progress
from tripwire_db.results import VideoProgress
from tripwire_db.tables import (
    STUDYING_STATUSES,
    lessons,
    module_unlocks,
    student_progress,
    tripwire_users,
    video_tracking,
)
from tripwire_db.validation import parse_integer, parse_uuid
from tripwire_db.video import (
    Segment,
    milliseconds,
    parse_client_duration,
    parse_position,
    parse_segments,
    segments_in_ms,
    stored_form,
)

TOLERANCE_SECONDS = 2
TOLERANCE_PART = 100
"""What a player's idea of the duration may be off by: the greater of 2 s and a hundredth of it."""
_LONGEST_DURATION = 1e12


def update_video_tracking(
    context: FlowContext,
    *,
    user_id: UUID | str,
    lesson_id: int,
    segments: Iterable[Segment | tuple[float, float]],
    position: float,
    client_duration: float | None = None,
) -> Flow[VideoProgress]:
    """Take in what a player has played; give what is stored, and what of it counts.

    Args:
        user_id: the student.
        lesson_id: an unlocked lesson.
        segments: at most 200 stretches played, as `Segment(start, end)` or pairs, in seconds; empty is a keep-alive.
        position: where the player stands, in seconds ≥ 0; qualifies nobody.
        client_duration: the player's idea of the duration, in seconds; only compared, never believed, so that what
            differs, or is no finite positive number, is a warning.
    """
    starts, ends = segments_in_ms(segments)
    policy = context.policy
    return _TRACK.flow(
        user_id=parse_uuid("user_id", user_id),
        lesson_id=parse_integer("lesson_id", lesson_id),
        reported=stored_form(starts, ends),
        latest_ms=max(ends, default=0),
        position=parse_position(position),
        client_duration=parse_client_duration(client_duration),
        threshold=Decimal(str(policy.threshold)),
        gap_ms=milliseconds(policy.gap_seconds),
        max_rate=None if policy.max_rate is None else Decimal(str(policy.max_rate)),
        first_grant_ms=milliseconds(policy.first_grant_seconds),
        idle_cap_ms=milliseconds(policy.idle_cap_seconds),
        at=context.now(),
    )


def _decode(rows: Sequence[Row], asked: Parameters) -> VideoProgress:
    found = row_of_open_lesson(rows, asked)
    user_id, lesson_id = asked["user_id"], asked["lesson_id"]
    if found.overruns:
        raise InvalidInput(f"a segment ends past the lesson's duration of {found.duration_seconds} s")
    return VideoProgress(
        user_id=user_id,
        lesson_id=lesson_id,
        segments=parse_segments(found.segments),
        unique_seconds=found.unique_ms / 1000,
        counted_seconds=found.counted_ms / 1000,
        new_seconds=max(0, found.counted_ms - found.counted_before_ms) / 1000,
        percentage=found.percentage,
        qualified=found.qualified,
        newly_qualified=found.qualified and not found.qualified_before,
        status=found.progress_status,
        held_back_seconds=max(0, found.unique_ms - found.counted_ms) / 1000,
        warnings=_warnings(asked["client_duration"], found.duration_seconds),
    )


def _warnings(client: float | None, duration: int) -> tuple[str, ...]:
    if client is None:
        return ()
    if math.isnan(client):
        return (f"the player does not know how long the video is; the lesson's {duration} s count",)
    # In whole milliseconds, 1 % of a second being ten: exact, whatever the caller's decimal context is.
    off_by = abs(round(min(client, _LONGEST_DURATION) * 1000) - duration * 1000)
    if off_by > max(TOLERANCE_SECONDS * 1000, duration * 1000 // TOLERANCE_PART):
        return (f"the player says the video lasts {client:g} s; the lesson's {duration} s count",)
    return ()


def _track(b: StatementBuilder) -> None:
    """Both rows locked; from stretches to time that counts; then what has changed is written."""
    student = _locked_student(b)
    video = _locked_video(b, student)
    progress_now = _progress_now(b, student)
    watched = _watched(b, video)
    _update_video(b, watched)
    _open_missing_video(b, student, video)
    _begin_progress(b, watched)
    _add_time_spent(b, watched)
    _report(b, student=student, watched=watched, progress_now=progress_now)


def _locked_student(b: StatementBuilder) -> sa.CTE:
    """The student's row, locked, and beside it what decides: the lesson, whether it is unlocked, and how far it is."""
    duration_ms = sa.cast(lessons.c.duration_seconds, sa.BigInteger) * 1000
    tolerated_ms = duration_ms + func.greatest(TOLERANCE_SECONDS * 1000, duration_ms // TOLERANCE_PART)
    unlocked = exists().where(module_unlocks.c.user_id == USER_ID, module_unlocks.c.module_id == lessons.c.module_id)
    progress = select(student_progress.c.status).where(
        student_progress.c.user_id == USER_ID, student_progress.c.lesson_id == LESSON_ID
    )
    return b.gate(
        "student",
        select(
            tripwire_users.c.user_id,
            tripwire_users.c.status,
            tripwire_users.c.modules_completed,
            b.at.label("at"),
            lessons.c.id.label("lesson_id"),
            lessons.c.module_id,
            lessons.c.duration_seconds,
            duration_ms.label("duration_ms"),
            func.coalesce(param("latest_ms", sa.BigInteger) > tolerated_ms, sa.false()).label("overruns"),
            unlocked.label("unlocked"),
            progress.scalar_subquery().label("progress_status"),
        )
        .select_from(
            sa.join(b.settings, tripwire_users, tripwire_users.c.user_id == USER_ID).outerjoin(
                lessons, lessons.c.id == LESSON_ID
            )
        )
        .with_for_update(of=tripwire_users),
    )


def _is_open(student: sa.CTE) -> sa.ColumnElement[bool]:
    """An unlocked lesson of a student who may study, and nothing past its end; everything below hangs from it."""
    return and_(student.c.status.in_(STUDYING_STATUSES), student.c.unlocked, ~student.c.overruns)


def _locked_video(b: StatementBuilder, student: sa.CTE) -> sa.CTE:
    """The gate: the video's row as it is now, of a lesson that is open.

    It is locked after the student's, so that nobody locks the two the other way round.
    """
    of_lesson = and_(video_tracking.c.user_id == USER_ID, video_tracking.c.lesson_id == LESSON_ID)
    return b.gate(
        "video",
        select(
            video_tracking.c.id,
            video_tracking.c.watched_segments,
            video_tracking.c.counted_ms,
            video_tracking.c.allowance_ms,
            video_tracking.c.last_seen_at,
            video_tracking.c.video_duration_seconds,
            video_tracking.c.total_watched_seconds,
            video_tracking.c.watch_percentage,
            video_tracking.c.is_qualified_for_completion,
            video_tracking.c.qualified_segments.is_not(None).label("searchable"),
            student.c.user_id,
            student.c.at,
            student.c.lesson_id,
            student.c.module_id,
            student.c.duration_seconds,
            student.c.duration_ms,
            student.c.progress_status,
        )
        .join_from(student, video_tracking, of_lesson)
        .where(_is_open(student))
        .with_for_update(of=video_tracking),
    )


def _progress_now(b: StatementBuilder, student: sa.CTE) -> sa.CTE:
    """Progress, where the student's counter moved while the gate waited: a completion too young for our snapshot.

    It is read under a lock, in its newest version; in all other cases nobody pays for that.
    """
    at_start = select(tripwire_users.c.modules_completed).where(tripwire_users.c.user_id == USER_ID)
    of_lesson = and_(student_progress.c.user_id == USER_ID, student_progress.c.lesson_id == LESSON_ID)
    return b.gate(
        "progress_now",
        select(student_progress.c.status)
        .join_from(student, student_progress, of_lesson)
        .where(student.c.modules_completed != at_start.scalar_subquery())
        .with_for_update(of=student_progress),
    )


def _watched(b: StatementBuilder, video: sa.CTE) -> sa.CTE:
    """The set as it is now, what of it counts, and what that shows."""
    merged = b.gate("merged", watched_time.merged(video))
    counted = b.gate("counted", watched_time.counted(merged))
    return b.gate("watched", watched_time.watched(counted))


def _update_video(b: StatementBuilder, watched: sa.CTE) -> None:
    """The video's row. A call that changes nothing writes nothing: sent twice under a frozen clock, it leaves the row.

    The set that is searched is written once, when the video qualifies: an index on what every call changes would end HOT
    updates.
    """
    qualifies = and_(watched.c.qualified, ~watched.c.searchable)
    changes = {
        video_tracking.c.watched_segments: watched.c.segments,
        video_tracking.c.counted_ms: watched.c.counted_ms,
        video_tracking.c.allowance_ms: watched.c.allowance_ms,
        video_tracking.c.last_seen_at: watched.c.last_seen_at,
        video_tracking.c.last_position_seconds: func.least(
            param("position", sa.BigInteger), watched.c.duration_seconds
        ),
        video_tracking.c.video_duration_seconds: watched.c.duration_seconds,
        video_tracking.c.total_watched_seconds: watched.c.total_watched_seconds,
        video_tracking.c.watch_percentage: watched.c.percentage,
        video_tracking.c.is_qualified_for_completion: watched.c.qualified,
        video_tracking.c.qualified_segments: case(
            (qualifies, watched.c.segments), else_=video_tracking.c.qualified_segments
        ),
    }
    b.step(
        "update_video",
        update(video_tracking)
        .where(
            video_tracking.c.id == watched.c.video_id,
            or_(*(column.is_distinct_from(value) for column, value in changes.items())),
        )
        .values(changes)
        .returning(video_tracking.c.user_id),
    )


def _open_missing_video(b: StatementBuilder, student: sa.CTE, video: sa.CTE) -> None:
    """A student of older times may lack the video's row: it is made, and the statement run again finds it."""
    missing = and_(_is_open(student), video.c.id.is_(None))
    untracked = select(student).outerjoin(video, true()).where(missing).subquery("untracked")
    open_video_tracking(b, "open_video_tracking", untracked)


def _begins(watched: sa.CTE) -> sa.ColumnElement[bool]:
    """Whether this is the first counted millisecond of a lesson, with which progress begins."""
    return and_(watched.c.counted_ms > 0, func.coalesce(watched.c.progress_status, "not_started") == "not_started")


def _begin_progress(b: StatementBuilder, watched: sa.CTE) -> None:
    """Progress begins with the first counted millisecond."""
    advance_progress(
        b,
        "begin_progress",
        select(watched).where(_begins(watched)).subquery("beginning"),
        to="in_progress",
        where=student_progress.c.status == "not_started",
        returning=(student_progress.c.status,),
    )


def _add_time_spent(b: StatementBuilder, watched: sa.CTE) -> None:
    """Time spent grows by whole seconds as the floored count does, so nothing drifts."""
    grown = (
        select(watched.c.user_id, watched.c.at, watched.c.new_whole_seconds)
        .where(watched.c.new_whole_seconds > 0)
        .subquery("grown")
    )
    add_to_statistics(b, "add_time_spent", grown, column="total_time_spent", amount=grown.c.new_whole_seconds)


def _report(b: StatementBuilder, *, student: sa.CTE, watched: sa.CTE, progress_now: sa.CTE) -> None:
    # Progress begins here, or began with another tab's call that this one waited for.
    begun = case((_begins(watched), "in_progress"))
    completed_meanwhile = select(progress_now.c.status).scalar_subquery()
    b.report(
        select(
            student.c.status,
            student.c.lesson_id,
            student.c.module_id,
            student.c.duration_seconds,
            student.c.unlocked,
            student.c.overruns,
            func.coalesce(completed_meanwhile, begun, student.c.progress_status, "not_started").label(
                "progress_status"
            ),
            watched.c.segments,
            watched.c.unique_ms,
            watched.c.counted_ms,
            watched.c.counted_before_ms,
            watched.c.percentage,
            watched.c.qualified,
            watched.c.qualified_before,
            and_(_is_open(student), watched.c.video_id.is_(None)).label("raced"),
        ).select_from(sa.join(student, watched, true(), isouter=True))
    )


_TRACK = FlowStatement("update_video_tracking", _track, _decode)
