"""For backends: the repository, sync and asyncio, with the same methods, arguments and errors.

What a method does is written once, in `flows/` and, where the auth service takes part, in `provisioning.py`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tripwire_db.repository.aio.repository import AsyncTripwireRepository
    from tripwire_db.repository.sync.repository import TripwireRepository

__all__ = ["AsyncTripwireRepository", "TripwireRepository"]

# Each side is imported when it is used: few applications use both.
_MODULES = {
    "AsyncTripwireRepository": "tripwire_db.repository.aio.repository",
    "TripwireRepository": "tripwire_db.repository.sync.repository",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_MODULES[name]), name)
    return found
