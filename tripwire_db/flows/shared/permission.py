"""Who may change a student's account: whoever sold them, or an admin."""

from typing import Any

from sqlalchemy import CTE, UUID, ColumnElement, or_, select

from tripwire_db.engine.statement import Parameters, Row, StatementBuilder, param
from tripwire_db.errors import NotFound, Refused
from tripwire_db.tables import users


def acting_manager_with_role(b: StatementBuilder) -> CTE:
    """Whoever is said to act, with their role: a user of any role but student."""
    return b.gate(
        "manager",
        select(users.c.id, users.c.role).where(users.c.id == param("manager_id", UUID), users.c.role != "student"),
    )


def may_change(manager: CTE, student: Any) -> ColumnElement[bool]:
    """Whether this manager may change this student's account."""
    return or_(manager.c.role == "admin", student.c.granted_by == manager.c.id)


def require_may_change(row: Row, asked: Parameters) -> None:
    """Read `student_id`, `manager_role` and `permitted` from a report.

    Raises:
        NotFound: no such student or manager.
        Refused: the manager is neither an admin nor whoever sold the student.
    """
    if row.student_id is None:
        raise NotFound("student", asked["user_id"])
    if row.manager_role is None:
        raise NotFound("manager", asked["manager_id"])
    if not row.permitted:
        raise Refused(
            f"manager {asked['manager_id']} neither sold student {asked['user_id']} nor is an admin, so nothing was "
            "changed: ask whoever sold the student, or an admin"
        )


def require_admin(row: Row, asked: Parameters) -> None:
    """Read `manager_role` from a report.

    Raises:
        NotFound: no such manager.
        Refused: the manager is no admin.
    """
    if row.manager_role is None:
        raise NotFound("manager", asked["manager_id"])
    if row.manager_role != "admin":
        raise Refused(f"manager {asked['manager_id']} is no admin, so nothing was changed: ask an admin")
