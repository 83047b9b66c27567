"""What the chain makes, written down beside it: functions, policies and grants too, which no model describes.

    alembic/structure.sql      object by object, as pg_dump has it, at the revision that its first line names

`scripts/structure` writes it, so that a review sees what a revision comes to; `check` holds the chain to it. Any project
may keep such a file; where there is none, nothing is said.
"""

from collections.abc import Iterator
from pathlib import Path

from tripwire_db.schema.check.dump import difference, objects
from tripwire_db.schema.check.run import Told, cut_short
from tripwire_db.schema.project import Project

RULES = {"structure": "The chain makes what structure.sql says: functions, policies, grants and comments too."}

FILE = "structure.sql"
_FIRST_LINE = "-- Revision: "
_TITLE = "\n\n-- "
_END = "\n-- PostgreSQL database dump complete"


def written(revision: str, dumped: str, project: Project) -> str:
    """The text of the file.

    Args:
        revision: that the database is at.
        dumped: the database, by pg_dump.
        project: whose schemas are written down.
    """
    made = _of_project(dumped, project)
    return f"{_FIRST_LINE}{revision}" + "".join(f"{_TITLE}{name}\n{made[name]}" for name in sorted(made)) + "\n"


def revision_of(folder: Path) -> str | None:
    """The revision at which a chain's file was written; None where there is no file."""
    path = folder / FILE
    if not path.is_file():
        return None
    return path.read_text(encoding="utf-8").partition("\n")[0].removeprefix(_FIRST_LINE)


def judge(folder: Path, revision: str, dumped: str, project: Project) -> Iterator[Told]:
    """Yield what differs from the file, where it was written at this revision."""
    if revision_of(folder) != revision:
        return
    said, made = _read(folder), _of_project(dumped, project)
    for name in sorted(said.keys() | made.keys()):
        if changed := difference(said.get(name, ""), made.get(name, "")):
            message = f"{name} is not what {FILE} says; if it is meant, write the file anew:\n{cut_short(changed)}"
            yield "structure", message, name.rpartition(".")[2].partition("(")[0]


def _read(folder: Path) -> dict[str, str]:
    _, *parts = (folder / FILE).read_text(encoding="utf-8").removesuffix("\n").split(_TITLE)
    return {name: text for name, _, text in (part.partition("\n") for part in parts)}


def _of_project(dumped: str, project: Project) -> dict[str, str]:
    """The objects in a project's schemas, with those schemas and the event triggers, which stand in none."""
    found = {}
    for name, text in objects(dumped).items():
        kind, _, named = name.partition(" -.")
        schema = named.rpartition(" ")[2] if named else name.partition(".")[0].rpartition(" ")[2]
        if schema in project.schemas or kind.endswith("EVENT TRIGGER"):
            said = text.partition(_END)[0].rstrip().replace(_TITLE, "\n-- ")
            found[name] = "\n".join(line.rstrip() for line in said.splitlines())
    return found
