"""What the repository asks of a cache of the leaderboard, and by which key."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Protocol

from tripwire_db.cache.stored import Rows
from tripwire_db.settings import sqlalchemy_url


class LeaderboardCache(Protocol):
    """What the repository asks of a cache; `RedisCache` is one. One object serves threads and event loops alike."""

    def get_or_compute(self, key: str, compute: Callable[[], Rows]) -> Rows:
        """The rows under this key, from the cache or from `compute`, whose errors pass through."""

    async def get_or_compute_async(self, key: str, compute: Callable[[], Awaitable[Rows]]) -> Rows:
        """The same for asyncio."""

    def close(self) -> None:
        """Give back connections; calling again is fine, and a later call opens new ones."""


def leaderboard_key(
    database_url: str, limit: int, since: date | None = None, until: date | None = None, time_zone: str = ""
) -> str:
    """The key of one leaderboard: of this database, whoever connects to it, and of what is asked.

    Examples:
        >>> leaderboard_key("postgresql://me:secret@db.example.com/course", 10).partition(":")[2]
        '10:::'
    """
    url = sqlalchemy_url(database_url)
    place = json.dumps([url.host or url.query.get("host"), url.port or url.query.get("port"), url.database])
    return f"{hashlib.sha256(place.encode()).hexdigest()[:16]}:{limit}:{since or ''}:{until or ''}:{time_zone.strip()}"
