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
from tripwire_db.flows.shared.activity import log_step
from tripwire_db.flows.shared.auth_user import (
    AuthUserChanged,
    AuthUserGone,
    auth_user_after,
    is_of_this_call,
    locked,
    was_deleted,
)
from tripwire_db.flows.shared.context import FlowContext, details_of_person
from tripwire_db.flows.shared.module import first_module, open_progress, open_video_tracking, unlock_module
from tripwire_db.results import CreatedStudent
from tripwire_db.tables import (
    DEFAULT_PRICE,
    GRADUATE_ACHIEVEMENT,
    MODULE_ACHIEVEMENTS,
    MODULES_IN_COURSE,
    SELLER_ROLES,
    tripwire_user_profile,
    tripwire_users,
    user_achievements,
    user_statistics,
    users,
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
    """Steps 2 to 10, behind a gate that opens for an auth user of this call who is nobody yet."""
    lock = locked(b)
    first = b.gate("first_module", first_module())
    facts = _facts(b, lock, first)
    gate = _gate(b, facts)
    _insert_user(b, gate)  # 2
    student = _insert_student(b, gate)  # 3
    _insert_profile(b, student)  # 4
    _open_first_module(b, student, first)  # 5, 6, 7
    _insert_statistics(b, student)  # 8
    _insert_achievements(b, student)  # 9
    _log_creation(b, student)  # 10
    _report(b, facts=facts, gate=gate, student=student)


def _facts(b: StatementBuilder, lock: sa.CTE, first: sa.CTE) -> sa.CTE:
    """What decides, in one row: the manager, the auth user once the lock is held, and what is there of the student."""
    user_id = param("user_id", sa.UUID)
    auth_user = auth_user_after(lock)
    manager = users.alias("manager")
    return b.gate(
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


def _gate(b: StatementBuilder, facts: sa.CTE) -> sa.CTE:
    """Sold by somebody who may sell, to an auth user of this call, who is no student, never was, and is nothing else."""
    return b.gate(
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


def _insert_user(b: StatementBuilder, gate: sa.CTE) -> None:
    """2: the user. One that is there without being a student yet (half made, or made by an older backend) stays."""
    b.step(
        "insert_user",
        into(
            users,
            gate,
            id=param("user_id", sa.UUID),
            email=param("email"),
            full_name=param("full_name"),
            role=literal("student"),
            created_at=gate.c.at,
        )
        .on_conflict_do_nothing(index_elements=[users.c.id])
        .returning(users.c.id),
    )


def _insert_student(b: StatementBuilder, gate: sa.CTE) -> sa.CTE:
    """3: the student. Whoever lost a race writes nothing here, and so nothing below."""
    return b.step(
        "insert_student",
        into(
            tripwire_users,
            gate,
            user_id=param("user_id", sa.UUID),
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
            tripwire_users.c.created_at.label("at"),
        ),
    )


def _insert_profile(b: StatementBuilder, student: sa.CTE) -> None:
    """4: the profile."""
    b.step(
        "insert_profile",
        into(
            tripwire_user_profile,
            student,
            user_id=student.c.user_id,
            created_at=student.c.at,
            total_modules=literal(MODULES_IN_COURSE),
        )
        .on_conflict_do_nothing()
        .returning(tripwire_user_profile.c.user_id),
    )


def _open_first_module(b: StatementBuilder, student: sa.CTE, first: sa.CTE) -> None:
    """5, 6, 7: the first module is open; progress of its lesson, and its video."""
    opening = select(student.c.user_id, student.c.at, first).join_from(student, first, true()).subquery("opening")
    unlock_module(b, "unlock_first_module", opening)
    open_progress(b, "insert_progress", opening)
    open_video_tracking(b, "insert_video_tracking", opening)


def _insert_statistics(b: StatementBuilder, student: sa.CTE) -> None:
    """8: statistics."""
    b.step(
        "insert_statistics",
        into(user_statistics, student, user_id=student.c.user_id, created_at=student.c.at)
        .on_conflict_do_nothing()
        .returning(user_statistics.c.user_id),
    )


def _insert_achievements(b: StatementBuilder, student: sa.CTE) -> None:
    """9: the four achievements, three of 1 and the last of 3."""
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
            user_id=student.c.user_id,
            created_at=student.c.at,
            achievement_id=achievement.c.achievement_id,
            required_value=achievement.c.required_value,
        )
        .on_conflict_do_nothing()
        .returning(user_achievements.c.user_id),
    )


def _log_creation(b: StatementBuilder, student: sa.CTE) -> None:
    """10: the log."""
    log_step(
        b,
        "log_creation",
        student,
        manager_id=student.c.granted_by,
        action_type="user_created",
        details=details_of_person(student, price=student.c.price),
    )


def _report(b: StatementBuilder, *, facts: sa.CTE, gate: sa.CTE, student: sa.CTE) -> None:
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
