"""How a row of the activity log is read back."""

from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb

from tripwire_db.engine.statement import Row
from tripwire_db.results import Activity


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
