"""Creating a student, steps 2 to 10: nine tables in one statement. Step 1, the auth user, is the repository's."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import and_, func, literal, or_, select, true
from sqlalchemy.dialects.postgresql import array

from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder, into, param
from tripwire_db.errors import EmailTaken, NotFound
from tripwire_db.flows.shared.auth_user import (
    AuthUserChanged,
    AuthUserGone,
    auth_user_after,
    is_of_this_call,
    locked,
    was_deleted,
)
from tripwire_db.flows.shared.context import FlowContext, details_of_person
from tripwire_db.flows.shared.module import first_module
from tripwire_db.results import CreatedStudent
from tripwire_db.tables import (
    DEFAULT_PRICE,
    GRADUATE_ACHIEVEMENT,
    MODULE_ACHIEVEMENTS,
    MODULES_IN_COURSE,
    SELLER_ROLES,
    module_unlocks,
    sales_activity_log,
    student_progress,
    tripwire_user_profile,
    tripwire_users,
    user_achievements,
    user_statistics,
    users,
    video_tracking,
)


@dataclass(frozen=True, slots=True)
class NewStudent:
    """What a student is made of, checked already: the e-mail in lower case, the price in KZT."""

    email: str
    full_name: str
    manager_id: UUID
    price: Decimal = DEFAULT_PRICE


def create_tripwire_user(
    context: FlowContext, *, user_id: UUID, token: UUID | None, new: NewStudent
) -> Flow[CreatedStudent]:
    """Register one student across nine tables, for an auth user that is there.

    The gate takes an advisory lock on the auth user's id, which whatever changes or removes that user takes too. A student
    who is there already is returned as they are, if the same manager sold them.

    Args:
        context: of the repository.
        user_id: the auth user.
        token: of this call, as the auth user's mark must have it (`auth.Claim`); the id itself for an auth user that this
            call made; None writes nothing, and only reports.
        new: whom to register.
    """
    return _CREATE.flow(
        user_id=user_id,
        token=None if token is None else str(token),
        email=new.email,
        full_name=new.full_name,
        manager_id=new.manager_id,
        price=new.price,
        at=context.now(),
    )


def _decode(rows: Sequence[Row], asked: Parameters) -> CreatedStudent:
    found = rows[0]
    if found.manager_role not in SELLER_ROLES:
        raise NotFound("manager", asked["manager_id"], "a student is sold by a user who is sales_manager or admin")
    if not found.auth_user_exists:
        raise AuthUserGone
    if found.first_module_id is None:
        raise NotFound("module", "to begin with", "the course has none that is not archived and has a lesson")
    if not found.is_student and found.role in {None, "student"}:
        raise AuthUserChanged
    if found.granted_by != asked["manager_id"]:
        raise EmailTaken(
            f"{asked['email']} belongs to somebody who is not this manager's student; use another e-mail",
            email=asked["email"],
        )
    return CreatedStudent(
        user_id=asked["user_id"],
        email=found.email,
        full_name=found.full_name,
        manager_id=found.granted_by,
        price=found.price,
        created=found.created,
    )


def _create(b: StatementBuilder) -> None:
    user_id = param("user_id", sa.UUID)
    lock = locked(b)
    auth_user = auth_user_after(lock)
    first = b.gate("first_module", first_module())
    manager = users.alias("manager")
    facts = b.gate(
        "facts",
        select(
            lock.c.at,
            manager.c.full_name.label("manager_name"),
            manager.c.role.label("manager_role"),
            auth_user.c.id.is_not(None).label("auth_user_exists"),
            is_of_this_call(auth_user).label("is_of_this_call"),
            was_deleted(user_id).label("was_deleted"),
            users.c.role,
            tripwire_users.c.user_id,
            tripwire_users.c.email,
            tripwire_users.c.full_name,
            tripwire_users.c.granted_by,
            tripwire_users.c.price,
            first.c.module_id,
            first.c.lesson_id,
            first.c.duration_seconds,
        )
        .select_from(lock)
        .outerjoin(manager, manager.c.id == param("manager_id", sa.UUID))
        .outerjoin(auth_user, true())
        .outerjoin(users, users.c.id == user_id)
        .outerjoin(tripwire_users, tripwire_users.c.user_id == user_id)
        .outerjoin(first, true()),
    )
    gate = b.gate(
        "gate",
        select(facts).where(
            facts.c.manager_role.in_(SELLER_ROLES),
            facts.c.is_of_this_call,
            ~facts.c.was_deleted,
            facts.c.module_id.is_not(None),
            facts.c.user_id.is_(None),
            or_(facts.c.role.is_(None), facts.c.role == "student"),
        ),
    )

    # 2: the user. One that is there without being a student yet (half made, or made by an older backend) stays.
    b.step(
        "insert_user",
        into(
            users,
            gate,
            id=user_id,
            email=param("email"),
            full_name=param("full_name"),
            role=literal("student"),
            created_at=gate.c.at,
        )
        .on_conflict_do_nothing(index_elements=[users.c.id])
        .returning(users.c.id),
    )
    # 3: the student. Whoever lost a race writes nothing here, and so nothing below.
    student = b.step(
        "insert_student",
        into(
            tripwire_users,
            gate,
            user_id=user_id,
            email=param("email"),
            full_name=param("full_name"),
            granted_by=param("manager_id", sa.UUID),
            manager_name=gate.c.manager_name,
            price=param("price", sa.Numeric),
            created_at=gate.c.at,
        )
        .on_conflict_do_nothing(index_elements=[tripwire_users.c.user_id])
        .returning(
            tripwire_users.c.user_id,
            tripwire_users.c.email,
            tripwire_users.c.full_name,
            tripwire_users.c.granted_by,
            tripwire_users.c.price,
            tripwire_users.c.created_at,
        ),
    )
    of_student = {"user_id": student.c.user_id, "created_at": student.c.created_at}
    # 4: the profile.
    b.step(
        "insert_profile",
        into(tripwire_user_profile, student, **of_student, total_modules=literal(MODULES_IN_COURSE))
        .on_conflict_do_nothing()
        .returning(tripwire_user_profile.c.user_id),
    )
    # 5: the first module is open.
    opened = sa.join(student, first, true())
    b.step(
        "unlock_first_module",
        into(
            module_unlocks,
            opened,
            user_id=student.c.user_id,
            module_id=first.c.module_id,
            unlocked_at=student.c.created_at,
        )
        .on_conflict_do_nothing()
        .returning(module_unlocks.c.user_id),
    )
    # 6: progress of its lesson.
    b.step(
        "insert_progress",
        into(student_progress, opened, **of_student, module_id=first.c.module_id, lesson_id=first.c.lesson_id)
        .on_conflict_do_nothing()
        .returning(student_progress.c.user_id),
    )
    # 7: its video. Creation is no watching: when it was last seen stays NULL.
    b.step(
        "insert_video_tracking",
        into(
            video_tracking,
            opened,
            **of_student,
            lesson_id=first.c.lesson_id,
            video_duration_seconds=first.c.duration_seconds,
        )
        .on_conflict_do_nothing()
        .returning(video_tracking.c.user_id),
    )
    # 8: statistics.
    b.step(
        "insert_statistics",
        into(user_statistics, student, **of_student).on_conflict_do_nothing().returning(user_statistics.c.user_id),
    )
    # 9: the four achievements, three of 1 and the last of 3.
    achievement = (
        func.unnest(
            array([*MODULE_ACHIEVEMENTS, GRADUATE_ACHIEVEMENT]),
            array([*(1 for _ in MODULE_ACHIEVEMENTS), MODULES_IN_COURSE]),
        )
        .table_valued(sa.column("achievement_id", sa.Text), sa.column("required_value", sa.Integer))
        .render_derived(name="achievement")
    )
    b.step(
        "insert_achievements",
        into(
            user_achievements,
            sa.join(student, achievement, true()),
            **of_student,
            achievement_id=achievement.c.achievement_id,
            required_value=achievement.c.required_value,
        )
        .on_conflict_do_nothing()
        .returning(user_achievements.c.user_id),
    )
    # 10: the log.
    b.step(
        "log_creation",
        into(
            sales_activity_log,
            student,
            manager_id=student.c.granted_by,
            action_type=literal("user_created"),
            target_user_id=student.c.user_id,
            details=details_of_person(student, price=student.c.price),
            created_at=student.c.created_at,
        ).returning(sales_activity_log.c.id),
    )
    b.report(
        select(
            facts.c.manager_role,
            facts.c.auth_user_exists,
            facts.c.role,
            facts.c.module_id.label("first_module_id"),
            func.coalesce(student.c.user_id, facts.c.user_id).is_not(None).label("is_student"),
            func.coalesce(student.c.email, facts.c.email).label("email"),
            func.coalesce(student.c.full_name, facts.c.full_name).label("full_name"),
            func.coalesce(student.c.granted_by, facts.c.granted_by).label("granted_by"),
            func.coalesce(student.c.price, facts.c.price).label("price"),
            student.c.user_id.is_not(None).label("created"),
            and_(gate.c.at.is_not(None), student.c.user_id.is_(None)).label("raced"),
        )
        .select_from(facts)
        .outerjoin(gate, true())
        .outerjoin(student, true())
    )


_CREATE = FlowStatement("create_tripwire_user", _create, _decode)
