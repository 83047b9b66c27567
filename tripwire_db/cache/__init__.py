"""An optional cache of the leaderboard in Redis: at most five minutes old, computed once, and never in the way.

A Redis that is dead, slow or lying costs one warning; the database's answer is what callers get. Fifty callers at once
make one query: within a process they share one flight, and between processes the first takes a lock in Redis while
the others wait for what it stores, for a bounded time, and then ask the database themselves.
"""

from tripwire_db.cache.protocol import LeaderboardCache, leaderboard_key
from tripwire_db.cache.redis import LONGEST_TTL, RedisCache

__all__ = ["LONGEST_TTL", "LeaderboardCache", "RedisCache", "leaderboard_key"]
