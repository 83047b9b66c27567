"""What each method tells of itself: a span and its duration where opentelemetry-api is (extra `otel`), and a log record.

A method that is refused or fails is logged as that, once: by its flow, or here where no flow came so far, or none was
at fault, as where an argument cannot be right or the auth service is in trouble.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from tripwire_db.engine.statement import ROWS_PREFIX, Row
from tripwire_db.errors import TripwireError

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram, Meter
    from opentelemetry.trace import Span, Tracer

logger = logging.getLogger("tripwire_db")

_RECORD = "%(flow)s user=%(user)s %(duration).4f s attempts=%(attempts)d rows=%(rows)s failure=%(failure)s"
_DURATION = "db.client.operation.duration"


@dataclass(slots=True)
class MethodCall:
    """One call of a method, as its flows add to it.

    Attributes:
        name: of the method.
        attempts: of all its flows together.
        reports: what its flows reported.
        logged: the failures that its flows have logged already.
    """

    name: str
    attempts: int = 0
    reports: list[Sequence[Row]] = field(default_factory=list)
    logged: list[BaseException] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def rows(self) -> dict[str, int]:
        """How many rows each step wrote, by its name."""
        return {step: rows for report in self.reports for step, rows in rows_per_step(report).items()}

    def log(self, failure: TripwireError) -> None:
        """Log a failure that no flow has."""
        if not any(failure is told for told in self.logged):
            log_record(
                self.name,
                user=None,
                started=self.started,
                attempts=self.attempts,
                rows=self.rows,
                failure=failure,
            )


_CURRENT: ContextVar[MethodCall | None] = ContextVar("tripwire_db_method", default=None)


def rows_per_step(rows: Sequence[Row]) -> dict[str, int]:
    """What a flow's report tells of its steps."""
    first = rows[0]._asdict() if rows else {}
    return {name.removeprefix(ROWS_PREFIX): n for name, n in first.items() if name.startswith(ROWS_PREFIX)}


def log_record(
    flow: str,
    *,
    user: object,
    started: float,
    attempts: int,
    rows: Callable[[], Mapping[str, int]],
    failure: BaseException | None,
) -> None:
    """One record: of what, for whom, how long it took since `started`, how many rows each step wrote, what failed."""
    level = logging.INFO if failure is None else logging.WARNING
    if not logger.isEnabledFor(level):
        return
    facts = {
        "flow": flow,
        "user": user,
        "duration": time.monotonic() - started,
        "attempts": attempts,
        "rows": rows(),
        "failure": None if failure is None else type(failure).__name__,
    }
    logger.log(level, _RECORD, facts, extra=facts)


def current() -> MethodCall | None:
    """The call of a method that runs now, here; None for a flow that is run by itself."""
    return _CURRENT.get()


@contextmanager
def observed(name: str, url: str) -> Iterator[None]:
    """Around a call of a method of the repository on this database."""
    call = MethodCall(name)
    token = _CURRENT.set(call)
    instruments = _instruments()
    try:
        if instruments is None:
            yield
        else:
            with instruments.measured(call, url):
                yield
    except TripwireError as failure:
        call.log(failure)
        raise
    finally:
        _CURRENT.reset(token)


@dataclass(frozen=True, slots=True)
class _Instruments:
    tracer: "Tracer"
    duration: "Histogram"

    @contextmanager
    def measured(self, call: MethodCall, url: str) -> Iterator[None]:
        from opentelemetry.trace import SpanKind

        attributes = {"db.system.name": "postgresql", "db.operation.name": call.name, **_place_of(url)}
        outcome = "done"
        # Neither messages nor stacks: these name people.
        with self.tracer.start_as_current_span(
            f"tripwire.{call.name}",
            kind=SpanKind.CLIENT,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except BaseException as failure:
                outcome = type(failure).__name__
                attributes["error.type"] = outcome
                raise
            finally:
                self.duration.record(time.monotonic() - call.started, attributes)
                _end(span, call, outcome)


def _end(span: "Span", call: MethodCall, outcome: str) -> None:
    from opentelemetry.trace import Status, StatusCode

    span.set_attribute("tripwire.outcome", outcome)
    span.set_attribute("tripwire.attempts", call.attempts)
    for step, rows in call.rows().items():
        span.set_attribute(f"tripwire.rows.{step}", rows)
    if outcome != "done":
        span.set_attribute("error.type", outcome)
        span.set_status(Status(StatusCode.ERROR, outcome))


@cache
def _instruments() -> _Instruments | None:
    """Where telemetry goes; None where its package is not installed. Loaded by the first call, not by the import."""
    try:
        from opentelemetry import metrics, trace
    except ImportError:
        return None
    return instruments_of(trace.get_tracer("tripwire_db"), metrics.get_meter("tripwire_db"))


def instruments_of(tracer: "Tracer", meter: "Meter") -> _Instruments:
    """The span and the metric of methods, for this tracer and this meter."""
    duration = meter.create_histogram(
        _DURATION, unit="s", description="Duration of a method of the repository, retries and auth calls included."
    )
    return _Instruments(tracer, duration)


@cache
def _place_of(url: str) -> Mapping[str, Any]:
    """The attributes of a database: neither user nor password."""
    from tripwire_db.postgres.url import parse

    arguments = parse(url)
    found: dict[str, Any] = {"db.namespace": arguments.get("dbname"), "server.address": arguments.get("host")}
    if arguments.get("port", "").isdigit():
        found["server.port"] = int(arguments["port"])
    return {name: value for name, value in found.items() if value is not None}
