"""A project described by the table `[tool.tripwire-db]` of its pyproject.toml."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tripwire_db.errors import InvalidInput
from tripwire_db.schema.project import Accepted, Project

_KEYS = (
    "accept",
    "beside_models",
    "folder",
    "metadata",
    "rules",
    "schemas",
    "version_table",
    "version_table_schema",
)


@dataclass(frozen=True, slots=True)
class Described:
    """A project, and the folder of its pyproject.toml, from which its modules are imported."""

    project: Project
    root: Path


def described(
    start: Path | None = None, *, rules: frozenset[str], house: frozenset[str] = frozenset()
) -> Described | None:
    """Read the nearest pyproject.toml, from a folder upwards; None where it has no table of ours.

    Args:
        start: The folder to begin with; by default the present one.
        rules: Those that there are.
        house: Those of them that are asked only where the table switches them on.

    Raises:
        InvalidInput: The table cannot be right; the message names the key, and what it may hold.
    """
    folder = (start or Path.cwd()).resolve()
    for root in (folder, *folder.parents):
        path = root / "pyproject.toml"
        if path.is_file():
            try:
                table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("tripwire-db")
            except tomllib.TOMLDecodeError as error:
                raise InvalidInput(f"{path} is no TOML: {error}") from None
            return None if table is None else Described(_project(table, path, rules, house), root)
    return None


def _project(table: Mapping[str, Any], path: Path, rules: frozenset[str], house: frozenset[str]) -> Project:
    where = f"{path}, [tool.tripwire-db]"
    if unknown := sorted(set(table) - set(_KEYS)):
        raise InvalidInput(f"{where}: {unknown[0]} is not known; there are {', '.join(_KEYS)}")
    folder = path.parent / _text(table, "folder", where, "alembic")
    if not (folder / "env.py").is_file():
        raise InvalidInput(f"{where}: folder: there is no env.py in {folder}")
    metadata = _text(table, "metadata", where, None)
    if metadata is not None and ":" not in metadata:
        raise InvalidInput(f"{where}: metadata: write it as module:name, as in shop.models:metadata")
    schema = _text(table, "version_table_schema", where, None)
    schemas = _texts(table, "schemas", where, ("public",))
    rules_off = _rules_off(table.get("rules", {}), where, rules, house)
    return Project(
        folder=lambda: folder,
        metadata=metadata,
        version_table=_text(table, "version_table", where, "alembic_version"),
        version_table_schema=schema,
        schemas=tuple(dict.fromkeys([*schemas, *([schema] if schema else [])])),
        home_schema=schemas[0],
        model_schemas=schemas,
        beside_models=_texts(table, "beside_models", where, ()),
        timed_revisions="name" not in rules_off,
        rules_off=rules_off,
        accepted=tuple(_accepted(entry, where, rules) for entry in table.get("accept", [])),
    )


def _rules_off(given: Any, where: str, rules: frozenset[str], house: frozenset[str]) -> frozenset[str]:
    if not isinstance(given, Mapping) or not all(value in (True, False) for value in given.values()):
        raise InvalidInput(f'{where}: rules: write "name = false" for a rule that is not to be asked, or "name = true"')
    for name in given:
        _known(name, where, rules)
    return frozenset(name for name in {*given, *house} if not given.get(name, name not in house))


def _accepted(entry: Any, where: str, rules: frozenset[str]) -> Accepted:
    keys = ("rule", "revision", "reason")
    if not isinstance(entry, Mapping) or set(entry) != set(keys) or not all(str(entry[key]).strip() for key in keys):
        raise InvalidInput(f"{where}: accept: each has a rule, a revision and a reason")
    return Accepted(rule=_known(entry["rule"], where, rules), revision=entry["revision"], reason=entry["reason"])


def _known(rule: str, where: str, rules: frozenset[str]) -> str:
    if rule not in rules and not rule.startswith("squawk:"):
        raise InvalidInput(f"{where}: there is no rule {rule}; `tripwire-db check --json` lists them")
    return rule


def _texts(table: Mapping[str, Any], key: str, where: str, default: tuple[str, ...]) -> tuple[str, ...]:
    value = table.get(key, default)
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise InvalidInput(f'{where}: {key}: is a list of texts, as in {key} = ["public"]')
    return tuple(value) or default


def _text(table: Mapping[str, Any], key: str, where: str, default: Any) -> Any:
    value = table.get(key, default)
    if value is not None and not isinstance(value, str):
        raise InvalidInput(f'{where}: {key}: is text, as in {key} = "alembic"')
    return value
