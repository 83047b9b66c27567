"""For backends: the repository, sync and asyncio, with the same methods, arguments and errors.

What a method does is written once, in `flows/` and, where the auth service takes part, in `provisioning.py`.
"""

from tripwire_db.repository.aio.repository import AsyncTripwireRepository
from tripwire_db.repository.sync.repository import TripwireRepository

__all__ = ["AsyncTripwireRepository", "TripwireRepository"]
