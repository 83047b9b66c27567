"""The chain as a check sees it: revisions, their sources, the SQL that they come to, and where each line of it stands."""

import ast
import io
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tripwire_db import migrations
from tripwire_db.schema.project import COURSE, Project
from tripwire_db.schema.runner import run

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import Script, ScriptDirectory

    from tripwire_db.schema.tracing import Tracer

_PATIENCE_MS = 60_000
_PYTHON = ("def ", "revision", "down_revision", "BREAKS")
_FILE_NAME = re.compile(r"\d{14}_[a-z0-9_]+\.py")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of SQL in a file: a whole SQL file's, or one of a string in a revision that is no docstring."""

    path: Path
    number: int
    text: str


class Revision:
    """One revision: its script, and every line of SQL that it brings."""

    def __init__(self, script: "Script", sql_folder: Path) -> None:
        self.script = script
        self.id: str = script.revision
        self.parents: tuple[str, ...] = tuple(sorted(script._all_down_revisions))  # noqa: SLF001 - depends_on counts
        self.path = Path(script.path)
        self._sql_folder = sql_folder

    @cached_property
    def _strings(self) -> tuple[tuple[int, str], ...]:
        """Where each string in the revision's file begins, and what it says; docstrings left out."""
        tree = ast.parse(self.path.read_text(encoding="utf-8"))
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings)
        return tuple((node.lineno, node.value) for node in constants if isinstance(node.value, str))

    @cached_property
    def sql_files(self) -> tuple[Path, ...]:
        """The files of `sql/` that the revision names."""
        names = {text for _, text in self._strings if re.fullmatch(r"\w+", text)}
        return tuple(sorted(path for name in names if (path := self._sql_folder / f"{name}.sql").is_file()))

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """Every line of SQL, the revision's own file first."""
        own = [
            Line(self.path, number, text)
            for begin, string in self._strings
            for number, text in enumerate(string.splitlines(), start=begin)
        ]
        files = [
            Line(path, number, text)
            for path in self.sql_files
            for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        ]
        return (*own, *files)

    @property
    def declares_losses(self) -> bool:
        """Whether the revision says what its downgrade, or its upgrade, loses."""
        return bool(self.losses)

    @property
    def losses(self) -> tuple[Any, ...]:
        """The losses themselves, each with `what` and `rows`."""
        return tuple(getattr(self.script.module, "LOSSES", ()))

    @property
    def reasons(self) -> dict[str, str]:
        """Rules that the revision breaks on purpose, each with the reason: its `LINT` attribute."""
        return dict(getattr(self.script.module, "LINT", {}))

    @property
    def breaks(self) -> dict[str, str]:
        """Releases that the revision breaks on purpose, each with why and when it is safe: its `BREAKS` attribute."""
        return dict(getattr(self.script.module, "BREAKS", {}))

    def place_of(self, *fragments: str | int) -> tuple[Path, int]:
        """Where the first of these fragments stands that can be found; else the upgrade's first line.

        Args:
            fragments: Words of a line of SQL, white space and case aside; the number of a line; or the beginning of a
                line of Python (`def downgrade`, `revision =`), behind which the words before it are looked for first.
        """
        source = self.path.read_text(encoding="utf-8").splitlines()
        begins = next((f for f in fragments if isinstance(f, str) and f.startswith(_PYTHON)), "def upgrade")
        first = next((n for n, line in enumerate(source, start=1) if line.startswith(begins)), 1)
        for fragment in fragments:
            if isinstance(fragment, int):
                return self.path, fragment
            wanted = _squeezed(fragment)
            if not wanted or fragment == begins:
                continue
            found = [line for line in self.lines if wanted in _squeezed(line.text)]
            if found:
                line = next((line for line in found if line.path == self.path and line.number >= first), found[0])
                return line.path, line.number
        return self.path, first

    def line_of(self, error: BaseException) -> int | None:
        """The line of the revision's file at which an error was raised, or that called what raised it."""
        for seen in behind(error):
            for frame in reversed(traceback.extract_tb(seen.__traceback__)):
                if frame.lineno is not None and Path(frame.filename) == self.path:
                    return frame.lineno
        return None


def behind(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that it came of."""
    if error is not None:
        yield error
        yield from behind(error.__cause__)
        if error.__context__ is not error.__cause__:
            yield from behind(error.__context__)


class Chain:
    """All revisions of a folder, each after its parents."""

    def __init__(self, folder: Path, project: Project) -> None:
        self.folder = folder.resolve()
        self.project = project

    def config(self, url: str, *, arguments: tuple[str, ...] = ()) -> "Config":
        """Alembic's configuration for this folder, saying nothing on standard error."""
        found = migrations.config(url, arguments=arguments, quiet=True)
        found.set_main_option("script_location", str(self.folder).replace("%", "%%"))
        return found

    @cached_property
    def directory(self) -> "ScriptDirectory":
        """Alembic's own view of the folder."""
        from alembic.script import ScriptDirectory

        return ScriptDirectory.from_config(self.config("postgresql://"))

    @cached_property
    def revisions(self) -> tuple[Revision, ...]:
        """Each after its parents."""
        sql = self.folder / "sql"
        return tuple(Revision(script, sql) for script in reversed(list(self.directory.walk_revisions())))

    @cached_property
    def calls_runner(self) -> bool:
        """Whether env.py hands the work to the runner."""
        return "tripwire_db.schema.runner" in (self.folder / "env.py").read_text(encoding="utf-8")

    def upgrade(self, url: str, revision: Revision, *, tracer: "Tracer | None" = None) -> None:
        """Run one revision on a scratch database that has all its parents."""
        self._run(self._scratch(url, tracer=tracer), revision, is_upgrade=True)

    def downgrade(
        self, url: str, revision: Revision, *, accept_loss: bool = True, tracer: "Tracer | None" = None
    ) -> None:
        """Take one revision back, whatever is lost."""
        self._run(self._scratch(url, accept_loss=accept_loss, tracer=tracer), revision, is_upgrade=False)

    def up_to(self, url: str, revision: Revision) -> None:
        """Bring a scratch database up to a revision in one run."""
        from alembic import command

        command.upgrade(self._scratch(url), revision.id)

    def to_head(self, url: str) -> None:
        """Bring a scratch database up in one run."""
        from alembic import command

        command.upgrade(self._scratch(url), "heads")

    def to_base(self, url: str) -> None:
        """Take a scratch database down in one run, whatever is lost."""
        from alembic import command

        command.downgrade(self._scratch(url, accept_loss=True), "base")

    def offline(self, revision: Revision, *, down: bool = False, accept_loss: bool = True) -> str:
        """The SQL that a revision comes to, as `alembic upgrade --sql` writes it."""
        config = self._scratch("postgresql://", accept_loss=accept_loss)
        config.output_buffer = buffer = io.StringIO()
        # One parent stands for all of a merge: what it does to the version table is Alembic's business.
        before = revision.id if down else next(iter(revision.parents), None)
        self._run(config, revision, is_upgrade=not down, as_sql=True, starting_rev=before)
        return buffer.getvalue()

    def _scratch(self, url: str, *, accept_loss: bool = False, tracer: "Tracer | None" = None) -> "Config":
        found = self.config(url, arguments=("accept-loss=yes",) if accept_loss else ())
        # Nobody else is there, and a slow machine is no fault of a revision.
        found.attributes |= {"tracer": tracer, "lock_timeout": _PATIENCE_MS, "statement_timeout": 0}
        return found

    def _run(self, config: "Config", revision: Revision, *, is_upgrade: bool, **options: Any) -> None:
        """Run one step, whatever lies beside it: of a chain with branches no name of a target says that.

        An env.py that does not call the runner is not run at all: nobody knows which database it would find.
        """
        from alembic.runtime.environment import EnvironmentContext
        from alembic.runtime.migration import RevisionStep

        def only_this(_heads: Any, _context: Any) -> list[Any]:
            return [RevisionStep(self.directory.revision_map, revision.script, is_upgrade)]

        # The runner tells commands by it.
        only_this.__qualname__ = f"{'upgrade' if is_upgrade else 'downgrade'}.<locals>.only_this"
        with EnvironmentContext(
            config, self.directory, fn=only_this, destination_rev=revision.id, **{"as_sql": False} | options
        ):
            if self.calls_runner:
                self.directory.run_env()
            else:
                run(project=self.project)

    def has_good_name(self, revision: Revision) -> bool:
        """Whether the file is named `<UTC time, 14 digits>_<slug>.py`, and the id is that time."""
        return bool(_FILE_NAME.fullmatch(revision.path.name)) and revision.path.name.startswith(f"{revision.id}_")


@contextmanager
def opened(folder: Path, *also: Path, project: Project = COURSE) -> Iterator[Chain]:
    """Open a chain: its revisions import helpers from its folder (`revision_tools`), as long as this lasts.

    Its env.py imports from the folders `also`.

    Another chain's helpers may be loaded already, under the same names; afterwards they are again. The runner is the
    installed one, whatever the folder.
    """
    chain = Chain(folder, project)
    names = {path.stem for path in chain.folder.glob("*.py")}
    path, others = list(sys.path), _forget(names)
    sys.path[:0] = [str(chain.folder), *(str(root) for root in also)]
    try:
        yield chain
    finally:
        _forget(names)
        sys.modules.update(others)
        sys.path[:] = path


def _forget(names: set[str]) -> dict[str, ModuleType]:
    """Unload the modules of these names, and give them back."""
    return {name: sys.modules.pop(name) for name in names & sys.modules.keys()}


def _squeezed(text: str) -> str:
    return " ".join(text.split()).lower()
