"""Giving students to another seller, as where a manager leaves."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import CTE, ColumnElement, func, literal, literal_column, or_, select, true, update
from sqlalchemy.dialects.postgresql import ARRAY

from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder, param
from tripwire_db.errors import InvalidInput, NotFound, Refused
from tripwire_db.flows.shared.activity import log_step
from tripwire_db.flows.shared.context import FlowContext, details_of_person
from tripwire_db.flows.shared.permission import acting_manager_with_role, require_admin
from tripwire_db.results import Reassignment
from tripwire_db.tables import SELLER_ROLES, tripwire_users, users
from tripwire_db.validation import parse_uuid, parse_uuids


def reassign_students(
    context: FlowContext,
    *,
    from_manager_id: UUID | str,
    to_manager_id: UUID | str,
    manager_id: UUID | str,
    user_ids: Sequence[UUID | str] | None = None,
) -> Flow[Reassignment]:
    """Give a seller's students to another seller, all or those named; one row of the log for each.

    Those who are the new seller's already stay, unlogged. Rows are locked in the order of their ids, so two of these at
    once wait for each other and end in no deadlock.
    """
    seller, successor = parse_uuid("from_manager_id", from_manager_id), parse_uuid("to_manager_id", to_manager_id)
    if seller == successor:
        raise InvalidInput("to_manager_id must be another manager than from_manager_id", argument="to_manager_id")
    return _REASSIGN.flow(
        from_manager_id=seller,
        to_manager_id=successor,
        manager_id=parse_uuid("manager_id", manager_id),
        user_ids=None if user_ids is None else parse_uuids("user_ids", user_ids),
        at=context.now(),
    )


def _decode(rows: Sequence[Row], asked: Parameters) -> Reassignment:
    found = rows[0]
    require_admin(found, asked)
    if not found.from_is_known:
        raise NotFound("manager", asked["from_manager_id"])
    if not found.to_is_seller:
        raise NotFound("manager", asked["to_manager_id"], "students go to a user who is sales_manager or admin")
    if found.unknown_id is not None:
        raise NotFound("student", found.unknown_id)
    if found.foreign_id is not None:
        raise Refused(
            f"student {found.foreign_id} is not manager {asked['from_manager_id']}'s, so nobody was reassigned: leave "
            "them out, or name the manager who sold them"
        )
    return Reassignment(
        from_manager_id=asked["from_manager_id"],
        to_manager_id=asked["to_manager_id"],
        user_ids=tuple(found.reassigned),
    )


def _reassign(b: StatementBuilder) -> None:
    manager = acting_manager_with_role(b)
    successor = b.gate(
        "successor",
        select(users.c.id, users.c.full_name).where(
            users.c.id == param("to_manager_id", sa.UUID), users.c.role.in_(SELLER_ROLES)
        ),
    )
    named = _named(b)
    students = _locked(b, manager, successor, named)
    reassigned = b.step(
        "update_students",
        update(tripwire_users)
        .where(tripwire_users.c.user_id == students.c.user_id)
        .values(granted_by=students.c.to_manager_id, manager_name=students.c.to_manager_name)
        .returning(tripwire_users.c.user_id),
    )
    logged = (
        select(students).join_from(students, reassigned, reassigned.c.user_id == students.c.user_id).subquery("logged")
    )
    log_step(
        b,
        "log_reassignments",
        logged,
        manager_id=logged.c.manager_id,
        action_type="user_reassigned",
        details=details_of_person(
            logged,
            **{name: logged.c[name] for name in ("from_manager_id", "from_manager_name")},
            **{name: logged.c[name] for name in ("to_manager_id", "to_manager_name")},
        ),
    )
    _report(b, manager=manager, successor=successor, named=named, reassigned=reassigned)


def _named(b: StatementBuilder) -> CTE:
    """Of the students who are named: the first whom nobody knows, and the first who is neither the one's nor the other's."""
    named = (
        func.unnest(param("user_ids", ARRAY(sa.UUID)))
        .table_valued(sa.column("id", sa.UUID))
        .render_derived(name="named")
    )
    sellers = (param("from_manager_id", sa.UUID), param("to_manager_id", sa.UUID))
    is_foreign = func.coalesce(~tripwire_users.c.granted_by.in_(sellers), true())

    def first(condition: ColumnElement[bool]) -> ColumnElement[str]:
        return func.min(sa.cast(named.c.id, sa.Text)).filter(condition)

    known = tripwire_users.c.user_id.is_not(None)
    return b.gate(
        "named",
        select(first(~known).label("unknown_id"), first(sa.and_(known, is_foreign)).label("foreign_id")).select_from(
            named.outerjoin(tripwire_users, tripwire_users.c.user_id == named.c.id)
        ),
    )


def _locked(b: StatementBuilder, manager: CTE, successor: CTE, named: CTE) -> CTE:
    """The students to reassign, locked; nobody where an admin does not ask for it or somebody who is named is in the way."""
    student, user_ids = tripwire_users.c, param("user_ids", ARRAY(sa.UUID))
    return b.gate(
        "students",
        select(
            student.user_id,
            student.email,
            student.full_name,
            student.granted_by.label("from_manager_id"),
            student.manager_name.label("from_manager_name"),
            successor.c.id.label("to_manager_id"),
            successor.c.full_name.label("to_manager_name"),
            manager.c.id.label("manager_id"),
            b.at.label("at"),
        )
        .join_from(b.settings, tripwire_users, student.granted_by == param("from_manager_id", sa.UUID))
        .join(manager, manager.c.role == literal("admin"))
        .join(successor, true())
        .join(named, sa.and_(named.c.unknown_id.is_(None), named.c.foreign_id.is_(None)))
        .where(or_(user_ids.is_(None), student.user_id == sa.any_(user_ids)))
        .order_by(student.user_id)
        .with_for_update(of=tripwire_users),
    )


def _report(b: StatementBuilder, *, manager: CTE, successor: CTE, named: CTE, reassigned: CTE) -> None:
    seller = param("from_manager_id", sa.UUID)
    from_is_known = or_(
        select(users.c.id).where(users.c.id == seller).exists(),
        select(tripwire_users.c.id).where(tripwire_users.c.granted_by == seller).exists(),
    )
    ids = select(func.array_agg(reassigned.c.user_id, type_=ARRAY(sa.UUID))).scalar_subquery()
    nobody = literal_column("'{}'::uuid[]", ARRAY(sa.UUID))
    b.report(
        select(
            manager.c.role.label("manager_role"),
            from_is_known.label("from_is_known"),
            successor.c.id.is_not(None).label("to_is_seller"),
            named.c.unknown_id,
            named.c.foreign_id,
            func.coalesce(ids, nobody).label("reassigned"),
        )
        .select_from(named)
        .outerjoin(manager, true())
        .outerjoin(successor, true())
    )


_REASSIGN = FlowStatement("reassign_students", _reassign, _decode)
