"""What making and deleting a person share: the auth user behind them, its lock, and what it is to us."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import CTE, ColumnElement, Select, and_, func, literal, literal_column, or_, select
from sqlalchemy.sql.selectable import LateralFromClause

from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder, param
from tripwire_db.tables import sales_activity_log, tripwire_users, users

IDLE_SECONDS = 60
"""So long a transaction that holds the lock may wait for the auth service; one whose caller is cut off ends then."""


class AuthUserChanged(Exception):
    """The auth user is not, or no longer, this call's to write rows for: another call has taken it over, or deleted it."""


class AuthUserGone(AuthUserChanged):
    """The database sees no auth user with this id."""


@dataclass(frozen=True, slots=True)
class AuthUserFacts:
    """An auth user, and what it is to us.

    Attributes:
        user_id: None where an identity alone holds the e-mail that was asked for.
        kind: of our mark, `student` or `manager`; None for an auth user that is not ours.
        is_student: whether there is a row of `tripwire_users`.
        role: of the users row, None where there is none.
        was_deleted: whether the log says that a student with this id was deleted.
    """

    user_id: UUID | None
    kind: str | None
    is_student: bool
    role: str | None
    was_deleted: bool

    @property
    def is_used(self) -> bool:
        """Whether somebody has completed it. A users row with the role student may be a trigger's, and alone is nobody."""
        return self.is_student or self.role not in {None, "student"}


def find_by_email(*, email: str) -> Flow[AuthUserFacts | None]:
    """Who holds this e-mail for the auth service: the Admin API has no such look-up."""
    return _FIND_BY_EMAIL.flow(email=email)


def find_by_id(*, user_id: UUID) -> Flow[AuthUserFacts | None]:
    """What an auth user is to us now."""
    return _FIND_BY_ID.flow(user_id=user_id)


def lock_auth_user(*, user_id: UUID) -> Flow[bool]:
    """Lock an auth user's id until the transaction ends."""
    return _LOCK.flow(user_id=user_id, at=None)


def schema_is_there() -> Flow[bool]:
    """Whether the database has the tables at all, without which nobody can have completed an auth user."""
    return _SCHEMA_IS_THERE.flow()


def is_used(*, user_id: UUID) -> Flow[bool]:
    """`AuthUserFacts.is_used` by our own tables alone, for a database that may be older than this package."""
    return _IS_USED.flow(user_id=user_id)


def locked(b: StatementBuilder) -> CTE:
    """The gate of every creation: the advisory lock on the auth user's id, held until the statement ends."""
    user_id = param("user_id", sa.UUID)
    return b.gate("lock", select(_lock(user_id).label("taken"), user_id.label("user_id"), b.at.label("at")))


def auth_user_after(lock: CTE) -> LateralFromClause:
    """The auth user as it is once the lock is held, to be joined LEFT; without a row where there is none.

    The function is VOLATILE, so it sees what was committed while the lock was waited for, later than the statement's own
    snapshot; it takes its argument from the lock, so it cannot run before.
    """
    return func.tripwire.find_auth_user(lock.c.user_id).table_valued(*_COLUMNS).lateral("auth_user")


def is_of_this_call(auth_user: LateralFromClause) -> ColumnElement[bool]:
    """Whether password and name are what the call with the parameter `token` gave (`auth.Claim`), and log in still."""
    token = func.coalesce(auth_user.c.token, sa.cast(auth_user.c.id, sa.Text))
    return and_(token == param("token"), ~auth_user.c.is_deleted)


def was_deleted(user_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the log says that a student with this id was deleted: such an id is never a student again."""
    log = sales_activity_log.c
    return select(log.id).where(log.target_user_id == user_id, log.action_type == "user_deleted").exists()


_COLUMNS = (
    sa.column("id", sa.UUID),
    sa.column("kind", sa.Text),
    sa.column("token", sa.Text),
    sa.column("is_deleted", sa.Boolean),
)


def _lock(user_id: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.pg_advisory_xact_lock(func.hashtextextended(sa.cast(user_id, sa.Text), literal(0)))


def _facts_of(auth_user: sa.TableValuedAlias) -> Select[Any]:
    return (
        select(
            auth_user.c.id,
            auth_user.c.kind,
            tripwire_users.c.user_id.is_not(None).label("is_student"),
            users.c.role,
            was_deleted(auth_user.c.id).label("was_deleted"),
        )
        .select_from(auth_user)
        .outerjoin(users, users.c.id == auth_user.c.id)
        .outerjoin(tripwire_users, tripwire_users.c.user_id == auth_user.c.id)
    )


def _decode_facts(rows: Sequence[Row], asked: Parameters) -> AuthUserFacts | None:  # noqa: ARG001
    if not rows:
        return None
    found = rows[0]
    return AuthUserFacts(found.id, found.kind, found.is_student, found.role, found.was_deleted)


def _find_by_email(b: StatementBuilder) -> None:
    auth_user = func.tripwire.find_auth_user_by_email(param("email")).table_valued(*_COLUMNS, name="auth_user")
    b.report(_facts_of(auth_user))


def _find_by_id(b: StatementBuilder) -> None:
    auth_user = func.tripwire.find_auth_user(param("user_id", sa.UUID)).table_valued(*_COLUMNS, name="auth_user")
    b.report(_facts_of(auth_user))


def _lock_auth_user(b: StatementBuilder) -> None:
    """The lock, in a transaction that does not hold it for ever where the network loses its caller."""
    idle = func.set_config("idle_in_transaction_session_timeout", f"{IDLE_SECONDS}s", literal_column("true"))
    b.report(
        select(_lock(param("user_id", sa.UUID)).label("taken"), idle.label("idle_timeout")).select_from(b.settings)
    )


def _schema_is_there(b: StatementBuilder) -> None:
    tables = [func.to_regclass(literal(table.fullname)).is_not(None) for table in (users, tripwire_users)]
    b.report(select(or_(*tables).label("is_there")))


def _is_used(b: StatementBuilder) -> None:
    user_id = param("user_id", sa.UUID)
    is_more = select(users.c.id).where(users.c.id == user_id, users.c.role != "student").exists()
    is_student = select(tripwire_users.c.id).where(tripwire_users.c.user_id == user_id).exists()
    b.report(select(or_(is_more, is_student).label("is_used")))


_FIND_BY_EMAIL = FlowStatement("find_auth_user_by_email", _find_by_email, _decode_facts)
_FIND_BY_ID = FlowStatement("find_auth_user_by_id", _find_by_id, _decode_facts)
_LOCK = FlowStatement("lock_auth_user", _lock_auth_user, lambda rows, _: bool(rows))
_SCHEMA_IS_THERE = FlowStatement("schema_is_there", _schema_is_there, lambda rows, _: bool(rows[0].is_there))
_IS_USED = FlowStatement("is_used", _is_used, lambda rows, _: bool(rows[0].is_used))
