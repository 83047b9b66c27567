"""Creating a manager: the users row of an auth user that is there; the auth user itself is the repository's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ColumnElement, and_, func, or_, select, true

from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder, into, param
from tripwire_db.errors import EmailTaken
from tripwire_db.flows.shared.activity import log_step
from tripwire_db.flows.shared.auth_user import AuthUserChanged, AuthUserGone, auth_user_after, is_of_this_call, locked
from tripwire_db.flows.shared.context import FlowContext, details_of_person
from tripwire_db.results import CreatedManager
from tripwire_db.tables import (
    certificates,
    module_unlocks,
    student_progress,
    tripwire_user_profile,
    tripwire_users,
    user_achievements,
    user_statistics,
    users,
    video_tracking,
)

_OF_STUDENTS = (
    tripwire_users,
    tripwire_user_profile,
    module_unlocks,
    student_progress,
    video_tracking,
    user_statistics,
    user_achievements,
    certificates,
)


@dataclass(frozen=True, slots=True)
class NewManager:
    """What a manager is made of, checked already: the e-mail in lower case, any role but student."""

    email: str
    full_name: str
    role: str


def create_manager(context: FlowContext, *, user_id: UUID, token: UUID | None, new: NewManager) -> Flow[CreatedManager]:
    """Write the users row of a manager; one who is there already with the same role is returned as they are.

    `token` is what `create_tripwire_user` takes. A users row with the role student, where the auth user carries our mark of
    a manager and nothing else of a student's is there, was written by a trigger on `auth.users`: it becomes the manager's.
    """
    return _CREATE.flow(
        user_id=user_id,
        token=None if token is None else str(token),
        email=new.email,
        full_name=new.full_name,
        role=new.role,
        at=context.now(),
    )


def _decode(rows: Sequence[Row], asked: Parameters) -> CreatedManager:
    found = rows[0]
    if not found.auth_user_exists:
        raise AuthUserGone
    if found.is_free and not found.created:
        raise AuthUserChanged
    if found.role != asked["role"]:
        raise EmailTaken(
            f"{asked['email']} belongs to a user whose role is {found.role}; use another e-mail", email=asked["email"]
        )
    return CreatedManager(
        user_id=asked["user_id"],
        email=found.email,
        full_name=found.full_name,
        role=found.role,
        created=found.created,
    )


def _create(b: StatementBuilder) -> None:
    facts = _facts(b, locked(b))
    gate = b.gate("gate", select(facts).where(facts.c.is_of_this_call, facts.c.is_free))
    created = _insert_user(b, gate)
    log_step(
        b,
        "log_creation",
        created,
        manager_id=None,
        action_type="user_created",
        details=details_of_person(created, role=created.c.role),
    )
    b.report(
        select(
            facts.c.auth_user_exists,
            facts.c.is_free,
            *(func.coalesce(created.c[name], facts.c[name]).label(name) for name in ("email", "full_name", "role")),
            created.c.user_id.is_not(None).label("created"),
            and_(gate.c.at.is_not(None), created.c.user_id.is_(None)).label("raced"),
        )
        .select_from(facts)
        .outerjoin(gate, true())
        .outerjoin(created, true())
    )


def _facts(b: StatementBuilder, lock: sa.CTE) -> sa.CTE:
    """What decides, in one row: the auth user once the lock is held, and the users row that is there."""
    user_id = param("user_id", sa.UUID)
    auth_user = auth_user_after(lock)
    of_trigger = and_(users.c.role == "student", auth_user.c.kind == "manager", ~_has_anything(user_id))
    return b.gate(
        "facts",
        select(
            lock.c.at,
            auth_user.c.id.is_not(None).label("auth_user_exists"),
            is_of_this_call(auth_user).label("is_of_this_call"),
            or_(users.c.id.is_(None), of_trigger).label("is_free"),
            users.c.email,
            users.c.full_name,
            users.c.role,
        )
        .select_from(lock)
        .outerjoin(auth_user, true())
        .outerjoin(users, users.c.id == user_id),
    )


def _has_anything(user_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether any row of a student's is there."""
    return or_(*(select(table.c.user_id).where(table.c.user_id == user_id).exists() for table in _OF_STUDENTS))


def _insert_user(b: StatementBuilder, gate: sa.CTE) -> sa.CTE:
    """The users row; a trigger's becomes the manager's."""
    user = into(
        users,
        gate,
        id=param("user_id", sa.UUID),
        email=param("email"),
        full_name=param("full_name"),
        role=param("role"),
        created_at=gate.c.at,
    )
    return b.step(
        "insert_user",
        user.on_conflict_do_update(
            index_elements=[users.c.id],
            set_={name: user.excluded[name] for name in ("email", "full_name", "role")},
            where=users.c.role == "student",
        ).returning(
            users.c.id.label("user_id"), users.c.email, users.c.full_name, users.c.role, users.c.created_at.label("at")
        ),
    )


_CREATE = FlowStatement("create_manager", _create, _decode)
