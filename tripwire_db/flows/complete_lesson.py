"""Completing a lesson: the eight steps, from the 80 % rule to the certificate, in one statement."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import and_, case, func, literal, or_, select, true, tuple_, union_all, update
from sqlalchemy.dialects.postgresql import array

from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder, into
from tripwire_db.errors import VideoNotQualified
from tripwire_db.flows.shared.activity import log_step
from tripwire_db.flows.shared.certificate import (
    certificate_of,
    details_of_certificate,
    issue,
    new_code,
    reported,
    valid_certificate,
)
from tripwire_db.flows.shared.context import USER_ID, FlowContext, details_of_person, locked_student
from tripwire_db.flows.shared.lesson import LESSON_ID, row_of_open_lesson, with_lesson
from tripwire_db.flows.shared.module import first_module, open_module
from tripwire_db.flows.shared.progress import add_to_statistics, advance_progress
from tripwire_db.results import LessonCompletion
from tripwire_db.tables import (
    GRADUATE_ACHIEVEMENT,
    MODULE_ACHIEVEMENTS,
    MODULES_IN_COURSE,
    STUDYING_STATUSES,
    lessons,
    module_unlocks,
    modules,
    student_progress,
    tripwire_user_profile,
    tripwire_users,
    user_achievements,
    video_tracking,
)
from tripwire_db.validation import parse_integer, parse_uuid


def complete_lesson(context: FlowContext, *, user_id: UUID | str, lesson_id: int) -> Flow[LessonCompletion]:
    """Complete a lesson whose video is qualified; open the next module; after the last of the three, graduate.

    Only `is_qualified_for_completion` decides, and only for an unlocked lesson of this student. Called again it
    returns what is, and changes nothing.
    """
    return _COMPLETE.flow(
        user_id=parse_uuid("user_id", user_id),
        lesson_id=parse_integer("lesson_id", lesson_id),
        needed=round(context.policy.threshold * 100, 3),
        at=context.now(),
        **new_code(context),
    )


def _decode(rows: Sequence[Row], asked: Parameters) -> LessonCompletion:
    found = row_of_open_lesson(rows, asked)
    user_id, lesson_id = asked["user_id"], asked["lesson_id"]
    if not (found.completed_now or found.completed_before):
        raise VideoNotQualified(
            user_id=user_id,
            lesson_id=lesson_id,
            percentage=found.watch_percentage or 0,
            needed=asked["needed"],
        )
    return LessonCompletion(
        user_id=user_id,
        lesson_id=lesson_id,
        module_id=found.module_id,
        modules_completed=found.modules_completed,
        already_completed=not found.completed_now,
        unlocked_module_id=found.unlocked_module_id,
        certificate=certificate_of(found, newly_issued=found.newly_issued),
    )


def _complete(b: StatementBuilder) -> None:
    """The eight steps. The last stands before the profile, which carries the certificate's URL."""
    student = locked_student(b)
    facts = _facts(b, student)
    held = valid_certificate(b, student)
    gate = _rule_of_80_percent(b, facts)  # 1
    completed = _complete_progress(b, gate)  # 2
    _keep_segments(b, gate, completed)
    counted = _count_module(b, gate, completed)  # 3
    certificate = _issue_certificate(b, counted)  # 8
    outcome = _outcome(b, gate, counted, certificate)
    _update_profile(b, outcome)  # 4
    _count_lesson(b, counted)  # 5
    _earn_achievements(b, outcome)  # 6
    following, unlock = _open_next_module(b, facts, counted)  # 7
    _log_completion(b, counted, unlock, certificate)
    _report(
        b,
        facts=facts,
        held=held,
        gate=gate,
        completed=completed,
        counted=counted,
        certificate=certificate,
        following=following,
        unlock=unlock,
    )


def _facts(b: StatementBuilder, student: sa.CTE) -> sa.CTE:
    """What decides, in one row: the student as locked, the lesson, its module, what was opened, watched and completed."""
    return b.gate(
        "facts",
        select(
            student,
            lessons.c.id.label("lesson_id"),
            lessons.c.module_id,
            modules.c.position.label("module_position"),
            modules.c.archived.label("module_archived"),
            _rank_of_module().label("module_rank"),
            module_unlocks.c.id.is_not(None).label("unlocked"),
            func.coalesce(student_progress.c.status == "completed", sa.false()).label("completed_before"),
            func.coalesce(video_tracking.c.is_qualified_for_completion, sa.false()).label("qualified"),
            video_tracking.c.watch_percentage,
            (~_another_lesson_is_completed()).label("counts"),
            _counter_moved(student).label("moved"),
        )
        .select_from(with_lesson(student))
        .outerjoin(modules, modules.c.id == lessons.c.module_id)
        .outerjoin(
            video_tracking,
            and_(video_tracking.c.user_id == USER_ID, video_tracking.c.lesson_id == LESSON_ID),
        ),
    )


def _rank_of_module() -> Any:
    """The module's rank among those taught now, from 1; it tells which achievement the module earns."""
    taught = modules.alias("taught")
    before = tuple_(taught.c.position, taught.c.id) < tuple_(modules.c.position, modules.c.id)
    rank = select(func.least(func.count() + 1, MODULES_IN_COURSE)).where(~taught.c.archived, before)
    return rank.correlate(modules).scalar_subquery()


def _another_lesson_is_completed() -> Any:
    """A lesson that was replaced leaves its module two: whichever is completed first counts the module, the other not."""
    done = student_progress.alias("done")
    another = and_(
        done.c.module_id == lessons.c.module_id, done.c.lesson_id != lessons.c.id, done.c.status == "completed"
    )
    # Of the student's few rows, and not of the module's many: there is an index of modules, too.
    found = select(func.bool_or(another)).where(done.c.user_id == USER_ID)
    return func.coalesce(found.correlate(lessons).scalar_subquery(), sa.false())


def _counter_moved(student: sa.CTE) -> Any:
    """Whether another lesson of the module may have been completed while the gate waited.

    Progress is read as of the statement's start; the counter, locked, as it is now. Where they may disagree nothing is
    written, and the statement is run once more.
    """
    other, at_start = lessons.alias("other"), tripwire_users.alias("at_start")
    another = sa.exists().where(other.c.module_id == lessons.c.module_id, other.c.id != lessons.c.id)
    count_at_start = select(at_start.c.modules_completed).where(at_start.c.user_id == student.c.user_id)
    return and_(another, student.c.modules_completed.is_distinct_from(count_at_start.scalar_subquery()))


def _may_complete(facts: sa.CTE) -> sa.ColumnElement[bool]:
    return and_(facts.c.status.in_(STUDYING_STATUSES), facts.c.unlocked, facts.c.qualified, ~facts.c.completed_before)


def _rule_of_80_percent(b: StatementBuilder, facts: sa.CTE) -> sa.CTE:
    """1: an unlocked lesson whose video is qualified, of a student who may study; everything below hangs from it."""
    return b.gate("gate", select(facts).where(_may_complete(facts), ~facts.c.moved))


def _complete_progress(b: StatementBuilder, gate: sa.CTE) -> sa.CTE:
    """2: progress. A second click finds the row completed, writes nothing here, and so nothing below."""
    return advance_progress(
        b,
        "complete_progress",
        gate,
        to="completed",
        where=student_progress.c.status != "completed",
        returning=(student_progress.c.user_id, student_progress.c.completed_at.label("at")),
    )


def _keep_segments(b: StatementBuilder, gate: sa.CTE, completed: sa.CTE) -> None:
    """The set that is searched, as it is on completion: heartbeats leave it alone (see `update_video_tracking`)."""
    video = video_tracking.c
    b.step(
        "keep_segments",
        update(video_tracking)
        .where(
            video.user_id == USER_ID,
            video.lesson_id == LESSON_ID,
            gate.c.user_id == completed.c.user_id,
            video.qualified_segments.is_distinct_from(video.watched_segments),
        )
        .values(qualified_segments=video.watched_segments)
        .returning(video.user_id),
    )


def _count_module(b: StatementBuilder, gate: sa.CTE, completed: sa.CTE) -> sa.CTE:
    """3: the student's counter, from the row as it is now: whoever makes it three graduates."""
    count = func.least(tripwire_users.c.modules_completed + sa.cast(gate.c.counts, sa.Integer), MODULES_IN_COURSE)
    graduates = and_(gate.c.counts, count >= MODULES_IN_COURSE, tripwire_users.c.status == "active")
    return b.step(
        "count_module",
        update(tripwire_users)
        .where(tripwire_users.c.user_id == completed.c.user_id, gate.c.user_id == completed.c.user_id)
        .values(modules_completed=count, status=case((graduates, "completed"), else_=tripwire_users.c.status))
        .returning(
            tripwire_users.c.user_id,
            tripwire_users.c.email,
            tripwire_users.c.full_name,
            tripwire_users.c.granted_by,
            tripwire_users.c.modules_completed,
            completed.c.at,
            gate.c.counts,
        ),
    )


def _issue_certificate(b: StatementBuilder, counted: sa.CTE) -> sa.CTE:
    """8: the certificate, after the last module."""
    last = and_(counted.c.counts, counted.c.modules_completed >= MODULES_IN_COURSE)
    return issue(b, b.gate("graduate", select(counted).where(last)))


def _outcome(b: StatementBuilder, gate: sa.CTE, counted: sa.CTE, certificate: sa.CTE) -> sa.CTE:
    """What profile and achievements are made of."""
    return b.gate(
        "outcome",
        select(counted, gate.c.module_rank, certificate.c.url)
        .select_from(counted)
        .join(gate, true())
        .outerjoin(certificate, true()),
    )


def _update_profile(b: StatementBuilder, outcome: sa.CTE) -> None:
    """4: the profile, as the counter has it; a certificate that it shows already stays."""
    profile = into(
        tripwire_user_profile,
        outcome,
        user_id=outcome.c.user_id,
        modules_completed=outcome.c.modules_completed,
        completion_percentage=_percentage(outcome.c.modules_completed, literal(MODULES_IN_COURSE)),
        certificate_issued=outcome.c.url.is_not(None),
        certificate_url=outcome.c.url,
        created_at=outcome.c.at,
    )
    old, new = tripwire_user_profile.c, profile.excluded
    b.step(
        "update_profile",
        profile.on_conflict_do_update(
            index_elements=[old.user_id],
            set_={
                "modules_completed": func.least(new.modules_completed, old.total_modules),
                "completion_percentage": _percentage(new.modules_completed, old.total_modules),
                "certificate_issued": or_(old.certificate_issued, new.certificate_issued),
                "certificate_url": func.coalesce(new.certificate_url, old.certificate_url),
            },
        ).returning(old.user_id),
    )


def _percentage(done: Any, total: Any) -> Any:
    """Percent of the modules, 0–100, with two decimals."""
    return func.least(func.round(done * literal(100.0) / func.greatest(total, 1), 2), 100)


def _count_lesson(b: StatementBuilder, counted: sa.CTE) -> None:
    """5: statistics."""
    add_to_statistics(b, "count_lesson", counted, column="lessons_completed", amount=literal(1))


def _earn_achievements(b: StatementBuilder, outcome: sa.CTE) -> None:
    """6: the module's achievement, 1 of 1, and the graduate's, so many of 3; what is earned stays."""
    earned = (
        func.unnest(
            array([array([*MODULE_ACHIEVEMENTS])[outcome.c.module_rank], literal(GRADUATE_ACHIEVEMENT)]),
            array([literal(1), outcome.c.modules_completed]),
            array([literal(1), literal(MODULES_IN_COURSE)]),
        )
        .table_valued(
            sa.column("achievement_id", sa.Text),
            sa.column("current_value", sa.Integer),
            sa.column("required_value", sa.Integer),
        )
        .render_derived(name="earned")
        .lateral()
    )
    is_completed = earned.c.current_value >= earned.c.required_value
    achievements = into(
        user_achievements,
        sa.join(outcome, earned, outcome.c.counts),
        user_id=outcome.c.user_id,
        achievement_id=earned.c.achievement_id,
        current_value=earned.c.current_value,
        required_value=earned.c.required_value,
        is_completed=is_completed,
        completed_at=case((is_completed, outcome.c.at)),
        created_at=outcome.c.at,
    )
    renewed = ("current_value", "required_value", "is_completed", "completed_at")
    b.step(
        "earn_achievements",
        achievements.on_conflict_do_update(
            index_elements=[user_achievements.c.user_id, user_achievements.c.achievement_id],
            set_={name: achievements.excluded[name] for name in renewed},
            where=~user_achievements.c.is_completed,
        ).returning(user_achievements.c.user_id),
    )


def _open_next_module(b: StatementBuilder, facts: sa.CTE, counted: sa.CTE) -> tuple[sa.CTE, sa.CTE]:
    """7: the next module, as long as one is to come, and the step that opened it: its unlock, progress and video."""
    following = b.gate("next_module", first_module(after=facts))
    not_the_last = and_(counted.c.counts, counted.c.modules_completed < MODULES_IN_COURSE)
    opening = b.gate("opening", select(following, counted.c.at).select_from(following).join(counted, not_the_last))
    return following, open_module(b, opening)


def _log_completion(b: StatementBuilder, counted: sa.CTE, unlock: sa.CTE, certificate: sa.CTE) -> None:
    """The log of what was completed, opened and issued, for the manager who sold the student."""
    events = b.gate(
        "events",
        union_all(
            select(
                counted,
                literal("lesson_completed").label("action_type"),
                details_of_person(counted, lesson_id=LESSON_ID).label("details"),
            ),
            select(counted, literal("module_unlocked"), details_of_person(counted, module_id=unlock.c.module_id))
            .select_from(counted)
            .join(unlock, true()),
            select(counted, literal("certificate_issued"), details_of_certificate(counted, certificate))
            .select_from(counted)
            .join(certificate, true()),
        ),
    )
    log_step(
        b,
        "log_completion",
        events,
        manager_id=events.c.granted_by,
        action_type=events.c.action_type,
        details=events.c.details,
    )


def _report(
    b: StatementBuilder,
    *,
    facts: sa.CTE,
    held: sa.CTE,
    gate: sa.CTE,
    completed: sa.CTE,
    counted: sa.CTE,
    certificate: sa.CTE,
    following: sa.CTE,
    unlock: sa.CTE,
) -> None:
    open_before = select(module_unlocks.c.module_id).where(
        module_unlocks.c.user_id == USER_ID,
        module_unlocks.c.module_id == select(following.c.module_id).scalar_subquery(),
    )
    lost_to_another = and_(gate.c.user_id.is_not(None), completed.c.user_id.is_(None))
    b.report(
        select(
            facts.c.status,
            facts.c.lesson_id,
            facts.c.module_id,
            facts.c.unlocked,
            facts.c.completed_before,
            facts.c.watch_percentage,
            completed.c.user_id.is_not(None).label("completed_now"),
            func.coalesce(counted.c.modules_completed, facts.c.modules_completed).label("modules_completed"),
            func.coalesce(unlock.c.module_id, open_before.scalar_subquery()).label("unlocked_module_id"),
            *reported(certificate, held),
            certificate.c.id.is_not(None).label("newly_issued"),
            or_(and_(_may_complete(facts), facts.c.moved), lost_to_another).label("raced"),
        )
        .select_from(facts)
        .outerjoin(gate, true())
        .outerjoin(completed, true())
        .outerjoin(counted, true())
        .outerjoin(unlock, true())
        .outerjoin(certificate, true())
        .outerjoin(held, true())
    )


_COMPLETE = FlowStatement("complete_lesson", _complete, _decode)
