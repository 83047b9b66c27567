"""What a change of the catalog means for whoever calls the API: told by revision, and shown by Supabase's generated types."""

import re
from collections.abc import Iterator

from tripwire_db.postgres.catalog import Catalog, Key, Object
from tripwire_db.schema.project import Project

_FOREIGN_KEY = re.compile(r"FOREIGN KEY \((?P<columns>.+?)\) REFERENCES (?P<table>\S+?)\((?P<referenced>.+?)\)")
_UNIQUE = re.compile(r"(?:UNIQUE|PRIMARY KEY)(?: NULLS NOT DISTINCT)? \((?P<columns>.+?)\)")


def api_notes(before: Catalog, after: Catalog, project: Project) -> Iterator[str]:
    """Yield what came, changed or went in the schema that the API shows.

    Tables and views, columns, relationships (foreign keys within the schema, which the API joins by), functions, types.

    Args:
        before: The catalog below the change.
        after: The one above it.
        project: Whose schema it is.

    Examples:
        >>> list(api_notes(before, after, COURSE))  # doctest: +SKIP
        ['column public.lessons.subtitle is added']
    """
    old, new = _shown(before, project), _shown(after, project)
    for key in sorted({*old, *new}, key=str):
        if _belongs_to_table_of(key, old if key not in old else new):
            continue  # told by the table already
        if key not in old:
            yield f"{key} is added"
        elif key not in new:
            yield f"{key} is removed"
        elif old[key] != new[key]:
            yield f"{key} is changed"


def _belongs_to_table_of(key: Key, catalog: dict[Key, tuple[object, ...]]) -> bool:
    """Whether it came or went with its table: the catalog without it has no such table."""
    return key.kind in ("column", "relationship") and Key("table", key.name.rpartition(".")[0]) not in catalog


def _shown(catalog: Catalog, project: Project) -> dict[Key, tuple[object, ...]]:
    shown: dict[Key, tuple[object, ...]] = {}
    within = f"{project.api_schema}."
    for key, item in catalog.items():
        if not key.name.startswith(within):
            continue
        if key.kind == "table":
            shown[key] = (item.attributes["kind"],)
        elif key.kind == "column":
            shown[key] = tuple(
                item.attributes[name] for name in ("type", "not_null", "default", "identity", "generated")
            )
        elif key.kind == "type":
            shown[key] = tuple(item.attributes[name] for name in ("kind", "labels", "fields", "base"))
        elif key.kind == "function" and not _is_trigger(item):
            head = (item.attributes["definition"] or "").partition("\nAS ")[0]
            shown[key] = (head.partition("\n LANGUAGE")[0],)
        elif (found := _foreign_key(item)) and found["table"].startswith(within):
            one_to_one = found["columns"] in _unique_columns(catalog, item.on_table)
            shown[Key("relationship", key.name)] = (*found.groups(), one_to_one)
    return shown


def _foreign_key(item: Object) -> re.Match[str] | None:
    return _FOREIGN_KEY.match(item.attributes["definition"] or "") if item.key.kind == "constraint" else None


def _unique_columns(catalog: Catalog, table: str | None) -> set[str]:
    """The columns that are unique together, constraint by constraint: such a foreign key is joined as one row, not many."""
    definitions = [
        item.attributes["definition"] or ""
        for key, item in catalog.items()
        if key.kind == "constraint" and item.on_table == table
    ]
    return {found["columns"] for definition in definitions if (found := _UNIQUE.match(definition))}


def _is_trigger(function: Object) -> bool:
    definition = function.attributes["definition"] or ""
    return "\n RETURNS trigger" in definition or "\n RETURNS event_trigger" in definition
