"""One way to call both repositories, so that each test of a flow runs for both."""

import asyncio
import threading
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any

from tripwire_db import AsyncTripwireRepository, TripwireRepository

KINDS = ("sync", "async")


class Awaited:
    """The async repository, called like the sync one, from any thread: its loop runs in a thread of its own."""

    def __init__(self, url: str, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loop of the async repository")
        self._thread.start()
        try:
            self.inner = AsyncTripwireRepository.connect(url, **options)
        except BaseException:
            self._stop()
            raise

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.inner, name)
        return lambda *args, **arguments: self._wait(method(*args, **arguments))

    def close(self) -> None:
        try:
            self._wait(self.inner.close())
        finally:
            self._stop()

    def _wait(self, awaitable: Awaitable[Any]) -> Any:
        async def awaited() -> Any:
            return await awaitable

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(timeout=60)

    def _stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._loop.shutdown_default_executor(), self._loop).result(timeout=60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def opened(kind: str, url: str, **options: Any) -> Iterator[Any]:
    """A repository of this kind, with the methods of the sync one."""
    repository = TripwireRepository.connect(url, **options) if kind == "sync" else Awaited(url, **options)
    try:
        yield repository
    finally:
        repository.close()
