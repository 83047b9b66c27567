"""Creating a manager: the users row of an auth user that is there; the auth user itself is the repository's."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import and_, func, literal, select, true

from tripwire_db.engine.statement import Flow, Parameters, Row, StatementBuilder, into, param, recipe
from tripwire_db.errors import EmailTaken
from tripwire_db.flows.shared.auth_user import AuthUserGone, lock_of_auth_user
from tripwire_db.flows.shared.context import FlowContext, details_of_person
from tripwire_db.results import CreatedManager
from tripwire_db.tables import auth_users, sales_activity_log, users


@dataclass(frozen=True, slots=True)
class NewManager:
    """What a manager is made of, checked already: the e-mail in lower case, any role but student."""

    email: str
    full_name: str
    role: str


def create_manager(context: FlowContext, *, user_id: UUID, new: NewManager) -> Flow[CreatedManager]:
    """Write the users row of a manager; one who is there already with the same role is returned as they are."""
    return _CREATE.flow(user_id=user_id, email=new.email, full_name=new.full_name, role=new.role, at=context.now())


def _decode(rows: Sequence[Row], asked: Parameters) -> CreatedManager:
    found = rows[0]
    if not found.auth_user_exists:
        raise AuthUserGone
    if found.role != asked["role"]:
        raise EmailTaken(f"{asked['email']} belongs to a user whose role is {found.role}; use another e-mail")
    return CreatedManager(
        user_id=asked["user_id"],
        email=found.email,
        full_name=found.full_name,
        role=found.role,
        created=found.created,
    )


@recipe("create_manager", decode=_decode)
def _CREATE(flow: StatementBuilder) -> None:  # noqa: N802 - a recipe is a constant
    user_id = param("user_id", sa.UUID)
    lock = flow.gate("lock", select(lock_of_auth_user(user_id).label("taken"), flow.at.label("at")))
    facts = flow.gate(
        "facts",
        select(
            lock.c.at,
            auth_users.c.id.is_not(None).label("auth_user_exists"),
            users.c.id.label("user_id"),
            users.c.email,
            users.c.full_name,
            users.c.role,
        )
        .select_from(lock)
        .outerjoin(auth_users, auth_users.c.id == user_id)
        .outerjoin(users, users.c.id == user_id),
    )
    gate = flow.gate("gate", select(facts).where(facts.c.auth_user_exists, facts.c.user_id.is_(None)))
    created = flow.step(
        "insert_user",
        into(
            users,
            gate,
            id=user_id,
            email=param("email"),
            full_name=param("full_name"),
            role=param("role"),
            created_at=gate.c.at,
        )
        .on_conflict_do_nothing(index_elements=[users.c.id])
        .returning(users.c.id, users.c.email, users.c.full_name, users.c.role, users.c.created_at),
    )
    flow.step(
        "log_creation",
        into(
            sales_activity_log,
            created,
            action_type=literal("user_created"),
            target_user_id=created.c.id,
            details=details_of_person(created, role=created.c.role),
            created_at=created.c.created_at,
        ).returning(sales_activity_log.c.id),
    )
    flow.report(
        select(
            facts.c.auth_user_exists,
            *(func.coalesce(created.c[name], facts.c[name]).label(name) for name in ("email", "full_name", "role")),
            created.c.id.is_not(None).label("created"),
            and_(gate.c.at.is_not(None), created.c.id.is_(None)).label("raced"),
        )
        .select_from(facts)
        .outerjoin(gate, true())
        .outerjoin(created, true())
    )
