"""From which revision to which, and what runs on the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from tripwire_db import migrations
from tripwire_db.errors import InvalidInput, Refused

if TYPE_CHECKING:
    from alembic.script import Script


@dataclass(frozen=True, slots=True)
class Route:
    """The revisions between two, in the order in which they run.

    Attributes:
        before: where the database is; None for base.
        after: where it would be; None for base.
        modules: of the revisions that run.
        down: whether they are taken back.
    """

    before: str | None
    after: str | None
    modules: tuple[ModuleType, ...]
    down: bool


def find_route(before: str | None, to: str) -> Route:
    """Find the way from a revision to another.

    Args:
        before: the database's revision; None for none.
        to: an id or its beginning, `head`, `base`, or a step such as `+1` or `-1`.

    Raises:
        InvalidInput: there is no such revision, or the chain ends before it.
        Refused: the database is at a revision that this package does not know, or the chain has several heads.
    """
    chain = _chain()
    ids: list[str | None] = [None, *(script.revision for script in chain)]
    if before not in ids:
        raise Refused(f"the database is at revision {before}, which this version of tripwire-db does not know")
    start, end = ids.index(before), _position(ids, ids.index(before), to)
    between: Sequence[Script] = chain[min(start, end) : max(start, end)]
    down = end < start
    return Route(
        before, ids[end], tuple(script.module for script in (reversed(between) if down else between)), down=down
    )


def _chain() -> "list[Script]":
    from alembic.script import ScriptDirectory

    directory = ScriptDirectory.from_config(migrations.config())
    if len(directory.get_heads()) > 1:
        raise Refused("the chain has several heads: rebase one on the other first")
    return list(reversed(list(directory.walk_revisions())))


def _position(ids: list[str | None], start: int, to: str) -> int:
    if to[:1] in ("+", "-") and to[1:].isdigit():
        position = start + int(to)
    elif to in ("head", "heads", "base"):
        position = 0 if to == "base" else len(ids) - 1
    else:
        found = [place for place, known in enumerate(ids) if known is not None and to and known.startswith(to)]
        position = found[0] if len(found) == 1 else -1
    if not 0 <= position < len(ids):
        raise InvalidInput(
            f"there is no revision {to!r}: give head, base, a step such as +1 or -1, or an id that "
            "`tripwire-db status` or `alembic history` shows"
        )
    return position
