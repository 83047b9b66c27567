"""What both repositories are opened with, and how the environment gives it."""

import os
from collections.abc import Mapping
from typing import Any

from tripwire_db.auth import Auth, PostgresAuth, SupabaseAuth
from tripwire_db.cache import LeaderboardCache, RedisCache
from tripwire_db.errors import InvalidInput
from tripwire_db.flows.shared.context import DEFAULT_CERTIFICATE_URL, Clock, FlowContext
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
        self._made_here: tuple[Auth | LeaderboardCache, ...] = ()

    def __repr__(self) -> str:
        # The URL may hold a password.
        return f"{type(self).__name__}({mask_url(self._url)!r})"


def arguments_from_environment(environment: Mapping[str, str] | None) -> dict[str, Any]:
    """The arguments of `connect`, as the environment has them.

    Raises:
        InvalidInput: a variable is missing or cannot be right.
    """
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
