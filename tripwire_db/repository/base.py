"""What both repositories are opened with, and how the environment gives it."""

import os
from collections.abc import Mapping
from typing import Any, NoReturn, TypedDict

from tripwire_db.auth import Auth, PostgresAuth, SupabaseAuth
from tripwire_db.cache import LeaderboardCache, RedisCache
from tripwire_db.errors import InvalidInput, TripwireError
from tripwire_db.flows.shared.context import DEFAULT_CERTIFICATE_URL, Clock, FlowContext
from tripwire_db.postgres.encryption import warn_if_unencrypted
from tripwire_db.repository.operation import Services
from tripwire_db.settings import Settings, certificate_url_of, mask_url
from tripwire_db.video import WatchPolicy


class RepositoryBase:
    """Checks and keeps what a repository is opened with; neither of the two does I/O here."""

    def __init__(
        self,
        url: str,
        *,
        auth: Auth,
        policy: WatchPolicy,
        clock: Clock | None,
        leaderboard_cache: LeaderboardCache | None,
        certificate_url: str | None,
        reports_url: str | None,
    ) -> None:
        if not isinstance(policy, WatchPolicy):
            raise InvalidInput("policy must be a WatchPolicy")
        if clock is not None and not callable(clock):
            raise InvalidInput("clock must be a callable that gives an aware datetime, or None")
        for method in ("create_user", "update_user", "delete_user", "close"):
            if not callable(getattr(auth, method, None)):
                raise InvalidInput(
                    f"auth must be a SupabaseAuth, a PostgresAuth, or an object with the same methods: it has no {method}"
                )
        if leaderboard_cache is not None and not callable(getattr(leaderboard_cache, "get_or_compute", None)):
            raise InvalidInput("leaderboard_cache must be a RedisCache, an object with the same methods, or None")
        base = certificate_url or certificate_url_of(os.environ) or DEFAULT_CERTIFICATE_URL
        self._services = Services(FlowContext(policy=policy, clock=clock, certificate_url=base), auth)
        self._cache = leaderboard_cache
        self._url = url
        self._reports_url = reports_url
        for used in (url, reports_url):
            if isinstance(used, str):
                warn_if_unencrypted(used)
        self._made_here: tuple[Auth | LeaderboardCache, ...] = ()

    def __repr__(self) -> str:
        # The URL may hold a password.
        return f"{type(self).__name__}({mask_url(self._url)!r})"

    def __reduce__(self) -> NoReturn:
        raise TripwireError(
            "a repository cannot be pickled or copied: its connections belong to one process. Open one in each process, "
            "with connect or from_env, as in a worker's initializer"
        )


class ConnectArguments(TypedDict, total=False):
    """The arguments of `connect`, any of them, as `from_env` takes them."""

    url: str
    auth: Auth
    pool_size: int
    policy: WatchPolicy
    clock: Clock | None
    leaderboard_cache: LeaderboardCache | None
    transaction_pooler: bool | None
    certificate_url: str | None
    reports_url: str | None


def arguments_from_environment(
    environment: Mapping[str, str] | None, given: ConnectArguments
) -> tuple[dict[str, Any], tuple[Auth | LeaderboardCache, ...]]:
    """The arguments of `connect`, as they are given, else as the environment has them; and which were made for it here.

    Raises:
        InvalidInput: a variable is missing or cannot be right.
    """
    settings = Settings.from_env(environment)
    url = given.get("url", settings.database_url)
    if url is None:
        raise InvalidInput("TRIPWIRE_DATABASE_URL is not set: set it to the database's postgresql:// URL")
    made: dict[str, Any] = {}
    if "auth" not in given:
        made["auth"] = _auth_of(settings, url)
    if "leaderboard_cache" not in given and settings.redis_url:
        made["leaderboard_cache"] = RedisCache(settings.redis_url)
    from_settings = {
        "url": url,
        "pool_size": settings.pool_size,
        "transaction_pooler": settings.transaction_pooler,
        "certificate_url": settings.certificate_url,
        "reports_url": settings.reports_url,
    }
    found = {name: value for name, value in from_settings.items() if value is not None}
    return {**found, **made, **given}, tuple(made.values())


def _auth_of(settings: Settings, url: str) -> Auth:
    if settings.supabase_url is not None and settings.service_role_key is not None:
        return SupabaseAuth(settings.supabase_url, settings.service_role_key)
    return PostgresAuth(url)
