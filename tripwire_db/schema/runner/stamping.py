"""What a stamp makes of a version table that holds several revisions of one line, which Alembic's own stamp leaves there."""

from collections.abc import Callable, Iterable
from typing import Any

from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError


def stamp_of(environment: EnvironmentContext, rows: frozenset[str]) -> Callable[..., Iterable[Any]]:
    """Give the function of a stamp; where rows lie before or behind its target, all are written anew.

    Rows of other branches stay.

    Args:
        environment: Of the command, before `configure()`.
        rows: What the version table holds.
    """
    plain: Callable[..., Iterable[Any]] = environment.context_opts["fn"]
    script = environment.script
    try:
        targets = {target.revision for target in script.get_revisions(environment.context_opts["destination_rev"])}
        lines = {revision: _line(script, revision) for revision in rows | targets}
    except CommandError:
        return plain  # says it better itself
    elsewhere = {row for row in rows if not any(row in lines[target] or target in lines[row] for target in targets)}
    if len(rows) < 2 or not targets or rows == targets | elsewhere:
        return plain
    environment.context_opts["purge"] = True
    return lambda heads, _context: script._stamp_revs(tuple(sorted(targets | elsewhere)), heads)  # noqa: SLF001 - stamp's own


def _line(script: ScriptDirectory, revision: str) -> set[str]:
    """A revision and all that it stands on."""
    return {step.revision for step in script.iterate_revisions(revision, "base")}
