"""Trying a flow again: when that is safe and may help, how long to wait, and what to say when it is over.

Every flow is idempotent, so one that met a serialization failure, a deadlock or a lost connection is simply run again,
with exponential backoff and jitter, for a bounded time, in which a failover ends as a rule. What an old session was told long ago (a plan that a
migration has made stale, a server that was read-only when it began) counts as one: it is tried once on a new one.
Nothing else is retried.
"""

import logging
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tripwire_db.engine.driver_errors import (
    NotConfirmed,
    NotReplicated,
    driver_error,
    is_lost,
    is_stale_plan,
    outcome_of,
    translated,
)
from tripwire_db.engine.statement import Flow, Row
from tripwire_db.engine.telemetry import current, log_record, rows_per_step
from tripwire_db.errors import Unavailable
from tripwire_db.postgres.errors import DatabaseSaid, explained, hinted, without_rows

logger = logging.getLogger("tripwire_db")
# Whoever wants the records sets a handler; without one, Python would print the failures bare.
logger.addHandler(logging.NullHandler())

POOL_TIMEOUT_SECONDS = 30.0
RETRY_WINDOW_SECONDS = 15.0
"""No new attempt is begun after that; the last one is begun then."""
_FIRST_BACKOFF_SECONDS = 0.1
_LONGEST_BACKOFF_SECONDS = 1.0
# One lost race is ordinary, two are bad luck, five would be a defect that must not turn into a loop.
_MAX_RUNS = 5

# Serialization failure and deadlock.
_RETRIED_SQLSTATES = {"40001", "40P01"}
# Read-only may be what the session was told when it began: a second one, made now, knows.
_TOLD_OF_OLD = {"25006"}


@dataclass(slots=True)
class Attempts:
    """How often something was tried, and whether it may be tried again. Knows no I/O, so all runners share it.

    Attributes:
        name: of the flow, or of the transaction.
        writes: False for what only reads.
        flow: whose statement was sent last; an error is told by its steps.
        rows: what the last attempt reported.
        in_transaction: True in a transaction of the caller's, where nothing is done before that is committed.
    """

    name: str
    writes: bool
    flow: Flow[Any] | None = None
    rows: Sequence[Row] = ()
    in_transaction: bool = False
    number: int = 0
    races: int = 0
    started: float = field(default_factory=time.monotonic)
    _perhaps_applied: bool = False
    _was_cut_off: bool = False

    def begin(self) -> None:
        """An attempt begins; nothing is sent yet."""
        self.number += 1
        self.flow = None

    def sending(self, flow: Flow[Any]) -> tuple[bytes, list[str | None]]:
        """A statement and its parameters; from here on nobody can know, until an answer comes."""
        self.flow = flow
        return flow.prepared()

    def backoff(self, error: BaseException) -> float:
        """Seconds to wait before the next attempt.

        Raises:
            TripwireError: what the error means, where another attempt is not safe, not useful or not left.
        """
        if isinstance(error, PoolTimeout):
            raise Unavailable(
                f"{self.name}: no connection of the pool came free within {POOL_TIMEOUT_SECONDS:g} s; nothing was "
                "written: raise pool_size, or make fewer calls at once",
                applied=self._applied,
            ) from None
        driver = driver_error(error)
        if not isinstance(driver, psycopg.Error):
            raise error
        if isinstance(driver, NotConfirmed):
            raise NotReplicated(
                f"{self.name}: written on the primary, but its synchronous standby did not confirm it in time, so a "
                "failover now would lose it: see that the standby runs, then call again, which is safe",
                applied=None,
            ) from None
        lost = is_lost(driver)
        if lost and self.flow is not None and self.writes:
            self._perhaps_applied = True
        # After a lost connection a server that is read-only is a standby on its way up.
        read_only = driver.sqlstate in _TOLD_OF_OLD and (self.number == 1 or self._was_cut_off)
        told_of_old = read_only or (self.number == 1 and is_stale_plan(driver))
        self._was_cut_off = self._was_cut_off or lost
        if not lost and not told_of_old and driver.sqlstate not in _RETRIED_SQLSTATES:
            raise translated(driver, self.name, self.flow, applied=self._applied) from without_rows(driver)
        if self.flow is None and explained(driver) is not None:
            raise self._given_up(driver) from without_rows(driver)
        left = RETRY_WINDOW_SECONDS - (time.monotonic() - self.started)
        if left <= 0:
            raise self._given_up(driver) from without_rows(driver)
        # Half of the delay is jitter: callers that failed together do not come back together.
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        delay = min(_FIRST_BACKOFF_SECONDS * 2 ** min(self.number - 1, 10), _LONGEST_BACKOFF_SECONDS)
        return float(min(delay * jitter, left))

    @property
    def _applied(self) -> bool | None:
        return None if self._perhaps_applied else False

    def _given_up(self, driver: psycopg.Error) -> Unavailable:
        state = outcome_of(self._applied)
        seconds = time.monotonic() - self.started
        attempts = "one attempt" if self.number == 1 else f"{self.number} attempts"
        why = explained(driver) or hinted(driver)
        return Unavailable(
            f"{self.name}: gave up after {attempts} in {seconds:.1f} s, {state}: {why}. Calling again is safe",
            applied=self._applied,
        )

    def lost_race(self) -> bool:
        """Whether the gate waited and a step found its row taken: then the statement is run once more, to tell by whom."""
        self.races += 1
        return self.races < _MAX_RUNS and bool(self.rows) and getattr(self.rows[0], "raced", False)

    @contextmanager
    def logged(self) -> Iterator[None]:
        """Around all attempts and the reading of the result: one record, which tells how it ended."""
        try:
            yield
        except Exception as failure:
            if isinstance(failure.__cause__, DatabaseSaid):
                failure.__context__ = None  # the driver's own error, which nobody's report of errors shall find
            self._tell(failure)
            self._log(failure)
            raise
        self._tell(None)
        if not self.in_transaction:
            self._log(None)

    def _tell(self, failure: Exception | None) -> None:
        """Add this to the method's call, which ends the span and logs what no flow has."""
        call = current()
        if call is not None:
            call.attempts += self.number
            call.reports.append(self.rows)
            if failure is not None:
                call.logged.append(failure)

    def _log(self, failure: Exception | None) -> None:
        """One record for each flow: its name, its user, how long it took, how many rows each step wrote, what failed."""
        user = None if self.flow is None else self.flow.parameters.get("user_id")
        log_record(
            self.name,
            user=user,
            started=self.started,
            attempts=self.number,
            rows=lambda: rows_per_step(self.rows),
            failure=failure,
        )
