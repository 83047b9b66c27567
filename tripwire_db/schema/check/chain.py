"""The chain as a check sees it: revisions, their sources, the SQL that they come to, and where each line of it stands."""

import ast
import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from tripwire_db import migrations

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import Script, ScriptDirectory

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
        self.down: str | None = script.down_revision if isinstance(script.down_revision, str) else None
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
        return bool(getattr(self.script.module, "LOSSES", ()))

    @property
    def reasons(self) -> dict[str, str]:
        """Rules that the revision breaks on purpose, each with the reason: its `LINT` attribute."""
        return dict(getattr(self.script.module, "LINT", {}))

    def has(self, statement: str) -> bool:
        """Whether a statement that begins so is the revision's own; a single word must stand alone."""
        wanted = _squeezed(statement)
        alone = " " not in wanted
        return any(
            _squeezed(line.text).rstrip(";") == wanted if alone else wanted in _squeezed(line.text)
            for line in self.lines
        )

    def place_of(self, *fragments: str) -> tuple[Path, int]:
        """Where the first of these fragments stands that can be found, white space aside; else the upgrade's first line."""
        for fragment in filter(None, map(_squeezed, fragments)):
            for line in self.lines:
                if fragment in _squeezed(line.text):
                    return line.path, line.number
        source = self.path.read_text(encoding="utf-8").splitlines()
        wanted = next(
            (text for text in fragments if text.startswith(("def ", "revision", "down_revision"))), "def upgrade"
        )
        return self.path, next((n for n, line in enumerate(source, start=1) if line.startswith(wanted)), 1)


class Chain:
    """All revisions of a folder, oldest first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

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
        """Oldest first."""
        sql = self.folder / "sql"
        return tuple(Revision(script, sql) for script in reversed(list(self.directory.walk_revisions())))

    def upgrade(self, url: str, revision: str) -> None:
        """Bring a scratch database up."""
        from alembic import command

        command.upgrade(self.config(url), revision)

    def downgrade(self, url: str, revision: str) -> None:
        """Take a scratch database down, whatever is lost."""
        from alembic import command

        command.downgrade(self.config(url, arguments=("accept-loss=yes",)), revision)

    def offline(self, revision: Revision, *, down: bool = False) -> str:
        """The SQL that a revision comes to, as `alembic upgrade --sql` writes it."""
        from alembic import command

        config = self.config("postgresql://")
        config.output_buffer = buffer = io.StringIO()
        below = revision.down or "base"
        if down:
            config.cmd_opts.x = ["accept-loss=yes"]  # type: ignore[union-attr]
            command.downgrade(config, f"{revision.id}:{below}", sql=True)
        else:
            command.upgrade(config, f"{below}:{revision.id}", sql=True)
        return buffer.getvalue()

    def has_good_name(self, revision: Revision) -> bool:
        """Whether the file is named `<UTC time, 14 digits>_<slug>.py`, and the id is that time."""
        return bool(_FILE_NAME.fullmatch(revision.path.name)) and revision.path.name.startswith(f"{revision.id}_")


@contextmanager
def opened(folder: Path, *also: Path) -> Iterator[Chain]:
    """Open a chain: its revisions import helpers from its folder (`revision_tools`), as long as this lasts.

    Its env.py imports from the folders `also`.

    Another chain's helpers may be loaded already, under the same names; afterwards they are again. The runner is the
    installed one, whatever the folder.
    """
    chain = Chain(folder)
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
