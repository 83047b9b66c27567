"""The repository for asyncio: how it is opened and closed; its methods stand by noun beside this."""

import copy
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from tripwire_db.auth import Auth
from tripwire_db.cache import LeaderboardCache
from tripwire_db.engine.database import AsyncDatabase
from tripwire_db.engine.statement import Flow
from tripwire_db.engine.within import AsyncWithin
from tripwire_db.flows.shared.context import Clock
from tripwire_db.repository.aio.blocking import run_blocking
from tripwire_db.repository.aio.certificates import CertificateMethods
from tripwire_db.repository.aio.lessons import LessonMethods
from tripwire_db.repository.aio.managers import ManagerMethods
from tripwire_db.repository.aio.sales import SalesMethods
from tripwire_db.repository.aio.students import StudentMethods
from tripwire_db.repository.base import arguments_from_environment
from tripwire_db.validation import parse_pool_size
from tripwire_db.video import WatchPolicy


class AsyncTripwireRepository(StudentMethods, LessonMethods, CertificateMethods, ManagerMethods, SalesMethods):
    """Everything a backend asks of the course's database, for asyncio; auth calls are made in threads.

    Open it with `connect` or `from_env`, and close it by leaving its `async with` block. `auth` and `leaderboard_cache`
    may be shared by several repositories: closing leaves them open, unless `from_env` made them. A repository belongs to
    the event loop that uses it first, until it is closed; in a child process it opens connections of its own.

    Examples:
        >>> auth = PostgresAuth(url)
        >>> async with AsyncTripwireRepository.connect(url, auth=auth) as repository:
        ...     manager = await repository.create_manager(email="dana@example.com", full_name="Dana K.")
        ...     student = await repository.create_tripwire_user(
        ...         email="aigerim@example.com", full_name="Aigerim S.", manager_id=manager.user_id
        ...     )
    """

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
            pool_size: at most so many connections, 1–1000, of this repository in each process; a `PostgresAuth` has
                its own beside them (5).
            policy: how watched time counts.
            clock: a callable that gives an aware datetime, which then is every time that a flow writes; for tests,
                imports and demos.
            leaderboard_cache: a `RedisCache`, for a leaderboard that may be five minutes old.
            transaction_pooler: True behind one; by default told from port 6543, and by each new connection.
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
        repository._database = AsyncDatabase(
            url, pool_size=parse_pool_size(pool_size), transaction_pooler=transaction_pooler
        )
        return repository

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Open a repository with the settings of the environment; see `settings.Settings`.

        It makes its auth object and its cache itself, and closes them with itself.

        Args:
            environment: names to values; by default the process's own.

        Raises:
            InvalidInput: a variable is missing or cannot be right.
        """
        arguments = arguments_from_environment(environment)
        repository = cls.connect(**arguments)
        made_here = (arguments["auth"], arguments["leaderboard_cache"])
        repository._made_here = tuple(filter(None, made_here))  # noqa: SLF001 - an object of this very class
        return repository

    def within(self, connection: Any) -> Self:
        """The same repository on a connection of the caller's, inside the caller's transaction.

        Each call is a savepoint: where it fails or is refused, only that is undone, and the transaction is usable. The
        caller commits; nothing is tried again, and nothing is logged as done. The cache is passed by. Waits for rows
        end after 4 s, as ever; all other limits are the connection's own. Closing what this gives closes nothing.

        Args:
            connection: an async connection of psycopg, or an async connection or session of SQLAlchemy made with
                `postgresql+psycopg://`; flush a session first, if what is pending in it matters to the call.

        Raises:
            InvalidInput: `connection` is nothing of these; a call on one that commits by itself or whose transaction
                has failed, or a call that needs the auth service: make people first, outside.

        Examples:
            >>> async with engine.begin() as connection:
            ...     await repository.within(connection).complete_lesson(user_id=user_id, lesson_id=lesson_id)
            ...     await connection.execute(text("INSERT INTO points (user_id) VALUES (:id)"), {"id": user_id})
        """
        inside = AsyncWithin(connection)
        other = copy.copy(self)
        other._inside = inside  # noqa: SLF001 - an object of this very class
        other._cache = None  # noqa: SLF001 - the same
        return other

    async def explain(self, flow: Flow[Any]) -> str:
        """The server's plan for a flow, as text; the flow is not run.

        Examples:
            >>> from tripwire_db.flows.students import list_students
            >>> print(await repository.explain(list_students(status="active")))
        """
        return await (self._inside or self._database).explain(flow)

    async def close(self) -> None:
        """Close the pool, and what `from_env` made; never an `auth` or a cache that was handed in.

        Calling again is fine, and a later call opens new connections, in whatever event loop it is made.
        """
        if self._inside is not None:
            return
        await self._database.close()
        for made_here in self._made_here:
            await run_blocking(made_here.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
