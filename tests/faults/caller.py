"""A caller in trouble: its calls go through faults, from processes forked off and killed, and it calls again."""

import asyncio
import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any, Self

from tests.backend.flows.both import opened
from tests.support.forking import Child, Died, fork
from tests.support.servers.admin_api import AdminApi
from tests.support.servers.admin_faults import Fault
from tests.support.servers.proxy import Proxy, Verdict
from tripwire_db import AuthFailed, CompensationFailed, SupabaseAuth, TripwireError, Unavailable

PASSING = (Unavailable, AuthFailed, CompensationFailed)
PATIENCE = 60.0
"""Seconds for which a caller calls again; what a killed call has left in the server takes its time to end."""


class Until(Enum):
    """How long a fault lasts."""

    ONCE = "one request is struck"
    HEALED = "every request is struck, until the caller calls again"
    CRASH = "as healed, and the caller is a new process by then"
    KILLED = "the process that calls is killed by its request"


@dataclass(frozen=True)
class Trouble:
    """What befalls a call.

    Attributes:
        fault: of the connection to the database, or of the auth service; None where all is well.
        until: how long.
        after: how many requests go well before it.
        forked: whether a process forked off the one that opened the repository makes the call.
    """

    fault: Verdict | Fault | None = None
    until: Until = Until.ONCE
    after: int = 0
    forked: bool = False

    @property
    def is_survived(self) -> bool:
        """Whether no caller may hear of it: the library tries the database again by itself, auth services it does not."""
        return self.fault is None or (isinstance(self.fault, Verdict) and self.until is Until.ONCE)


CALM = Trouble()
Call = tuple[str, Mapping[str, Any]]


class Caller:
    """A repository of this kind, behind a proxy and an auth service that can be made to fail."""

    def __init__(self, kind: str, url: str, **options: Any) -> None:
        self._kind = kind
        self._options = options
        self._opened = ExitStack()
        self.proxy = self._opened.enter_context(Proxy(url))
        self.api = self._opened.enter_context(AdminApi(url))
        self.auth = self._opened.enter_context(SupabaseAuth(self.api.url, self.api.service_role_key))
        self._started = self._opened.enter_context(ExitStack())
        self._start()

    def _start(self) -> None:
        repository = opened(self._kind, self.proxy.url, auth=self.auth, pool_size=3, **self._options)
        self.repository = self._started.enter_context(repository)

    def restart(self) -> None:
        """Go on in a new process: with connections on which nothing is prepared."""
        self._started.close()
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    # -- one call -----------------------------------------------------------------------------------------------------

    def call(self, trouble: Trouble, method: str, **asked: Any) -> Any:
        """Call through the trouble, and again, as a caller does, where it was not survived."""
        try:
            return self.attempt(trouble, method, **asked)
        except (*PASSING, Died):
            assert not trouble.is_survived
        if trouble.until is Until.CRASH:
            self.restart()
        return self.persist(method, asked)

    def attempt(self, trouble: Trouble, method: str, **asked: Any) -> Any:
        """Call once, through the trouble."""
        with self._struck(trouble) as victim:
            if not trouble.forked and trouble.until is not Until.KILLED:
                return self._here(method, asked)
            child = self._elsewhere(method, asked)
            victim(child)
            return _unpacked(child)

    def persist(self, method: str, asked: Mapping[str, Any]) -> Any:
        """Call until the answer is none that passes."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self._here(method, asked)
            except PASSING:
                if time.monotonic() > deadline:
                    raise

    @contextmanager
    def _struck(self, trouble: Trouble) -> Iterator[Callable[[Child], None]]:
        """Let the fault strike; whom it kills is told once there is somebody."""
        seen = itertools.count()
        victims: list[int] = []
        named = threading.Event()

        def name(child: Child) -> None:
            victims.append(child.pid)
            named.set()

        def strikes() -> bool:
            number = next(seen)
            if number < trouble.after or (number > trouble.after and trouble.until is Until.ONCE):
                return False
            if number == trouble.after and trouble.until is Until.KILLED:
                assert named.wait(PATIENCE)
                os.kill(victims[0], signal.SIGKILL)
            return True

        match trouble.fault:
            case Verdict() as verdict:
                self.proxy.judge = lambda _: verdict if strikes() else Verdict.FORWARD
            case Fault() as fault:
                self.api.decide = lambda *_: fault if strikes() else None
        try:
            yield name
        finally:
            named.set()
            self.proxy.heal()
            self.api.heal()

    # -- where a call is made -----------------------------------------------------------------------------------------

    def _here(self, method: str, asked: Mapping[str, Any]) -> Any:
        return getattr(self.repository, method)(**asked)

    def _elsewhere(self, method: str, asked: Mapping[str, Any]) -> Child:
        """In a process forked off this one, which has used the repository."""
        return self.fork(lambda call: call(method, asked))

    def fork(self, work: Callable[[Callable[[str, Mapping[str, Any]], Any]], Any]) -> Child:
        """Do work in a child, which is given a way to call; a refusal comes back as it was raised."""

        def call(method: str, asked: Mapping[str, Any]) -> Any:
            return self._here(method, asked) if self._kind == "sync" else asyncio.run(awaited(method, asked))

        async def awaited(method: str, asked: Mapping[str, Any]) -> Any:
            # The loop of the parent runs in one of the parent's threads: a child has one of its own.
            async with self.repository.inner as repository:
                return await getattr(repository, method)(**asked)

        def outcome() -> tuple[Any, TripwireError | None]:
            try:
                return work(call), None
            except TripwireError as refusal:
                return None, refusal

        return fork(outcome)

    # -- several at once ----------------------------------------------------------------------------------------------

    def at_once(self, calls: list[Call], *, forked: bool) -> list[Any]:
        """Make calls side by side, from threads or from forked processes; each one's answer, or its refusal."""
        if forked:
            children = [self._elsewhere(method, asked) for method, asked in calls]
            return [
                self._answer(lambda child=child: _unpacked(child), call)
                for child, call in zip(children, calls, strict=True)
            ]  # type: ignore[misc]
        ready = threading.Barrier(len(calls))

        def begin(call: Call) -> Any:
            ready.wait(PATIENCE)
            return self._answer(lambda: self._here(*call), call)

        with ThreadPoolExecutor(len(calls)) as threads:
            return list(threads.map(begin, calls))

    def _answer(self, first: Callable[[], Any], call: Call) -> Any:
        try:
            try:
                return first()
            except PASSING:
                return self.persist(*call)
        except TripwireError as refusal:
            return refusal


def _unpacked(child: Child) -> Any:
    result, refusal = child.result()
    if refusal is not None:
        raise refusal
    return result
