"""The revisions of one command: resolved once, timed, and taken up again where a try ended."""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Connection

from tripwire_db.schema.runner.errors import MigrationError


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did.

    Attributes:
        before: The revision the database was at, or None; several, of branches, stand one after another.
        after: The revision it is at now, or None.
        revisions: Each revision that was applied or taken back, with its seconds.
        seconds: The time of the whole command, waiting included.
        waited: The seconds of it that another deployer was waited for.
        notified: Whether PostgREST was told by us, since no event trigger does it.
    """

    before: str | None
    after: str | None
    revisions: tuple[tuple[str, float], ...]
    seconds: float
    waited: float
    notified: bool


class Tries:
    """Counts how often each revision has failed in a row."""

    def __init__(self) -> None:
        """Begin with none."""
        self._failing: Any = None
        self._count = 0

    def failed(self, step: Any) -> int:
        """Count one more failure of a revision; gives how many it has now."""
        self._count = self._count + 1 if step is self._failing else 1
        self._failing = step
        return self._count


class Observer(Protocol):
    """Who wants to know about steps: the report, the watcher."""

    def planned(self, total: int) -> None:
        """Called once, with the number of revisions."""

    def started(self, name: str, title: str) -> None:
        """Called before a revision runs."""

    def finished(self, name: str, title: str, seconds: float) -> None:
        """Called when a revision is committed."""


class Tracer(Protocol):
    """Who looks at every statement; see `tripwire_db.schema.tracing`."""

    def follow(self, connection: Connection) -> None:
        """Called once, before any revision, with the connection that all of them use."""

    def wrap(self, step: Any) -> None:
        """Called for each revision, before any runs; it may replace `step.migration_fn`."""


class Steps:
    """Stands between Alembic and the function of the command that says which revisions to run.

    Relative targets ("+2") mean something else after a failed try than before it, so the function is asked once. A
    later try goes on after the revisions that are committed, by what the version table says.
    """

    def __init__(self, resolve: Callable[..., Iterable[Any]], observers: Sequence[Observer]) -> None:
        """Take the function of the command, and those to be told.

        Before any runs, `approve` gets all steps once, and may refuse them; then `prepare` gets each. `settle` gets each
        once it is committed.
        """
        self.before: frozenset[str] = frozenset()
        self.finished: list[tuple[str, float]] = []
        self.current: Any = None
        self.approve: Callable[[Sequence[Any]], None] = lambda _steps: None
        self.prepare: Callable[[Any, str], None] = lambda _step, _name: None
        self.settle: Callable[[Any, str], None] = lambda _step, _name: None
        self._resolve = resolve
        self._observers = observers
        self._steps: list[Any] | None = None
        self._heads: list[frozenset[str]] = []  # the version table after so many steps; filled as they run
        self._done = 0

    @property
    def total(self) -> int:
        """How many revisions the command has; 0 before it was asked."""
        return len(self._steps or ())

    @property
    def expected(self) -> frozenset[str]:
        """What the version table should hold now."""
        return self._heads[self._done] if self._heads else frozenset()

    @property
    def name(self) -> str:
        """The revision at work, for messages."""
        return name_of(self.current)

    def __call__(self, heads: tuple[str, ...], context: MigrationContext) -> Iterator[Any]:
        """Yield the revisions that are still to run; Alembic commits each before it asks for the next."""
        if self._steps is None:
            self._steps = list(self._resolve(heads, context))
            self.before = frozenset(heads)
            self._heads = [self.before]
            self.approve(self._steps)
            for step in self._steps:
                self.prepare(step, name_of(step))
            for observer in self._observers:
                observer.planned(len(self._steps))
        else:
            self._resume(frozenset(heads))
        for step in self._steps[self._done :]:
            self.current = step
            name, title = name_of(step), title_of(step)
            for observer in self._observers:
                observer.started(name, title)
            start = time.perf_counter()
            yield step
            self._finish(name, title, time.perf_counter() - start)
            self.settle(step, name)

    def applied(self, *, heads: Iterable[str], **_: Any) -> None:
        """Note what the version table will hold once the revision at work is committed (`on_version_apply`)."""
        del self._heads[self._done + 1 :]
        self._heads.append(frozenset(heads))

    def _finish(self, name: str, title: str, seconds: float) -> None:
        self._done += 1
        self.current = None
        self.finished.append((name, seconds))
        for observer in self._observers:
            observer.finished(name, title, seconds)

    def _resume(self, heads: frozenset[str]) -> None:
        """Go on where the version table stands; a commit whose answer was lost counts."""
        if heads == self._heads[self._done]:
            return
        if len(self._heads) > self._done + 1 and heads == self._heads[self._done + 1]:
            self._finish(name_of(self.current), title_of(self.current), 0.0)
            return
        raise MigrationError(
            f"The version table says {spell_heads(heads)} and not {spell_heads(self._heads[self._done])} any more: "
            "somebody else has changed it. Run the command again once nobody else does."
        )


def hooks(options: Mapping[str, Any], *ours: Callable[..., Any]) -> dict[str, Any]:
    """Give `on_version_apply` with our hooks before those of the project."""
    theirs = options.get("on_version_apply", ())
    return {"on_version_apply": (*ours, *((theirs,) if callable(theirs) else theirs))}


def name_of(step: Any) -> str:
    """Name a step: "upgrade 20261101090000"."""
    revision = getattr(step, "revision", None)
    if revision is None:
        return "stamp " + (", ".join(getattr(step, "to_revisions_no_deps", ())) or "base")
    return f"{'upgrade' if step.is_upgrade else 'downgrade'} {revision.revision}"


def title_of(step: Any) -> str:
    """What a revision is for: the slug of its file, and the first line of its docstring without the full stop."""
    title = str(getattr(step, "doc", None) or "").strip().rstrip(".")
    revision = getattr(step, "revision", None)
    slug = "" if revision is None else Path(revision.path).stem.partition(f"{revision.revision}_")[2]
    words = re.sub(r"\W+", "_", title.lower()).strip("_")
    return title if not slug or slug == words else f"{slug}: {title}"


def spell_heads(heads: Iterable[str]) -> str:
    """Write what a version table holds."""
    return ", ".join(sorted(heads)) or "base (no revision)"


def at(heads: Iterable[str]) -> str | None:
    """The revision a version table holds, or None; several, of a chain with branches, are listed."""
    return ", ".join(sorted(heads)) or None
