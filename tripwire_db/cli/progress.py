"""Shows how far a long command is."""

import sys
import time
from typing import TYPE_CHECKING, Self

from tripwire_db.cli import output

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Bars:
    """Progress on standard error: bars on a terminal, a line for each part elsewhere."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._part: tuple[str, float] | None = None
        self._steps = 0

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            self._progress = Progress(
                TextColumn("{task.description:<9}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=output.console(stderr=True),
            )
            self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._progress is not None:
            self._progress.stop()
            output.note("")
        self._end_part()

    def began(self, what: str, total: int) -> None:
        """Begin a part of the work, of so many steps."""
        self._end_part()
        self._part, self._steps = (what, time.monotonic()), 0
        if self._progress is not None:
            self._task = self._progress.add_task(what, total=total)

    def advanced(self) -> None:
        """One step of it is done."""
        self._steps += 1
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task)

    def _end_part(self) -> None:
        if self._part is not None and self._progress is None:
            what, start = self._part
            output.note(f"{what}: {self._steps} in {time.monotonic() - start:.1f} s")
        self._part = None
