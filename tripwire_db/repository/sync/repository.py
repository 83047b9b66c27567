# Made by scripts/unasync from tripwire_db/repository/aio/repository.py: change that, and run it again.
"""The repository for sync code: how it is opened and closed; its methods stand by noun beside this."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, Unpack

from tripwire_db.auth import Auth
from tripwire_db.cache import LeaderboardCache
from tripwire_db.engine.database import Database
from tripwire_db.engine.driver_errors import SchemaMismatch
from tripwire_db.engine.statement import Flow
from tripwire_db.engine.within import Within
from tripwire_db.flows.check_schema import check_schema as check_schema_flow
from tripwire_db.flows.check_schema import state_at
from tripwire_db.flows.shared.context import Clock
from tripwire_db.repository.base import ConnectArguments, arguments_from_environment
from tripwire_db.repository.sync.blocking import run_blocking, told
from tripwire_db.repository.sync.certificates import CertificateMethods
from tripwire_db.repository.sync.lessons import LessonMethods
from tripwire_db.repository.sync.managers import ManagerMethods
from tripwire_db.repository.sync.sales import SalesMethods
from tripwire_db.repository.sync.students import StudentMethods
from tripwire_db.results import SchemaState
from tripwire_db.validation import parse_pool_size
from tripwire_db.video import WatchPolicy


class TripwireRepository(StudentMethods, LessonMethods, CertificateMethods, ManagerMethods, SalesMethods):
    """Everything a backend asks of the course's database, for sync code; one object serves many threads.

    Open it with `connect` or `from_env`, and close it by leaving its `with` block. `auth` and `leaderboard_cache`
    may be shared by several repositories: closing leaves them open, unless `from_env` made them.
    In a child process a repository opens connections of its own.

    Examples:
        >>> auth = PostgresAuth(url)
        >>> with TripwireRepository.connect(url, auth=auth) as repository:
        ...     manager = repository.create_manager(email="dana@example.com", full_name="Dana K.")
        ...     student = repository.create_tripwire_user(
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
        reports_url: str | None = None,
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
            reports_url: where leaderboard, chart, totals and activity are read, on a pool of the same size, as from a
                read replica, whose answers may be a moment old; `Unavailable` when it is away, even if `url` is there.

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
            reports_url=reports_url,
        )
        size = parse_pool_size(pool_size)
        repository._database = Database(url, pool_size=size, transaction_pooler=transaction_pooler)
        if reports_url is not None:
            repository._reports = Database(reports_url, pool_size=size)
        return repository

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None, **arguments: Unpack[ConnectArguments]) -> Self:
        """Open a repository with the settings of the environment; see `settings.Settings`.

        It makes its auth object and its cache itself, and closes them with itself.

        Args:
            environment: names to values; by default the process's own.
            **arguments: those of `connect`, each of which comes before the environment; an `auth` or a
                `leaderboard_cache` given here is left open.

        Raises:
            InvalidInput: a variable is missing or cannot be right, or an argument is.

        Examples:
            >>> with TripwireRepository.from_env(pool_size=5, leaderboard_cache=None) as repository:
            ...     state = repository.check_schema()
        """
        found, made_here = arguments_from_environment(environment, arguments)
        repository = cls.connect(**found)
        repository._made_here = made_here  # noqa: SLF001 - an object of this very class
        return repository

    def within(self, connection: Any) -> Self:
        """The same repository on a connection of the caller's, inside the caller's transaction.

        Each call is a savepoint: where it fails or is refused, only that is undone, and the transaction is usable. The
        caller commits; nothing is tried again, and nothing is logged as done. The cache is passed by. Waits for rows
        end after 4 s, as ever; all other limits are the connection's own. Closing what this gives closes nothing.

        Args:
            connection: a connection of psycopg, or a connection or session of SQLAlchemy made with
                `postgresql+psycopg://`; flush a session first, if what is pending in it matters to the call.

        Raises:
            InvalidInput: `connection` is nothing of these; a call on one that commits by itself or whose transaction
                has failed, or a call that needs the auth service: make people first, outside.

        Examples:
            >>> with engine.begin() as connection:
            ...     repository.within(connection).complete_lesson(user_id=user_id, lesson_id=lesson_id)
            ...     connection.execute(text("INSERT INTO points (user_id) VALUES (:id)"), {"id": user_id})
        """
        inside = Within(connection)
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        other._inside = inside
        other._cache = None
        return other

    @told
    def check_schema(self) -> SchemaState:
        """Which revision the schema is at, and whether it is the one that this package is made for.

        For a readiness probe: ask when the process starts, until it is ready. A schema that is upgraded later, while
        the process runs, is no reason to stop it.

        Returns:
            A `SchemaState`, with revision, expected, ready.

        Raises:
            Refused: the database role is no member of service_role.

        Examples:
            >>> state = repository.check_schema()
            >>> state.ready, state.revision == state.expected
            (True, True)
        """
        try:
            return self._perform(check_schema_flow())
        except SchemaMismatch:
            return state_at(None)

    def explain(self, flow: Flow[Any], *, analyze: bool = False) -> str:
        """The server's plan for a flow, as text, or what each of its steps does.

        Args:
            flow: one that a function of `tripwire_db.flows` gives.
            analyze: run it, in a transaction that is rolled back, and tell in a line a step its rows, time and buffers,
                the gate that stopped it, and what the call would have given. Without, nothing is run.

        Raises:
            InvalidInput: `flow` is none.
            ConstraintViolated: analyzed, a constraint refuses a step.

        Examples:
            >>> from tripwire_db.flows.students import list_students
            >>> print(repository.explain(list_students(status="active"), analyze=True))
        """
        return (self._inside or self._database).explain(flow, analyze=analyze)

    def close(self) -> None:
        """Close the pools, and what `from_env` made; never an `auth` or a cache that was handed in.

        Calling again is fine, and a later call opens new connections.
        """
        if self._inside is not None:
            return
        self._database.close()
        if self._reports is not None:
            self._reports.close()
        for made_here in self._made_here:
            run_blocking(made_here.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
