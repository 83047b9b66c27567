"""Where threads and asyncio differ: what an operation waits for. Its twin in `aio/` is written by hand, too."""

from collections.abc import Callable
from typing import Any, TypeVar

from tripwire_db.engine.database import Database
from tripwire_db.engine.statement import Flow

T = TypeVar("T")
Runner = Callable[[Flow[Any]], Any]


def require_loop(database: Database) -> None:
    """Any thread may call."""


def run_blocking(call: Callable[[], T]) -> T:
    """Make a call that waits for the network, here."""
    return call()


def run_to_the_end(result: T) -> T:
    """Nothing cancels a call of a thread: its work has ended already."""
    return result
