"""Records which sessions block a revision, while it waits: afterwards it cannot be told any more."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from tripwire_db.schema.runner.sessions import Wait, blockers

_LONGEST_PAUSE = 0.25
_SHORTEST_PAUSE = 0.02


class Watcher:
    """Asks, over the idle connection that holds the deployer's lock, what the migrating backend waits for.

    Attributes:
        last: Who was in the way of the try at work, when it was last seen waiting.
        failure: What ended the watch early.
    """

    def __init__(self, *, lock_timeout: int, say: Callable[[str], None]) -> None:
        """Several looks fit into one lock_timeout (milliseconds)."""
        self.last: Wait | None = None
        self.failure: Exception | None = None
        self._pause = min(_LONGEST_PAUSE, max(_SHORTEST_PAUSE, lock_timeout / 4000))
        self._say = say
        self._told: frozenset[int] = frozenset()

    @contextmanager
    def over(self, connection: psycopg.Connection[Any], pid: int) -> Iterator[None]:
        """Watch the backend `pid` in a thread."""
        self.failure = None
        stopped = threading.Event()
        thread = threading.Thread(
            target=self._watch, args=(connection, pid, stopped), name="tripwire-runner-watcher", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()

    def forget(self) -> None:
        """Begin a new try: what was seen before it says nothing about it."""
        self.last = None

    def planned(self, total: int) -> None:
        """Nothing to do."""

    def started(self, name: str, title: str) -> None:  # noqa: ARG002 an Observer's
        """A revision begins, perhaps for another try; who was in its way then need not be told again."""
        self.forget()

    def finished(self, name: str, title: str, seconds: float) -> None:  # noqa: ARG002 an Observer's
        """Forget who was in the way of this one."""
        self._told = frozenset()

    def _watch(self, connection: psycopg.Connection[Any], pid: int, stopped: threading.Event) -> None:
        """Look until told to stop; where looking fails the migration goes on, and the failure is kept to be told."""
        while not stopped.wait(self._pause):
            try:
                wait = blockers(connection, pid)
            except psycopg.Error as error:
                self.failure = error
                return
            if wait is None:
                continue
            self.last = wait
            pids = frozenset(blocker.pid for blocker in wait.blockers)
            if not pids <= self._told:
                self._told |= pids
                self._say(f"waits for {wait}")
