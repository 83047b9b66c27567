"""Rules about what is not the project's own: other schemas, roles of the server, settings that stay. Told by pg_dump."""

import re
from collections.abc import Iterator, Mapping

from tripwire_db.postgres.catalog import ROLES
from tripwire_db.schema.check.dump import objects
from tripwire_db.schema.check.state import State
from tripwire_db.schema.project import Project

RULES = {
    "elsewhere": "A revision makes, changes and drops nothing outside of the project's schemas: nothing in auth, no schema, extension or "
    "foreign server.",
}

_OF_SERVER = (
    "EXTENSION",
    "FOREIGN DATA WRAPPER",
    "SERVER",
    "USER MAPPING",
    "SUBSCRIPTION",
    "PROCEDURAL LANGUAGE",
    "SCHEMA",
)
_OBJECT = re.compile(r"(?P<type>[A-Z ]+) (?P<schema>-|[^.]+)\.(?P<name>.+)")


def judge(before: State, after: State, project: Project) -> Iterator[tuple[str, str, str]]:
    """Yield `(rule, message, fragment)` for each thing that is wrong after a revision and was not before."""
    old, new = objects(before.dumped), objects(after.dumped)
    for one in sorted({*old, *new}):
        found = _OBJECT.fullmatch(one)
        if found is None or old.get(one) == new.get(one) or not _is_elsewhere(found, project):
            continue
        place = "" if found["schema"] == "-" else f" of schema {found['schema']}"
        told = f"{found['type'].lower()} {found['name']}{place} is {_done(one, old, new)}, which is none of the project's schemas"
        yield "elsewhere", told, found["name"].partition("(")[0].rpartition(" ")[2]
    for name in sorted({*before.roles, *after.roles} - {*ROLES}):
        if before.roles.get(name) != after.roles.get(name):
            done = _done(name, before.roles, after.roles)
            told = f"role {name} is {done}; it belongs to every database of the server: leave it as it is"
            yield "api-roles", told, name
    for setting in sorted(after.settings - before.settings):
        told = f"the setting `{setting}` stays after the revision: a database's settings are its owner's"
        yield "session-settings", told, setting.partition("=")[0].rpartition(" ")[2]


def _done(name: str, before: Mapping[str, str], after: Mapping[str, str]) -> str:
    return "made" if name not in before else "dropped" if name not in after else "changed"


def _is_elsewhere(found: re.Match[str], project: Project) -> bool:
    if found["schema"] == "-":
        return found["type"] in _OF_SERVER and found["name"] not in project.schemas
    return found["schema"] not in (*project.schemas, project.version_table_schema)
