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
from tripwire_db.auth import Claim, EmailExists
from tripwire_db.engine.driver_errors import translated
from tripwire_db.engine.statement import Flow
from tripwire_db.errors import AuthFailed, TripwireError, Unavailable
from tripwire_db.repository.operation import AuthCall, InTransaction, Operation
from tripwire_db.results import PasswordReset, Student

CREATING = {"create_tripwire_user", "create_manager"}
CHANGING_ROWS = {"correct_student", "delete_student"}
"""These wait for the student's row, which only a correction holds from one step to the next."""
MOST_RUNS = 5
"""As often a flow that lost a race is run, as the repository does."""

Begin = Callable[[], Operation[Any]]
Lock = tuple[str, Any]
"""The advisory lock on an auth user's id, a student's row, or an e-mail that an open transaction gives up or takes."""


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
        self._asks_for_email = False

    def update_user(
        self,
        *,
        id: UUID,  # noqa: A002
        password: str | None = None,
        full_name: str | None = None,
        email: str | None = None,
        claim: Claim | None = None,
    ) -> None:
        self._asks_for_email = email is not None
        super().update_user(id=id, password=password, full_name=full_name, email=email, claim=claim)

    def answer(self, method: str, request: Callable[[psycopg.Connection[Any]], None]) -> None:
        fault, self.fault = self.fault, ""
        if fault == "refused":
            raise AuthFailed("told to refuse; call again", applied=False)
        try:
            request(self._kept)
        except EmailExists:
            if fault == "lost":
                raise self._unclear(method) from None
            raise
        if fault == "lost":
            raise self._unclear(method)

    def _unclear(self, method: str) -> Exception:
        is_about_email = method == "create_user" or (method == "update_user" and self._asks_for_email)
        failure = AuthFailed("neither the answer came nor that to the look; call again", applied=None)
        return EmailExists(failure, certain=False) if is_about_email else failure

    def close(self) -> None:
        self._kept.close()


def _told(answer: Any) -> str:
    """An answer without what differs from run to run, its times and the ids that the database makes up."""
    match answer:
        case Commit():
            return ""
        case Student():
            return f"{answer.email} {answer.full_name} {answer.price}"
        case PasswordReset():
            return "a new password"
    return repr(answer)


def _throw(error: Exception, operation: Operation[Any]) -> Any:
    return operation.throw(error)


@dataclass
class Process:
    """A caller.

    Attributes:
        begin: makes the call's steps, anew for each attempt.
        connection: its own, in autocommit.
        told: what each attempt of the caller ended in: a result, an error, or `Killed`.
        holds: the locks that its open transaction holds.
        waits: the locks that its statement waits for, in a thread; None where it does not wait.
        order: what everybody is told, in the order in which they are told.
    """

    name: str
    begin: Begin
    connection: psycopg.Connection[Any]
    service: Service
    number: int
    told: list[Any] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    holds: frozenset[Lock] = frozenset()
    waits: frozenset[Lock] | None = None
    order: list[tuple[int, Any]] = field(default_factory=list)
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
    def wanted_locks(self) -> frozenset[Lock]:
        """The locks that the next step takes, or waits for."""
        if not isinstance(self.wanted, Flow):
            return frozenset()
        name, asked = self.wanted.name, self.wanted.parameters
        locks: set[Lock] = set()
        if name in CREATING or name == "lock_auth_user":
            locks.add(("auth user", asked["user_id"]))
        if name in CREATING:
            locks.add(("e-mail", asked["email"]))
        if name in CHANGING_ROWS:
            locks.add(("row", asked["user_id"]))
        return frozenset(locks)

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
        self.waits = self.wanted_locks
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
        self._inner, self.holds = None, frozenset()

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
                self.holds = frozenset()
                if fault:
                    raise Unavailable("told to fail; calling again is safe", applied=None)
                return self.wanted
        if fault == "refused":
            raise Unavailable("told to refuse; calling again is safe", applied=False)
        moves = self._emails_moved(self.wanted)
        answer = self._run(self.wanted)
        if self._inner is not None:
            self.holds |= moves
        if fault == "lost":
            raise Unavailable("told to lose the answer; calling again is safe", applied=None)
        return answer

    def _emails_moved(self, flow: Flow[Any]) -> frozenset[Lock]:
        """The e-mails that a correction gives up and takes: whoever inserts one waits for its transaction."""
        if flow.name != "correct_student":
            return frozenset()
        query = "SELECT email FROM public.tripwire_users WHERE user_id = %s"
        row = self.connection.execute(query, [flow.parameters["user_id"]]).fetchone()
        old, new = row[0] if row else None, flow.parameters["email"]
        return frozenset() if None in (old, new) or old == new else frozenset({("e-mail", old), ("e-mail", new)})

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
        self.history.append(_told(answer))
        if isinstance(answer, Commit):
            value, self._inner = self._value, None
            self._go_on(lambda operation: operation.send(value))
            return
        if self._inner is not None:
            self.holds |= {lock for lock in self.wanted_locks if lock[0] != "e-mail"}
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
        self.order.append((self.number, outcome))
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
