"""The activity log: how a flow writes a row of it, and how one is read back."""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import CTE, ColumnElement, FromClause, case, func, literal

from tripwire_db.engine.statement import Row, StatementBuilder, into
from tripwire_db.results import Activity
from tripwire_db.tables import sales_activity_log


def log_step(
    b: StatementBuilder,
    name: str,
    about: FromClause,
    *,
    manager_id: ColumnElement[Any] | None,
    action_type: str | ColumnElement[Any],
    details: ColumnElement[Any],
    activity_id: ColumnElement[Any] | None = None,
    returning: Sequence[ColumnElement[Any]] = (sales_activity_log.c.id,),
) -> CTE:
    """Log an action about each row of `about` (user_id, at); no manager stands for the system.

    With an id that a row of the log has already, nothing is written. What is written comes back as `returning`.
    """
    given = {"id": activity_id, "manager_id": manager_id}
    row = into(
        sales_activity_log,
        about,
        **{column: value for column, value in given.items() if value is not None},
        action_type=literal(action_type) if isinstance(action_type, str) else action_type,
        target_user_id=about.c.user_id,
        details=details,
        created_at=about.c.at,
    )
    if activity_id is not None:
        row = row.on_conflict_do_nothing(index_elements=[sales_activity_log.c.id])
    return b.step(name, row.returning(*returning))


def details_of_changes(about: FromClause, *names: str, **more: ColumnElement[Any]) -> ColumnElement[Any]:
    """Of each field that was changed what it was (`old_<name>`) and what it is (`new_<name>`), beside what else is told.

    Args:
        about: has both columns of each name, `old_<name>` and `<name>`.
        names: the fields.
        more: what stands before them.
    """
    told: dict[str, ColumnElement[Any]] = {**more}
    for name in names:
        old, new = about.c[f"old_{name}"], about.c[name]
        told |= {f"old_{name}": case((old != new, old)), f"new_{name}": case((old != new, new))}
    parts = (part for name, value in told.items() for part in (literal(name), value))
    return func.jsonb_strip_nulls(func.jsonb_build_object(*parts))


def jsonb(value: Any) -> Jsonb:
    """A value as psycopg sends it to a JSONB parameter."""
    return Jsonb(value)


def activity_of(row: Row) -> Activity:
    """An `Activity` of a row with the log's columns; e-mail and name are those in its details."""
    details = row.details if isinstance(row.details, Mapping) else {}
    return Activity(
        id=row.id,
        manager_id=row.manager_id,
        action_type=row.action_type,
        target_user_id=row.target_user_id,
        target_user_email=details.get("email"),
        target_user_name=details.get("full_name"),
        details=row.details,
        created_at=row.created_at,
    )
