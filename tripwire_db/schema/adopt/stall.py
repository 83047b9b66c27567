"""How long adopting may keep the application waiting: the tables are locked from its first statement to its last."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors

from tripwire_db.errors import Unavailable
from tripwire_db.postgres.errors import without_rows

MAX_STALL_SECONDS = 60.0
_AGAIN_SECONDS = 0.2


@contextmanager
def bounded(connection: psycopg.Connection[Any], seconds: float) -> Iterator[None]:
    """Call off the transaction inside once it has taken so long; it is rolled back.

    Raises:
        Unavailable: it was called off.
    """
    over, late = threading.Event(), threading.Event()

    def call_off() -> None:
        if over.wait(seconds):
            return
        late.set()
        while not over.wait(_AGAIN_SECONDS):  # between two statements there is nothing to call off
            connection.cancel_safe(timeout=5)

    watch = threading.Thread(target=call_off, name="tripwire-adopt-stall", daemon=True)
    watch.start()
    try:
        yield
    except errors.QueryCanceled as error:
        if not late.is_set():
            raise
        raise Unavailable(
            f"the application would have waited for longer than {seconds:g} s; nothing was changed: call again at a quiet "
            "hour, with more time (--max-stall, in seconds)",
            applied=False,
        ) from without_rows(error)
    finally:
        over.set()
        watch.join()
