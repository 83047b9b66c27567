"""For backends: the repository, sync and asyncio."""

from tripwire_db.repository.repository import AsyncTripwireRepository, TripwireRepository

__all__ = ["AsyncTripwireRepository", "TripwireRepository"]
