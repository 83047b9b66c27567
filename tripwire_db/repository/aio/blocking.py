"""Where asyncio and threads differ: what an operation waits for. Its twin in `sync/` is written by hand, too."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from tripwire_db.engine.database import AsyncDatabase
from tripwire_db.engine.statement import Flow
from tripwire_db.engine.telemetry import observed

T = TypeVar("T")
P = ParamSpec("P")
S = TypeVar("S", bound="_Repository")
Runner = Callable[[Flow[Any]], Awaitable[Any]]


class _Repository(Protocol):
    _url: str


def told(
    method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Let a method tell of itself: span, duration, and a record where it fails; see `telemetry`."""

    @wraps(method)
    async def call(self: S, /, *args: P.args, **arguments: P.kwargs) -> T:
        with observed(method.__name__, self._url):
            return await method(self, *args, **arguments)

    return call


def require_loop(database: AsyncDatabase) -> None:
    """Refuse what is called in the wrong event loop before anything of it is done; see `AsyncDatabase.require_loop`."""
    database.require_loop()


async def run_blocking(call: Callable[[], T]) -> T:
    """Make a call that waits for the network, in a thread."""
    return await asyncio.to_thread(call)


async def run_to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Await work that a cancellation must not interrupt; the cancellation is raised when it has ended.

    An HTTP call that is under way in a thread cannot be taken back: were the lock let go of before it ends, it would
    remove what another call has made meanwhile.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        task.exception()  # looked at, and then of no interest: nobody waits for it any more
        raise cancelled
    return task.result()
