"""Ctrl-C and SIGTERM: stop once, in order, and do not be disturbed while saying where the database stands."""

import signal
import threading
from types import FrameType
from typing import Any, Self

from tripwire_db.signals import end_process

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """The run was told to stop; psycopg cancels the statement at work, as on any KeyboardInterrupt."""

    def __init__(self, number: int) -> None:
        """Take the number of the signal."""
        super().__init__(signal.Signals(number).name)
        self.number = number

    def told(self, said: str) -> "Interrupted":
        """Give the same with a message for whoever called."""
        self.args = (said,)
        return self


class Interrupts:
    """Turns the first signal into `Interrupted`; those after it change nothing, since stopping is bounded anyway.

    Signals that the process ignores (nohup) stay ignored, and in a thread other than the main one, where Python allows
    no handlers, nothing is changed.

    Attributes:
        seen: The signal that came, also where an error on the way out hides it.
    """

    def __init__(self) -> None:
        """Begin with no signal seen."""
        self.seen: Interrupted | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """Put the handlers in place."""
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler, end_process):
                    self._before[number] = signal.signal(number, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        """Put back what was there."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if self.seen is None:
            self.seen = Interrupted(number)
            raise self.seen
