"""An end to waiting for a server's answer, which psycopg itself does not set."""

import time
from collections.abc import Generator
from typing import Any

import psycopg


class LateError(psycopg.OperationalError):
    """There was no answer in time."""


def bounded(gen: Generator[Any, Any, Any], seconds: float) -> Generator[Any, Any, Any]:
    """What a generator of psycopg's gives, until it takes longer than `seconds`: then `LateError`, and it can go on later.

    For `Connection.wait`, which wakes it whenever there is something to read and at each of its intervals.
    """
    deadline = time.monotonic() + seconds
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            wanted = gen.send(ready)
            if time.monotonic() > deadline:
                raise LateError
    except StopIteration as done:
        return done.value
