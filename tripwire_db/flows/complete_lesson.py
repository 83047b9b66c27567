"""Completing a lesson: the eight steps, from the 80 % rule to the certificate, in one statement."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import and_, case, func, literal, or_, select, true, tuple_, union_all, update
from sqlalchemy.dialects.postgresql import array

from tripwire_db.engine.statement import Flow, Parameters, Row, StatementBuilder, into, param, recipe
from tripwire_db.errors import ModuleLocked, NotFound, VideoNotQualified
from tripwire_db.flows.shared.certificate import (
    certificate_of,
    details_of_certificate,
    issue,
    new_code,
    reported,
    valid_certificate,
)
from tripwire_db.flows.shared.context import FlowContext, details_of_person, locked_student, not_active
from tripwire_db.flows.shared.module import first_module, open_module
from tripwire_db.results import LessonCompletion
from tripwire_db.tables import (
    GRADUATE_ACHIEVEMENT,
    MODULE_ACHIEVEMENTS,
    MODULES_IN_COURSE,
    STUDYING_STATUSES,
    lessons,
    module_unlocks,
    modules,
    sales_activity_log,
    student_progress,
    tripwire_user_profile,
    tripwire_users,
    user_achievements,
    user_statistics,
    video_tracking,
)
from tripwire_db.validation import parse_integer, parse_uuid


def complete_lesson(context: FlowContext, *, user_id: UUID | str, lesson_id: int) -> Flow[LessonCompletion]:
    """Complete a lesson whose video is qualified; open the next module; after the last of the three, graduate.

    Only `is_qualified_for_completion` decides, and only for an unlocked lesson of this student. Called again it
    returns what is, and changes nothing.

    Raises:
        InvalidInput: an id of the wrong type.
        NotFound: no such student or lesson.
        StudentNotActive: the student is blocked or inactive.
        ModuleLocked: the lesson's module is not unlocked for this student.
        VideoNotQualified: too little of the video has been watched.

    Example:
        >>> done = repository.complete_lesson(user_id=student.user_id, lesson_id=67)
        >>> done.modules_completed, done.unlocked_module_id
        (1, 17)
    """
    return _COMPLETE.flow(
        user_id=parse_uuid("user_id", user_id),
        lesson_id=parse_integer("lesson_id", lesson_id),
        at=context.now(),
        **new_code(context),
    )


def _decode(rows: Sequence[Row], asked: Parameters) -> LessonCompletion:
    user_id, lesson_id = asked["user_id"], asked["lesson_id"]
    if not rows:
        raise NotFound("student", user_id)
    found = rows[0]
    if found.lesson_id is None:
        raise NotFound("lesson", lesson_id)
    if found.status not in STUDYING_STATUSES:
        raise not_active(user_id, found.status)
    if not found.unlocked:
        raise ModuleLocked(
            f"module {found.module_id} is not unlocked for student {user_id}; complete the one before it"
        )
    if not (found.completed_now or found.completed_before):
        raise VideoNotQualified(
            f"student {user_id} has not watched enough of lesson {lesson_id} ({found.watch_percentage or 0} %); go on watching"
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


@recipe("complete_lesson", decode=_decode)
def _COMPLETE(flow: StatementBuilder) -> None:  # noqa: N802 - a recipe is a constant
    student = locked_student(flow)
    taught = modules.alias("taught")
    # Its rank among the modules taught now tells which achievement a module earns.
    before = tuple_(taught.c.position, taught.c.id) < tuple_(modules.c.position, modules.c.id)
    # A lesson that was replaced leaves its module two: whichever is completed first counts the module, the other does not.
    other, done, at_start = lessons.alias("other"), student_progress.alias("done"), tripwire_users.alias("at_start")
    another = sa.exists().where(other.c.module_id == lessons.c.module_id, other.c.id != lessons.c.id)
    another_done = sa.exists().where(
        done.c.user_id == student.c.user_id,
        done.c.module_id == lessons.c.module_id,
        done.c.lesson_id != lessons.c.id,
        done.c.status == "completed",
    )
    # Progress is read as of the statement's start. If the counter has moved since, while the gate waited, the other
    # lesson may have been what moved it: then nothing is written, and the statement is run once more.
    count_at_start = select(at_start.c.modules_completed).where(at_start.c.user_id == student.c.user_id)
    moved = and_(another, student.c.modules_completed.is_distinct_from(count_at_start.scalar_subquery()))
    rank = select(func.least(func.count() + 1, MODULES_IN_COURSE)).where(~taught.c.archived, before)
    facts = flow.gate(
        "facts",
        select(
            student,
            lessons.c.id.label("lesson_id"),
            lessons.c.module_id,
            modules.c.position.label("module_position"),
            modules.c.archived.label("module_archived"),
            rank.correlate(modules).scalar_subquery().label("module_rank"),
            module_unlocks.c.id.is_not(None).label("unlocked"),
            func.coalesce(student_progress.c.status == "completed", sa.false()).label("completed_before"),
            func.coalesce(video_tracking.c.is_qualified_for_completion, sa.false()).label("qualified"),
            video_tracking.c.watch_percentage,
            (~another_done).label("counts"),
            moved.label("moved"),
        )
        .select_from(student)
        .outerjoin(lessons, lessons.c.id == param("lesson_id", sa.Integer))
        .outerjoin(modules, modules.c.id == lessons.c.module_id)
        .outerjoin(
            module_unlocks,
            and_(module_unlocks.c.user_id == student.c.user_id, module_unlocks.c.module_id == lessons.c.module_id),
        )
        .outerjoin(
            student_progress,
            and_(student_progress.c.user_id == student.c.user_id, student_progress.c.lesson_id == lessons.c.id),
        )
        .outerjoin(
            video_tracking,
            and_(video_tracking.c.user_id == student.c.user_id, video_tracking.c.lesson_id == lessons.c.id),
        ),
    )
    held = valid_certificate(flow, student)

    # 1: the 80 % rule, of an unlocked lesson, of a student who may study.
    may_complete = and_(
        facts.c.status.in_(STUDYING_STATUSES), facts.c.unlocked, facts.c.qualified, ~facts.c.completed_before
    )
    gate = flow.gate("gate", select(facts).where(may_complete, ~facts.c.moved))
    # 2: progress. A second click finds the row completed, writes nothing here, and so nothing below.
    progress = into(
        student_progress,
        gate,
        user_id=gate.c.user_id,
        module_id=gate.c.module_id,
        lesson_id=gate.c.lesson_id,
        status=literal("completed"),
        started_at=gate.c.at,
        completed_at=gate.c.at,
        created_at=gate.c.at,
    )
    completed = flow.step(
        "complete_progress",
        progress.on_conflict_do_update(
            index_elements=[student_progress.c.user_id, student_progress.c.lesson_id],
            set_={
                "status": progress.excluded.status,
                "started_at": func.coalesce(student_progress.c.started_at, progress.excluded.started_at),
                "completed_at": progress.excluded.completed_at,
            },
            where=student_progress.c.status != "completed",
        ).returning(student_progress.c.user_id, student_progress.c.completed_at.label("at")),
    )
    # 3: the student's counter, from the row as it is now: whoever makes it three graduates.
    count = func.least(tripwire_users.c.modules_completed + sa.cast(gate.c.counts, sa.Integer), MODULES_IN_COURSE)
    counted = flow.step(
        "count_module",
        update(tripwire_users)
        .where(tripwire_users.c.user_id == completed.c.user_id, gate.c.user_id == completed.c.user_id)
        .values(
            modules_completed=count,
            status=case(
                (and_(gate.c.counts, count >= MODULES_IN_COURSE, tripwire_users.c.status == "active"), "completed"),
                else_=tripwire_users.c.status,
            ),
        )
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
    # 8: the certificate after the last; it stands before the profile, which carries its URL.
    graduate = flow.gate(
        "graduate", select(counted).where(counted.c.counts, counted.c.modules_completed >= MODULES_IN_COURSE)
    )
    certificate = issue(flow, graduate)
    # 4: the profile.
    outcome = flow.gate(
        "outcome",
        select(counted, gate.c.module_rank, certificate.c.url)
        .select_from(counted)
        .join(gate, true())
        .outerjoin(certificate, true()),
    )
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
    flow.step(
        "update_profile",
        profile.on_conflict_do_update(
            index_elements=[tripwire_user_profile.c.user_id],
            set_={
                "modules_completed": func.least(
                    profile.excluded.modules_completed, tripwire_user_profile.c.total_modules
                ),
                "completion_percentage": _percentage(
                    profile.excluded.modules_completed, tripwire_user_profile.c.total_modules
                ),
                "certificate_issued": or_(
                    tripwire_user_profile.c.certificate_issued, profile.excluded.certificate_issued
                ),
                "certificate_url": func.coalesce(
                    profile.excluded.certificate_url, tripwire_user_profile.c.certificate_url
                ),
            },
        ).returning(tripwire_user_profile.c.user_id),
    )
    # 5: statistics.
    statistics = into(
        user_statistics, counted, user_id=counted.c.user_id, lessons_completed=literal(1), created_at=counted.c.at
    )
    flow.step(
        "count_lesson",
        statistics.on_conflict_do_update(
            index_elements=[user_statistics.c.user_id],
            set_={"lessons_completed": user_statistics.c.lessons_completed + 1},
        ).returning(user_statistics.c.user_id),
    )
    # 6: the module's achievement, 1 of 1, and the graduate's, so many of 3.
    flow.step("earn_achievements", _earn_achievements(outcome))
    # 7: the next module: its unlock, progress and video.
    following = flow.gate("next_module", first_module(after=facts))
    opening = flow.gate(
        "opening",
        select(following, counted.c.at)
        .select_from(following)
        .join(counted, and_(counted.c.counts, counted.c.modules_completed < MODULES_IN_COURSE)),
    )
    unlock = open_module(flow, opening)
    # The log, for the manager who sold the student.
    events = flow.gate(
        "events",
        union_all(
            select(
                counted,
                literal("lesson_completed").label("action_type"),
                details_of_person(counted, lesson_id=param("lesson_id", sa.Integer)).label("details"),
            ),
            select(counted, literal("module_unlocked"), details_of_person(counted, module_id=unlock.c.module_id))
            .select_from(counted)
            .join(unlock, true()),
            select(counted, literal("certificate_issued"), details_of_certificate(counted, certificate))
            .select_from(counted)
            .join(certificate, true()),
        ),
    )
    flow.step(
        "log_completion",
        into(
            sales_activity_log,
            events,
            manager_id=events.c.granted_by,
            action_type=events.c.action_type,
            target_user_id=events.c.user_id,
            details=events.c.details,
            created_at=events.c.at,
        ).returning(sales_activity_log.c.id),
    )
    open_before = (
        select(module_unlocks.c.module_id)
        .where(
            module_unlocks.c.user_id == facts.c.user_id,
            module_unlocks.c.module_id == select(following.c.module_id).scalar_subquery(),
        )
        .scalar_subquery()
    )
    flow.report(
        select(
            facts.c.status,
            facts.c.lesson_id,
            facts.c.module_id,
            facts.c.unlocked,
            facts.c.completed_before,
            facts.c.watch_percentage,
            completed.c.user_id.is_not(None).label("completed_now"),
            func.coalesce(counted.c.modules_completed, facts.c.modules_completed).label("modules_completed"),
            func.coalesce(unlock.c.module_id, open_before).label("unlocked_module_id"),
            *reported(certificate, held),
            certificate.c.id.is_not(None).label("newly_issued"),
            or_(
                and_(may_complete, facts.c.moved), and_(gate.c.user_id.is_not(None), completed.c.user_id.is_(None))
            ).label("raced"),
        )
        .select_from(facts)
        .outerjoin(gate, true())
        .outerjoin(completed, true())
        .outerjoin(counted, true())
        .outerjoin(unlock, true())
        .outerjoin(certificate, true())
        .outerjoin(held, true())
    )


def _percentage(done: Any, total: Any) -> Any:
    """Percent of the modules, 0–100, with two decimals."""
    return func.least(func.round(done * literal(100.0) / func.greatest(total, 1), 2), 100)


def _earn_achievements(outcome: sa.CTE) -> Any:
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
    names = ("current_value", "required_value", "is_completed", "completed_at")
    return achievements.on_conflict_do_update(
        index_elements=[user_achievements.c.user_id, user_achievements.c.achievement_id],
        set_={name: achievements.excluded[name] for name in names},
        where=~user_achievements.c.is_completed,
    ).returning(user_achievements.c.user_id)
