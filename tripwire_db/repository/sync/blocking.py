"""Where threads and asyncio differ: what an operation waits for. Its twin in `aio/` is written by hand, too."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from tripwire_db.engine.database import Database
from tripwire_db.engine.statement import Flow
from tripwire_db.engine.telemetry import observed

T = TypeVar("T")
P = ParamSpec("P")
S = TypeVar("S", bound="_Repository")
Runner = Callable[[Flow[Any]], Any]


class _Repository(Protocol):
    _url: str


def told(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """Let a method tell of itself: span, duration, and a record where it fails; see `telemetry`."""

    @wraps(method)
    def call(self: S, /, *args: P.args, **arguments: P.kwargs) -> T:
        with observed(method.__name__, self._url):
            return method(self, *args, **arguments)

    return call


def require_loop(database: Database) -> None:
    """Any thread may call."""


def run_blocking(call: Callable[[], T]) -> T:
    """Make a call that waits for the network, here."""
    return call()


def run_to_the_end(result: T) -> T:
    """Nothing cancels a call of a thread: its work has ended already."""
    return result
