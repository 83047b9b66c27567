"""Compares the models with a database, for `alembic check` and `alembic revision --autogenerate`."""

import re
from collections.abc import Callable
from typing import Any

from alembic.util import CommandError
from sqlalchemy import MetaData

from tripwire_db.schema.project import Project

_SEARCH_PATH = "SET search_path = pg_catalog"

_NOISE = re.compile(r"::text|[()\s]")


def options(project: Project, *, compares: bool) -> dict[str, Any]:
    """Give what `configure()` needs of the models.

    Args:
        project: Whose they are.
        compares: Whether the command compares them; else those that are only named are not imported.

    Raises:
        CommandError: They cannot be imported.
    """
    if project.metadata is None or (isinstance(project.metadata, str) and not compares):
        return {}
    try:
        found: dict[str, Any] = {"target_metadata": project.models()}
    except (ImportError, AttributeError) as error:
        raise CommandError(
            f"Comparing needs the models of {project.metadata}, which are not here ({error})."
        ) from error
    if not project.compared_schemas:
        return found
    return found | {
        "include_schemas": True,
        "include_name": _within(project.compared_schemas),
        "include_object": _ours,
        "compare_server_default": _differs,
    }


def search_path(project: Project) -> str | None:
    """The statement that has the server name schemas as the models do; None where they leave them out.

    Foreign keys are compared by names: what is on the path is read without its schema, and would never be what
    models say that name it.
    """
    if project.compared_schemas:
        return _SEARCH_PATH
    found = project.models() if project.configure.get("include_schemas") else None
    every = [found] if isinstance(found, MetaData) else list(found or ())
    tables = [table for metadata in every for table in metadata.tables.values()]
    return _SEARCH_PATH if tables and all(table.schema for table in tables) else None


def _within(schemas: tuple[str, ...]) -> Callable[[str | None, str, Any], bool]:
    return lambda name, kind, _parents: kind != "schema" or name in schemas


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
