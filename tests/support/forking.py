"""Child processes made by fork, as preloading web servers and multiprocessing's "fork" make them."""

import os
import pickle
import select
import signal
import time
import traceback
from collections.abc import Callable
from typing import Any

PATIENCE = 60.0
"""Seconds; a child that waits for a lock or a thread of its parent waits for ever."""


class Died(Exception):
    """The child has ended, and sent nothing."""


class Child:
    """A child that does one piece of work and sends back what came of it."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _work_and_exit(work, writing)
        os.close(writing)

    def result(self) -> Any:
        """What the work gave; its error is raised here."""
        deadline = time.monotonic() + PATIENCE
        sent = b""
        try:
            while True:
                readable, _, _ = select.select([self._reading], [], [], max(deadline - time.monotonic(), 0))
                assert readable, f"the child has not answered within {PATIENCE:g} s"
                piece = os.read(self._reading, 1 << 16)
                if not piece:
                    break
                sent += piece
        except BaseException:
            os.kill(self.pid, signal.SIGKILL)
            raise
        finally:
            os.close(self._reading)
            os.waitpid(self.pid, 0)
        if not sent:
            raise Died
        result, failure = pickle.loads(sent)  # noqa: S301 - our own child wrote it
        assert failure is None, f"in the child:\n{failure}"
        return result


def _work_and_exit(work: Callable[[], Any], writing: int) -> None:
    try:
        try:
            outcome = (work(), None)
        except BaseException:  # noqa: BLE001 - the parent tells of it
            outcome = (None, traceback.format_exc())
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(pickle.dumps(outcome))
    finally:
        os._exit(0)  # nothing of pytest's is run to its end here


def fork(work: Callable[[], Any]) -> Child:
    """Do this in a child process, at the same time as other children and the parent."""
    return Child(work)


def in_child(work: Callable[[], Any]) -> Any:
    """Do this in a child process, and give what it gave."""
    return Child(work).result()
