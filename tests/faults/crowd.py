"""Many calls at once: each outcome kept, and a pool brought to its full size."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.backend.flows.world import World


def together(calls: Sequence[Callable[[], Any]], threads: int | None = None) -> list[Any]:
    """Begin all calls at the same moment, and give each result, or the error it raised."""
    width = threads or len(calls)
    barrier = threading.Barrier(min(width, len(calls)))
    waited = threading.local()

    def act(call: Callable[[], Any]) -> Any:
        if not getattr(waited, "done", False):  # each thread comes to the barrier once, with its first call
            waited.done = True
            barrier.wait(30)
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error

    with ThreadPoolExecutor(width) as pool:
        return list(pool.map(act, calls))


def errors_in(outcomes: Sequence[Any]) -> list[Exception]:
    return [outcome for outcome in outcomes if isinstance(outcome, Exception)]


def use_all_connections(it: World, size: int, call: Callable[[World], Any], rounds: int = 1) -> None:
    """Have each connection of a pool used so often, by letting as many calls wait for one student's row."""
    student = it.student()
    for _ in range(rounds):
        outcomes = it.at_once_on(student.user_id, *[lambda: call(student.user_id)] * size)
        assert not errors_in(outcomes)
