"""Compares the models with a database, for `alembic check` and `alembic revision --autogenerate`."""

import re
from typing import Any

from alembic.util import CommandError

SCHEMA = "public"
SEARCH_PATH = "SET search_path = pg_catalog"
"""The models name their schema. So that what is read from the server does too, none of ours may be on the path."""

_NOISE = re.compile(r"::text|[()\s]")


def options() -> dict[str, Any]:
    """Give what `configure()` needs; the only place that knows the package, since only it has the models.

    Raises:
        CommandError: The package is not installed.
    """
    try:
        from tripwire_db.tables import metadata
    except ModuleNotFoundError as error:
        raise CommandError(
            f"Comparing needs the models of the package tripwire_db, which is not installed here ({error})."
        ) from error
    return {
        "target_metadata": metadata,
        "include_schemas": True,
        "include_name": lambda name, kind, _parents: kind != "schema" or name == SCHEMA,
        "include_object": _ours,
        "compare_server_default": _differs,
    }


def _ours(_object: Any, _name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave alone the tables that others keep in the same schema."""
    return not (kind == "table" and reflected and compare_to is None)


def _differs(
    _context: Any, _found: Any, _column: Any, found: str | None, _default: Any, wanted: str | None
) -> bool | None:
    """Compare defaults as text; None lets the server compare values, which a random or counting one must never be."""
    if _NOISE.sub("", found or "") == _NOISE.sub("", wanted or ""):
        return False
    return True if re.search(r"nextval|random|now\(|clock_timestamp", f"{found} {wanted}") else None
