"""Correcting a student's name, e-mail or price in the rows. The auth user is the repository's to change, before."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import CTE, ColumnElement, and_, exists, func, or_, select, true, update

from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder, one_row, param
from tripwire_db.errors import EmailTaken
from tripwire_db.flows.shared.activity import details_of_changes, log_step
from tripwire_db.flows.shared.context import USER_ID, FlowContext, details_of_person, last_seen_at
from tripwire_db.flows.shared.permission import acting_manager_with_role, may_change, require_may_change
from tripwire_db.results import Student
from tripwire_db.tables import tripwire_users, users


@dataclass(frozen=True, slots=True)
class Correction:
    """What to correct, checked already; None leaves a field as it is."""

    user_id: UUID
    manager_id: UUID
    full_name: str | None
    email: str | None
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class Account:
    """What the rows say of a student that the auth service keeps, too."""

    email: str
    full_name: str


def correct_student(context: FlowContext, *, correction: Correction) -> Flow[Student]:
    """Write a correction into the rows, and who made it into the log; where nothing differs, nothing is written."""
    return _CORRECT.flow(
        user_id=correction.user_id,
        manager_id=correction.manager_id,
        full_name=correction.full_name,
        email=correction.email,
        price=correction.price,
        at=context.now(),
    )


def find_correctable(*, correction: Correction) -> Flow[Account]:
    """What the rows say before a correction, if this manager may make it, and nobody else has the e-mail in our rows."""
    return _FIND_CORRECTABLE.flow(user_id=correction.user_id, manager_id=correction.manager_id, email=correction.email)


def find_account(*, user_id: UUID) -> Flow[Account | None]:
    """What the rows say of a student; None where there is none."""
    return _FIND_ACCOUNT.flow(user_id=user_id)


def _require_correctable(row: Row, asked: Parameters) -> None:
    require_may_change(row, asked)
    if row.email_is_taken:
        raise EmailTaken(f"{asked['email']} belongs to somebody else; use another e-mail", email=asked["email"])


def _decode(rows: Sequence[Row], asked: Parameters) -> Student:
    found = rows[0]
    _require_correctable(found, asked)
    return Student(**{field.name: getattr(found, field.name) for field in fields(Student)})


def _decode_correctable(rows: Sequence[Row], asked: Parameters) -> Account:
    found = rows[0]
    _require_correctable(found, asked)
    return Account(found.email, found.full_name)


def _decode_account(rows: Sequence[Row], _: Parameters) -> Account | None:
    return Account(rows[0].email, rows[0].full_name) if rows else None


def _email_is_taken() -> ColumnElement[bool]:
    """Whether somebody else's rows have the e-mail that was asked for."""
    email = param("email")
    return or_(
        select(tripwire_users.c.id)
        .where(tripwire_users.c.email == email, tripwire_users.c.user_id != USER_ID)
        .exists(),
        select(users.c.id).where(users.c.email == email, users.c.id != USER_ID).exists(),
    )


def _correct(b: StatementBuilder) -> None:
    student = _locked(b)
    manager = acting_manager_with_role(b)
    gate = _gate(b, student, manager)
    corrected = _update_student(b, gate)
    user = _update_user(b, gate)
    changed = select(gate, manager.c.id.label("manager_id")).join_from(gate, manager, true())
    logged = changed.where(or_(exists(select(corrected.c.user_id)), exists(select(user.c.id)))).subquery("logged")
    log_step(
        b,
        "log_correction",
        logged,
        manager_id=logged.c.manager_id,
        action_type="user_corrected",
        details=_details(logged),
    )
    _report(b, student=student, manager=manager, gate=gate)


def _locked(b: StatementBuilder) -> CTE:
    """The student's row, locked, with all that a list shows of them."""
    row = tripwire_users.c
    return b.gate(
        "student",
        select(*row, b.at.label("at"))
        .join_from(b.settings, tripwire_users, row.user_id == USER_ID)
        .with_for_update(of=tripwire_users),
    )


def _gate(b: StatementBuilder, student: CTE, manager: CTE) -> CTE:
    """The student beside what is wanted of them, for a manager who may ask for it."""
    wanted = {
        "email": func.coalesce(param("email"), student.c.email),
        "full_name": func.coalesce(param("full_name"), student.c.full_name),
        "price": func.coalesce(param("price", sa.Numeric), student.c.price),
    }
    return b.gate(
        "gate",
        select(
            student.c.user_id,
            student.c.at,
            *(student.c[name].label(f"old_{name}") for name in wanted),
            *(value.label(name) for name, value in wanted.items()),
        )
        .join_from(student, manager, may_change(manager, student))
        .where(~_email_is_taken()),
    )


def _update_student(b: StatementBuilder, gate: CTE) -> CTE:
    return b.step(
        "update_student",
        update(tripwire_users)
        .where(
            tripwire_users.c.user_id == gate.c.user_id,
            or_(*(gate.c[name] != gate.c[f"old_{name}"] for name in ("email", "full_name", "price"))),
        )
        .values(email=gate.c.email, full_name=gate.c.full_name, price=gate.c.price)
        .returning(tripwire_users.c.user_id),
    )


def _update_user(b: StatementBuilder, gate: CTE) -> CTE:
    """Only what was asked for: where the other column has long been another, that is none of this call's."""
    asked = {name: func.coalesce(param(name), users.c[name]) for name in ("email", "full_name")}
    return b.step(
        "update_user",
        update(users)
        .where(
            users.c.id == gate.c.user_id,
            or_(*(_differs(users.c[name], value) for name, value in asked.items())),
        )
        .values(asked)
        .returning(users.c.id),
    )


def _differs(column: ColumnElement[Any], value: ColumnElement[Any]) -> ColumnElement[bool]:
    """IS DISTINCT FROM takes the operator that the search path finds: one for two types that only others have planted."""
    return or_(column != value, and_(column.is_(None), value.is_not(None)))


def _details(logged: sa.Subquery) -> ColumnElement[Any]:
    """The person as they are now, and of each field that was corrected what it was and what it is."""
    return details_of_person(logged).op("||")(details_of_changes(logged, "email", "full_name", "price"))


def _report(b: StatementBuilder, *, student: CTE, manager: CTE, gate: CTE) -> None:
    corrected = {name: func.coalesce(gate.c[name], student.c[name]) for name in ("email", "full_name", "price")}
    shown = {
        **{column.name: column for column in student.c if column.name not in {"granted_by", "updated_at", "at"}},
        "manager_id": student.c.granted_by,
        "last_seen_at": last_seen_at(student.c.user_id),
        **corrected,
    }
    b.report(
        select(
            student.c.user_id.label("student_id"),
            manager.c.role.label("manager_role"),
            may_change(manager, student).label("permitted"),
            _email_is_taken().label("email_is_taken"),
            *(value.label(name) for name, value in shown.items()),
        )
        .select_from(one_row())
        .outerjoin(student, true())
        .outerjoin(manager, true())
        .outerjoin(gate, true())
    )


def _find_correctable(b: StatementBuilder) -> None:
    manager = acting_manager_with_role(b)
    b.report(
        select(
            tripwire_users.c.user_id.label("student_id"),
            manager.c.role.label("manager_role"),
            may_change(manager, tripwire_users).label("permitted"),
            _email_is_taken().label("email_is_taken"),
            tripwire_users.c.email,
            tripwire_users.c.full_name,
        )
        .select_from(one_row())
        .outerjoin(tripwire_users, tripwire_users.c.user_id == USER_ID)
        .outerjoin(manager, true())
    )


def _find_account(b: StatementBuilder) -> None:
    b.report(select(tripwire_users.c.email, tripwire_users.c.full_name).where(tripwire_users.c.user_id == USER_ID))


_CORRECT = FlowStatement("correct_student", _correct, _decode)
_FIND_CORRECTABLE = FlowStatement("find_correctable", _find_correctable, _decode_correctable)
_FIND_ACCOUNT = FlowStatement("find_account", _find_account, _decode_account)
