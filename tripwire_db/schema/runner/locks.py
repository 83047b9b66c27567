"""One deployer at a time: two advisory locks, both taken by polling.

A blocking wait for an advisory lock would hold a snapshot, which CREATE INDEX CONCURRENTLY of the deployer at work
waits for in turn; polling holds nothing.

The deployer's lock lives on a connection of its own and is free the moment its process is gone. The session's lock
lives on the session that migrates, whose backend may outlive a killed process and finish its statement: the next
deployer waits for that too, so that it never works beside it.
"""

import random
import time
from collections.abc import Callable
from typing import Any

import psycopg

from tripwire_db.schema.runner.errors import MigrationError
from tripwire_db.schema.runner.limits import spell
from tripwire_db.schema.runner.sessions import holders

GROUP = 0x74726970
"""The first of the two keys, as pg_locks shows it in classid: 1953655152, "trip" in ASCII."""
DEPLOYER = 1
SESSION = 2

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 0.5
_REMIND_SECONDS = 30.0


def acquire(connection: psycopg.Connection[Any], key: int, *, wait: int, say: Callable[[str], None]) -> float:
    """Take a lock for as long as the connection lives.

    Args:
        connection: In autocommit, in no transaction.
        key: DEPLOYER or SESSION.
        wait: Milliseconds to wait at most.
        say: Called with a line for people when there is something to wait for, and again every half minute.

    Returns:
        The seconds it took.

    Raises:
        MigrationError: Somebody else held it all the time; the message says who.
    """
    start = time.monotonic()
    pause = _FIRST_PAUSE
    told_at, told = 0.0, frozenset[int]()
    while not _try(connection, key):
        waited = time.monotonic() - start
        pids, who = _who(connection, key)
        if waited * 1000 >= wait:
            raise MigrationError(
                f"Gave up after {spell(wait)}: {who}. Nothing was changed. Wait longer with -x deploy-wait=1h, or end "
                "that session with SELECT pg_terminate_backend(<pid>) if you are sure that it is lost."
            )
        if pids and (pids != told or waited - told_at >= _REMIND_SECONDS):
            say(f"waiting up to {spell(wait)}: {who}")
            told_at, told = waited, pids
        time.sleep(min(pause * random.uniform(0.5, 1.5), max(wait / 1000 - waited, 0.001)))  # noqa: S311 jitter
        pause = min(pause * 2, _LONGEST_PAUSE)
    return time.monotonic() - start


def wait_until_free(connection: psycopg.Connection[Any], key: int, *, seconds: float) -> bool:
    """Wait until a lock is free, without keeping it; False where it is still held after `seconds`."""
    deadline = time.monotonic() + seconds
    while holders(connection, GROUP, key):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_FIRST_PAUSE)
    return True


def _who(connection: psycopg.Connection[Any], key: int) -> tuple[frozenset[int], str]:
    """Say who holds a lock, and with which pids."""
    found = holders(connection, GROUP, key)
    working = holders(connection, GROUP, SESSION)
    at_work = "; ".join(str(session) for session in working)
    if key == SESSION:
        who = f"the session of a deployer that is gone is still at work: {at_work or 'it has just ended'}"
    else:
        deployer = "; ".join(session.who for session in found) or "it has just ended"
        who = f"another deployer is at work: {deployer}{f', migrating by {at_work}' if at_work else ''}"
    return frozenset(session.pid for session in found), who


def _try(connection: psycopg.Connection[Any], key: int) -> bool:
    row = connection.execute("SELECT pg_catalog.pg_try_advisory_lock(%s, %s)", (GROUP, key)).fetchone()
    return row is not None and bool(row[0])
