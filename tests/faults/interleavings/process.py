"""One caller whose call is driven step by step, with whatever may go wrong at each step."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from psycopg import RawCursor
from psycopg.pq import TransactionStatus

from tests.support.auth_service import AuthService
from tripwire_db.auth import EmailExists
from tripwire_db.engine.driver_errors import translated
from tripwire_db.engine.statement import Flow
from tripwire_db.errors import AuthFailed, TripwireError, Unavailable
from tripwire_db.repository.operation import AuthCall, InTransaction, Operation

LOCKING = {"create_tripwire_user", "create_manager", "lock_auth_user"}
MOST_RUNS = 5
"""As often a flow that lost a race is run, as the repository does."""

Begin = Callable[[], Operation[Any]]


class Killed(BaseException):
    """The process is no more."""


class Commit:
    """The last step of a transaction."""


class Service(AuthService):
    """The auth service on one connection, which may refuse the next request, or do it and lose the answer."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        # It never waits for a lock while everything is right, so waiting is an error, and not the end of the search.
        self._kept = psycopg.connect(url, autocommit=True, options="-c lock_timeout=2s")
        self.fault = ""

    def answer(self, method: str, request: Callable[[psycopg.Connection[Any]], None]) -> None:
        fault, self.fault = self.fault, ""
        if fault == "refused":
            raise AuthFailed("told to refuse; call again", applied=False)
        try:
            request(self._kept)
        except EmailExists:
            if fault == "lost":
                raise unclear(method) from None
            raise
        if fault == "lost":
            raise unclear(method)

    def close(self) -> None:
        self._kept.close()


def unclear(method: str) -> Exception:
    failure = AuthFailed("neither the answer came nor that to the look; call again", applied=None)
    return EmailExists(failure, certain=False) if method == "create_user" else failure


def _throw(error: Exception, operation: Operation[Any]) -> Any:
    return operation.throw(error)


@dataclass
class Process:
    """A caller.

    Attributes:
        begin: makes the call's steps, anew for each attempt.
        connection: its own, in autocommit.
        told: what each attempt of the caller ended in: a result, an error, or `Killed`.
        holds: the id whose lock its open transaction holds.
        waits: the id whose lock its statement waits for, in a thread.
    """

    name: str
    begin: Begin
    connection: psycopg.Connection[Any]
    service: Service
    number: int
    told: list[Any] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    holds: UUID | None = None
    waits: UUID | None = None
    wanted: Any = None
    _outer: Operation[Any] | None = None
    _inner: Operation[Any] | None = None
    _under_way: "Future[Any] | None" = None
    _ids: int = 0

    def new_id(self) -> UUID:
        """The next id that this process makes up: the same in each schedule."""
        self._ids += 1
        return UUID(int=(self.number + 1) << 64 | self._ids)

    @property
    def is_over(self) -> bool:
        return self._outer is None

    @property
    def wanted_lock(self) -> UUID | None:
        """The id whose lock the next step takes."""
        is_locking = isinstance(self.wanted, Flow) and self.wanted.name in LOCKING
        return self.wanted.parameters["user_id"] if is_locking else None

    def start(self) -> None:
        """Begin an attempt, up to its first step."""
        self._outer, self._inner = self.begin(), None
        self._go_on(lambda operation: operation.send(None))

    # -- steps --------------------------------------------------------------------------------------------------------

    def faults(self) -> tuple[str, ...]:
        """What may go wrong with the next step."""
        match self.wanted:
            case Flow() if self._inner is None and self.wanted.definition.writes:
                return ("refused", "lost", "kill")
            case Flow():
                return ("refused", "kill")
            case _:  # a call of the auth service, a commit
                return ("refused", "lost", "kill")

    def step(self, fault: str = "") -> None:
        """Do the next step, or what goes wrong with it."""
        self.history.append(f"{self._label()} {fault}")
        if fault == "kill":
            self._end(Killed())
            return
        try:
            answer = self._do(fault)
        except Exception as error:  # noqa: BLE001 - thrown into the operation, which decides
            self._fail(error)
        else:
            self._answer(answer)

    def step_behind_a_lock(self, threads: ThreadPoolExecutor, snapshot: str) -> None:
        """Send the next statement, which will wait for a lock that another process holds."""
        self.history.append(f"{self._label()} sent at {snapshot}")
        self.waits = self.wanted_lock
        self._under_way = threads.submit(self._run, self.wanted)

    def step_ends(self) -> None:
        """The lock is free, so the statement that was sent ends."""
        assert self._under_way is not None
        under_way, self._under_way, self.waits = self._under_way, None, None
        try:
            answer = under_way.result(30)
        except Exception as error:  # noqa: BLE001
            self._fail(error)
        else:
            self._answer(answer)

    @property
    def is_idle(self) -> bool:
        """Whether nothing of the process is left in the database."""
        return self.waits is None and self.connection.info.transaction_status is TransactionStatus.IDLE

    def roll_back(self) -> None:
        """Let go of a transaction that may be open."""
        self.connection.execute("ROLLBACK")
        self._inner, self.holds = None, None

    def abandon(self) -> None:
        """Wait for the statement that was sent, whatever comes of it: the schedule is over, and the lock is free."""
        assert self._under_way is not None
        self._under_way.exception(30)
        self._under_way, self.waits = None, None

    def _do(self, fault: str) -> Any:
        match self.wanted:
            case AuthCall():
                self.service.fault = fault
                return self.wanted.make()
            case Commit():
                self.connection.execute("ROLLBACK" if fault == "refused" else "COMMIT")
                self.holds = None
                if fault:
                    raise Unavailable("told to fail; calling again is safe", applied=None)
                return self.wanted
        if fault == "refused":
            raise Unavailable("told to refuse; calling again is safe", applied=False)
        answer = self._run(self.wanted)
        if fault == "lost":
            raise Unavailable("told to lose the answer; calling again is safe", applied=None)
        return answer

    def _run(self, flow: Flow[Any]) -> Any:
        """As the repository runs a flow; in a transaction once, outside again where it lost a race."""
        try:
            for _ in range(MOST_RUNS):
                rows = (
                    RawCursor(self.connection, row_factory=flow.definition.rows_of).execute(*flow.prepared()).fetchall()
                )
                if self._inner is not None or not (rows and getattr(rows[0], "raced", False)):
                    break
            return flow.decode(rows)
        except psycopg.Error as error:
            if isinstance(error, psycopg.errors.LockNotAvailable):
                raise AssertionError(f"{self.name}: {self._label()} waits for a lock nobody knows of") from error  # noqa: TRY004
            raise translated(error, flow.name, flow) from error

    # -- what comes of a step -----------------------------------------------------------------------------------------

    def _answer(self, answer: Any) -> None:
        self.history.append(repr(answer) if not isinstance(answer, Commit) else "")
        if isinstance(answer, Commit):
            value, self._inner = self._value, None
            self._go_on(lambda operation: operation.send(value))
            return
        if self._inner is not None and self.wanted_lock is not None:
            self.holds = self.wanted_lock
        self._go_on(lambda operation: operation.send(answer))

    def _fail(self, error: Exception) -> None:
        if isinstance(error, AssertionError):
            raise error
        self.history.append(f"{type(error).__name__} {error} {getattr(error, 'applied', '')}")
        if isinstance(self.wanted, Commit):
            self._inner = None
        self._go_on(lambda operation: operation.throw(error))

    def _go_on(self, go: Callable[[Operation[Any]], Any]) -> None:
        """Advance the operation to what it wants next; out of a transaction that ends, into one that begins."""
        while True:
            operation = self._inner or self._outer
            assert operation is not None
            try:
                wanted = go(operation)
            except StopIteration as done:
                if self._inner is None:
                    self._end(done.value)
                    return
                self._value, wanted = done.value, Commit()
            except Exception as error:  # noqa: BLE001
                if self._inner is None:
                    self._end(error)
                    return
                self.roll_back()
                go = partial(_throw, error)
                continue
            if isinstance(wanted, InTransaction):
                self.connection.execute("BEGIN")
                self._inner = wanted.begin()
                go = lambda inner: inner.send(None)  # noqa: E731
                continue
            self.wanted = wanted
            return

    def _end(self, outcome: Any) -> None:
        if self._inner is not None:
            self.roll_back()
        self._outer = None
        self.told.append(outcome)
        if isinstance(outcome, Exception) and not isinstance(outcome, TripwireError):
            raise AssertionError(f"{self.name} ended in {outcome!r}, which is no error of ours") from outcome  # noqa: TRY004

    def _label(self) -> str:
        match self.wanted:
            case Flow():
                return ("in transaction " if self._inner is not None else "") + str(self.wanted.name)
            case AuthCall():
                return "auth service"
            case _:
                return "commit"
