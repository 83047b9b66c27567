"""Reads and writes the files of releases: `<folder of the chain>/releases/<version>.json`."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tripwire_db.errors import InvalidInput
from tripwire_db.schema.releases.release import Answer, Call, Column, Release, Scene, Statement, order_of

FOLDER = "releases"


def read_releases(chain: Path) -> tuple[Release, ...]:
    """Read every release of a chain, oldest first; none where it has no folder of them.

    Raises:
        InvalidInput: a file is none of a release.
    """
    found = [_read(path) for path in (chain / FOLDER).glob("*.json")]
    return tuple(sorted(found, key=lambda release: order_of(release.version)))


def write_release(chain: Path, release: Release) -> Path:
    """Write a release into the chain's folder, and give the file.

    Raises:
        FileExistsError: There is one of this version: a release is frozen once.
    """
    path = chain / FOLDER / f"{release.version}.json"
    path.parent.mkdir(exist_ok=True)
    statements = {call.statement.name: call.statement for scene in release.scenes for call in scene}
    document = {
        "version": release.version,
        "revision": release.revision,
        "statements": {
            name: {"source": statement.source, "sql": statement.sql} for name, statement in sorted(statements.items())
        },
        "scenes": [[_call(call) for call in scene] for scene in release.scenes],
    }
    with path.open("x", encoding="ascii") as file:
        file.write(json.dumps(document, indent=1) + "\n")
    return path


def _call(call: Call) -> dict[str, Any]:
    document: dict[str, Any] = {"statement": call.statement.name, "parameters": call.parameters}
    if call.answer is not None:
        columns = [[column.name, column.type, column.values] for column in call.answer.columns]
        document["answer"] = {"rows": call.answer.rows, "columns": columns}
    return document


def _read(path: Path) -> Release:
    try:
        document = json.loads(path.read_text(encoding="ascii"))
        statements = {
            name: Statement(name, found["source"], found["sql"]) for name, found in document["statements"].items()
        }
        scenes = tuple(_scene(calls, statements) for calls in document["scenes"])
        release = Release(document["version"], document["revision"], scenes)
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{path} is no file of a release: {error!r}; take it from git again") from None
    if path.stem != release.version:
        raise InvalidInput(f"{path} is the file of release {release.version}: name it {release.version}.json")
    return release


def _scene(calls: Iterable[dict[str, Any]], statements: dict[str, Statement]) -> Scene:
    return tuple(
        Call(statements[call["statement"]], tuple(call["parameters"]), _answer(call.get("answer"))) for call in calls
    )


def _answer(found: dict[str, Any] | None) -> Answer | None:
    if found is None:
        return None
    columns = (
        Column(name, type_, None if values is None else tuple(values)) for name, type_, values in found["columns"]
    )
    return Answer(found["rows"], tuple(columns))
