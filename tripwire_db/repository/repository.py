"""The repository: all that a backend calls, sync and asyncio, with the same methods, arguments and errors.

Both classes are lists of the same operations. What an operation does is written once, in `flows/`, `flows/sales.py` and
`provisioning.py`; its signature and its documentation are those of the function named here.
"""

import asyncio
import functools
import inspect
import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, overload

from tripwire_db.auth import Auth, PostgresAuth, SupabaseAuth
from tripwire_db.cache import LeaderboardCache, RedisCache, leaderboard_key
from tripwire_db.engine.database import AsyncDatabase, Database
from tripwire_db.engine.statement import Flow
from tripwire_db.errors import InvalidInput
from tripwire_db.flows import sales
from tripwire_db.flows.shared.context import DEFAULT_CERTIFICATE_URL, Clock, FlowContext
from tripwire_db.repository import provisioning
from tripwire_db.repository.provisioning import AuthCall, InTransaction, Operation, Services, Wanted
from tripwire_db.results import LeaderboardRow
from tripwire_db.settings import Settings, certificate_url_of, mask_url
from tripwire_db.validation import parse_integer
from tripwire_db.video import WatchPolicy

P = ParamSpec("P")
T = TypeVar("T")
MAX_POOL_SIZE = 1000
_FIRST = {"context": lambda services: (services.context,), "services": lambda services: (services,)}


@overload
def _method(make: Callable[Concatenate[Services, P], Operation[T]]) -> Callable[Concatenate[Any, P], T]: ...
@overload
def _method(make: Callable[Concatenate[FlowContext, P], Flow[T]]) -> Callable[Concatenate[Any, P], T]: ...
@overload
def _method(make: Callable[P, Flow[T]]) -> Callable[Concatenate[Any, P], T]: ...
def _method(make: Callable[..., Any]) -> Any:
    """A method that makes a flow or an operation, gives it what it needs of the repository, and runs it."""
    signature = inspect.signature(make)
    own = [p for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY]
    needed = _FIRST.get(next(iter(signature.parameters), ""), lambda _: ())

    @functools.wraps(make)
    def method(self: Any, **arguments: Any) -> Any:
        return self._perform(make(*needed(self._services), **arguments))

    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    method.__signature__ = inspect.Signature([this, *own])  # type: ignore[attr-defined]
    return method


@overload
def _async_method(
    make: Callable[Concatenate[Services, P], Operation[T]],
) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]: ...
@overload
def _async_method(
    make: Callable[Concatenate[FlowContext, P], Flow[T]],
) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]: ...
@overload
def _async_method(make: Callable[P, Flow[T]]) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]: ...
def _async_method(make: Callable[..., Any]) -> Any:
    """The same, to be awaited; bad input is raised when it is awaited, not before."""
    method = _method(make)

    @functools.wraps(method)
    async def awaited(self: Any, **arguments: Any) -> Any:
        return await method(self, **arguments)

    return awaited


class _Opened:
    """What both repositories are opened with."""

    def __init__(
        self,
        url: str,
        *,
        auth: Auth,
        policy: WatchPolicy,
        clock: Clock | None,
        leaderboard_cache: LeaderboardCache | None,
        certificate_url: str | None,
    ) -> None:
        if not isinstance(policy, WatchPolicy):
            raise InvalidInput("policy must be a WatchPolicy")
        if clock is not None and not callable(clock):
            raise InvalidInput("clock must be a callable that gives an aware datetime, or None")
        for method in ("create_user", "delete_user", "close"):
            if not callable(getattr(auth, method, None)):
                raise InvalidInput("auth must be a SupabaseAuth, a PostgresAuth, or an object with the same methods")
        if leaderboard_cache is not None and not callable(getattr(leaderboard_cache, "get_or_compute", None)):
            raise InvalidInput("leaderboard_cache must be a RedisCache, an object with the same methods, or None")
        base = certificate_url or certificate_url_of(os.environ) or DEFAULT_CERTIFICATE_URL
        self._services = Services(FlowContext(policy=policy, clock=clock, certificate_url=base), auth)
        self._cache = leaderboard_cache
        self._url = url

    def __repr__(self) -> str:
        # The URL may hold a password.
        return f"{type(self).__name__}({mask_url(self._url)!r})"


def _from_environment(environment: Mapping[str, str] | None) -> dict[str, Any]:
    """Arguments of `connect` as the environment has them."""
    settings = Settings.from_env(environment)
    if settings.database_url is None:
        raise InvalidInput("TRIPWIRE_DATABASE_URL is not set: set it to the database's postgresql:// URL")
    auth: Auth
    if settings.supabase_url is not None and settings.service_role_key is not None:
        auth = SupabaseAuth(settings.supabase_url, settings.service_role_key)
    else:
        auth = PostgresAuth(settings.database_url)
    return {
        "url": settings.database_url,
        "auth": auth,
        "transaction_pooler": settings.transaction_pooler,
        "leaderboard_cache": RedisCache(settings.redis_url) if settings.redis_url else None,
        "certificate_url": settings.certificate_url,
    }


class TripwireRepository(_Opened):
    """The repository for sync code; one object serves many threads.

    Open it with `connect` or `from_env`, and close it by leaving its `with` block. `auth` and `leaderboard_cache` may be
    shared by several repositories: closing gives back connections, and whoever calls next opens new ones.

    Example:
        >>> with TripwireRepository.connect(url, auth=PostgresAuth(url)) as repository:
        ...     manager = repository.create_manager(email="dana@example.com", full_name="Dana K.")
        ...     student = repository.create_tripwire_user(
        ...         email="aigerim@example.com", full_name="Aigerim S.", manager_id=manager.user_id
        ...     )
    """

    _database: Database

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        auth: Auth,
        pool_size: int = 20,
        policy: WatchPolicy = WatchPolicy(),  # noqa: B008 - frozen
        clock: Clock | None = None,
        leaderboard_cache: LeaderboardCache | None = None,
        transaction_pooler: bool | None = None,
        certificate_url: str | None = None,
    ) -> Self:
        """Open a repository; connections are made when they are needed.

        Args:
            url: any `postgresql://` URL, unix sockets included.
            auth: `SupabaseAuth`, or `PostgresAuth` where the stand-in is.
            pool_size: at most so many connections, 1–1000.
            policy: how watched time counts.
            clock: a callable that gives an aware datetime, which then is every time that a flow writes; for tests,
                imports and demos.
            leaderboard_cache: a `RedisCache`, for a leaderboard that may be five minutes old.
            transaction_pooler: True behind one; by default told from port 6543.
            certificate_url: a certificate's URL is this and its code; by default `TRIPWIRE_CERTIFICATE_URL`.

        Raises:
            InvalidInput: an argument that cannot be right.
        """
        repository = cls(
            url,
            auth=auth,
            policy=policy,
            clock=clock,
            leaderboard_cache=leaderboard_cache,
            certificate_url=certificate_url,
        )
        size = parse_integer("pool_size", pool_size, least=1, most=MAX_POOL_SIZE)
        repository._database = Database(url, pool_size=size, transaction_pooler=transaction_pooler)
        return repository

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Open a repository with the settings of the environment; see `settings.Settings`.

        Args:
            environment: names to values; by default the process's own.

        Raises:
            InvalidInput: a variable is missing or cannot be right.
        """
        return cls.connect(**_from_environment(environment))

    create_tripwire_user = _method(provisioning.create_tripwire_user)
    complete_lesson = _method(provisioning.complete_lesson)
    unlock_next_module = _method(provisioning.unlock_next_module)
    update_video_tracking = _method(provisioning.update_video_tracking)
    issue_certificate = _method(provisioning.issue_certificate)
    log_activity = _method(provisioning.log_activity)
    get_sales_chart_data = _method(sales.get_sales_chart_data)
    get_manager_stats = _method(sales.get_manager_stats)
    get_manager_activity = _method(sales.get_manager_activity)
    create_manager = _method(provisioning.create_manager)
    set_student_status = _method(provisioning.set_student_status)
    delete_student = _method(provisioning.delete_student)
    revoke_certificate = _method(provisioning.revoke_certificate)
    verify_certificate = _method(provisioning.verify_certificate)
    search_activity = _method(provisioning.search_activity)
    search_watched_segments = _method(provisioning.search_watched_segments)
    record_welcome_email = _method(provisioning.record_welcome_email)
    get_student = _method(provisioning.get_student)
    list_students = _method(provisioning.list_students)

    def get_sales_leaderboard(self, *, limit: int = 10) -> list[LeaderboardRow]:
        """The sellers by students, then revenue; see `sales.get_sales_leaderboard`. With a cache, up to 5 min old."""
        flow = sales.get_sales_leaderboard(limit=limit)
        if self._cache is None:
            return self._database.run(flow)
        return self._cache.get_or_compute(leaderboard_key(self._url, limit), lambda: self._database.run(flow))

    def explain(self, flow: Flow[Any]) -> str:
        """The server's plan for a flow, as text; the flow is not run.

        Example:
            >>> from tripwire_db.flows.students import list_students
            >>> print(repository.explain(list_students(status="active")))
        """
        return self._database.explain(flow)

    def close(self) -> None:
        """Close the connections, those of `auth` and of the cache too; a later call, of anybody's, opens new ones."""
        self._database.close()
        self._services.auth.close()
        if self._cache is not None:
            self._cache.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _perform(self, wanted: Flow[T] | Operation[T]) -> T:
        return self._database.run(wanted) if isinstance(wanted, Flow) else self._drive(wanted, self._database.run)

    def _drive(self, operation: Operation[T], run: Callable[[Flow[Any]], Any]) -> T:
        """Do what an operation wants, one thing after another, and send it what came of it."""

        def do(wanted: Wanted) -> Any:
            if isinstance(wanted, AuthCall):
                return wanted.call()
            if isinstance(wanted, InTransaction):
                return self._database.transact(wanted.name, lambda inside: self._drive(wanted.begin(), inside))
            return run(wanted)

        answer: Any = None
        failure: Exception | None = None
        while True:
            try:
                wanted = operation.send(answer) if failure is None else operation.throw(failure)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            answer, failure = None, None
            try:
                answer = do(wanted)
            except Exception as error:  # noqa: BLE001 - thrown into the operation, which decides
                failure = error


class AsyncTripwireRepository(_Opened):
    """The repository for asyncio: the same methods, to be awaited; auth calls are made in threads.

    Example:
        >>> async with AsyncTripwireRepository.connect(url, auth=PostgresAuth(url)) as repository:
        ...     await repository.get_sales_leaderboard(limit=3)
    """

    _database: AsyncDatabase

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        auth: Auth,
        pool_size: int = 20,
        policy: WatchPolicy = WatchPolicy(),  # noqa: B008 - frozen
        clock: Clock | None = None,
        leaderboard_cache: LeaderboardCache | None = None,
        transaction_pooler: bool | None = None,
        certificate_url: str | None = None,
    ) -> Self:
        """Open a repository; see `TripwireRepository.connect`."""
        repository = cls(
            url,
            auth=auth,
            policy=policy,
            clock=clock,
            leaderboard_cache=leaderboard_cache,
            certificate_url=certificate_url,
        )
        size = parse_integer("pool_size", pool_size, least=1, most=MAX_POOL_SIZE)
        repository._database = AsyncDatabase(url, pool_size=size, transaction_pooler=transaction_pooler)
        return repository

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Open a repository with the settings of the environment; see `TripwireRepository.from_env`."""
        return cls.connect(**_from_environment(environment))

    create_tripwire_user = _async_method(provisioning.create_tripwire_user)
    complete_lesson = _async_method(provisioning.complete_lesson)
    unlock_next_module = _async_method(provisioning.unlock_next_module)
    update_video_tracking = _async_method(provisioning.update_video_tracking)
    issue_certificate = _async_method(provisioning.issue_certificate)
    log_activity = _async_method(provisioning.log_activity)
    get_sales_chart_data = _async_method(sales.get_sales_chart_data)
    get_manager_stats = _async_method(sales.get_manager_stats)
    get_manager_activity = _async_method(sales.get_manager_activity)
    create_manager = _async_method(provisioning.create_manager)
    set_student_status = _async_method(provisioning.set_student_status)
    delete_student = _async_method(provisioning.delete_student)
    revoke_certificate = _async_method(provisioning.revoke_certificate)
    verify_certificate = _async_method(provisioning.verify_certificate)
    search_activity = _async_method(provisioning.search_activity)
    search_watched_segments = _async_method(provisioning.search_watched_segments)
    record_welcome_email = _async_method(provisioning.record_welcome_email)
    get_student = _async_method(provisioning.get_student)
    list_students = _async_method(provisioning.list_students)

    async def get_sales_leaderboard(self, *, limit: int = 10) -> list[LeaderboardRow]:
        """As `TripwireRepository.get_sales_leaderboard`."""
        flow = sales.get_sales_leaderboard(limit=limit)
        if self._cache is None:
            return await self._database.run(flow)
        key = leaderboard_key(self._url, limit)
        return await self._cache.get_or_compute_async(key, lambda: self._database.run(flow))

    async def explain(self, flow: Flow[Any]) -> str:
        """The server's plan for a flow, as text; the flow is not run."""
        return await self._database.explain(flow)

    async def close(self) -> None:
        """As `TripwireRepository.close`."""
        await self._database.close()
        await asyncio.to_thread(self._services.auth.close)
        if self._cache is not None:
            await asyncio.to_thread(self._cache.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _perform(self, wanted: Flow[T] | Operation[T]) -> T:
        if isinstance(wanted, Flow):
            return await self._database.run(wanted)
        return await self._drive(wanted, self._database.run)

    async def _drive(self, operation: Operation[T], run: Callable[[Flow[Any]], Awaitable[Any]]) -> T:
        """As `TripwireRepository._drive`."""

        async def do(wanted: Wanted) -> Any:
            if isinstance(wanted, AuthCall):
                return await asyncio.to_thread(wanted.call)
            if isinstance(wanted, InTransaction):
                done = self._database.transact(wanted.name, lambda inside: self._drive(wanted.begin(), inside))
                return await _to_its_end(done)
            return await run(wanted)

        answer: Any = None
        failure: Exception | None = None
        while True:
            try:
                wanted = operation.send(answer) if failure is None else operation.throw(failure)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            answer, failure = None, None
            try:
                answer = await do(wanted)
            except Exception as error:  # noqa: BLE001 - thrown into the operation, which decides
                failure = error


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
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
