"""The event loop for Redis that threads and event loops share."""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from redis.asyncio import Redis

T = TypeVar("T")

FAREWELL_SECONDS = 1.0
"""How long closing a connection may take."""


class RedisLoop:
    """An event loop in a thread of its own: there every exchange with Redis has an end, however slowly it drips."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._process = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tripwire-db-cache", daemon=True)
        self._thread.start()

    def submit(self, talk: Callable[["Redis"], Coroutine[Any, Any, T]]) -> Future[T]:
        """Begin an exchange; any thread may wait for its result."""
        return asyncio.run_coroutine_threadsafe(talk(self._redis), self._loop)

    def close(self) -> None:
        """End what is under way, close the connections, stop the thread; again is fine."""
        if self._loop.is_closed() or self._process != os.getpid():  # its thread runs in the parent alone
            return
        if threading.current_thread() is self._thread:  # collected by the loop itself, which cannot wait for itself
            self._loop.stop()
            return
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _hang_up(self) -> None:
        talks = asyncio.all_tasks() - {asyncio.current_task()}
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        with suppress(Exception):  # a connection that breaks while it is closed is closed
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._redis.aclose()
