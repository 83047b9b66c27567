"""What making a student and a manager share: the auth user behind them, its lock, and who has an e-mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ColumnElement, func, literal, select, union_all

from tripwire_db.engine.statement import Flow, Parameters, Row, StatementBuilder, param, recipe
from tripwire_db.tables import auth_users, tripwire_users, users


class AuthUserGone(Exception):
    """The auth user was removed before its rows were written, by another call's compensation."""


@dataclass(frozen=True, slots=True)
class EmailHolder:
    """The auth user that has an e-mail; `app_metadata` is where our mark is, `is_student` and `role` what it is to us."""

    user_id: UUID
    app_metadata: Any
    is_student: bool
    role: str | None


def lock_of_auth_user(user_id: ColumnElement[Any]) -> ColumnElement[Any]:
    """The advisory lock on an auth user's id, held until the transaction ends."""
    return func.pg_advisory_xact_lock(func.hashtextextended(sa.cast(user_id, sa.Text), literal(0)))


def find_email_holder(*, email: str) -> Flow[EmailHolder | None]:
    """Who has this e-mail in `auth.users`: the Admin API has no such look-up."""
    return _FIND_HOLDER.flow(email=email)


def lock_auth_user(*, user_id: UUID) -> Flow[bool]:
    """Lock an auth user's id until the transaction ends; begins a compensation."""
    return _LOCK.flow(user_id=user_id, at=None)


def is_used(*, user_id: UUID) -> Flow[bool]:
    """Whether anybody has completed this auth user: a fresh look, in a statement after the lock."""
    return _IS_USED.flow(user_id=user_id)


def _holder(rows: Sequence[Row], asked: Parameters) -> EmailHolder | None:  # noqa: ARG001
    if not rows:
        return None
    found = rows[0]
    return EmailHolder(found.id, found.raw_app_meta_data, found.is_student, found.role)


@recipe("find_email_holder", decode=_holder)
def _FIND_HOLDER(flow: StatementBuilder) -> None:  # noqa: N802 - a recipe is a constant
    flow.report(
        select(
            auth_users.c.id,
            auth_users.c.raw_app_meta_data,
            tripwire_users.c.user_id.is_not(None).label("is_student"),
            users.c.role,
        )
        .select_from(auth_users)
        .outerjoin(users, users.c.id == auth_users.c.id)
        .outerjoin(tripwire_users, tripwire_users.c.user_id == auth_users.c.id)
        .where(func.lower(auth_users.c.email) == param("email"))
        .limit(1)
    )


@recipe("lock_auth_user", decode=lambda rows, _: bool(rows))
def _LOCK(flow: StatementBuilder) -> None:  # noqa: N802 - a recipe is a constant
    flow.report(select(lock_of_auth_user(param("user_id", sa.UUID)).label("taken")).select_from(flow.settings))


@recipe("is_used", decode=lambda rows, _: bool(rows[0].used))
def _IS_USED(flow: StatementBuilder) -> None:  # noqa: N802 - a recipe is a constant
    user_id = param("user_id", sa.UUID)
    rows = union_all(
        select(users.c.id).where(users.c.id == user_id),
        select(tripwire_users.c.user_id).where(tripwire_users.c.user_id == user_id),
    )
    flow.report(select(rows.exists().label("used")))
