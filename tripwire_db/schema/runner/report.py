"""What a run says while it works: a progress bar on a terminal, plain lines elsewhere; all on standard error."""

import os
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from psycopg.errors import Diagnostic

from tripwire_db.safe_text import printable, without_passwords
from tripwire_db.schema.runner.errors import shorten
from tripwire_db.schema.runner.target import Target

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Report:
    """Writes lines, with the password masked; standard output stays free for SQL and for Alembic's own answers."""

    def __init__(
        self, target: Target | None, *, quiet: bool, reworded: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Say nothing at all where `quiet`; `reworded` is the project's."""
        self._reworded = reworded
        self._target = target
        self._quiet = quiet
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def line(self, text: str) -> None:
        """Write one line, above the bar where there is one."""
        if self._quiet:
            return
        masked = without_passwords(printable(self._target.mask(text) if self._target else text))
        if self._bar is None:
            try:
                sys.stderr.write(masked + "\n")
                sys.stderr.flush()
            except BrokenPipeError:
                self._quiet = True  # nobody listens any more, which is no reason to stop a migration
        else:
            self._bar.console.print(masked, markup=False, highlight=False, soft_wrap=True)

    def notice(self, diag: Diagnostic) -> None:
        """Write a NOTICE or WARNING of the server."""
        message = diag.message_primary or ""
        for frozen, better in self._reworded.items():
            message = message.replace(frozen, better)
        said = f"  {diag.severity}: {message}"
        self.line(f"{said} Hint: {shorten(diag.message_hint)}" if diag.message_hint else said)

    def planned(self, total: int) -> None:
        """Begin the bar."""
        if not total or self._quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
            return
        # rich takes a while to load, and is of no use elsewhere
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._task = self._bar.add_task("", total=total)
        self._bar.start()

    def started(self, name: str, title: str) -> None:
        """Show the revision at work in the bar."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=f"{name} {shorten(title, 40)}")

    def finished(self, name: str, title: str, seconds: float) -> None:
        """Write the revision and its time."""
        self.line(f"  {name}  {title}  {seconds:.2f} s")
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
