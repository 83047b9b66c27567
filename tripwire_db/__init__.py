"""The schema of a three-module course on PostgreSQL or Supabase, and the repository through which backends use it.

from tripwire_db import PostgresAuth, TripwireRepository

with TripwireRepository.connect(url, auth=PostgresAuth(url)) as repository:
    repository.get_sales_leaderboard()
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tripwire_db.auth import PostgresAuth, SupabaseAuth
    from tripwire_db.cache import RedisCache
    from tripwire_db.errors import (
        AuthFailed,
        CompensationFailed,
        Conflict,
        ConstraintViolated,
        EmailTaken,
        InvalidInput,
        ModuleLocked,
        NotEligible,
        NotFound,
        Refused,
        StudentNotActive,
        TripwireError,
        Unavailable,
        VideoNotQualified,
    )
    from tripwire_db.repository import AsyncTripwireRepository, TripwireRepository
    from tripwire_db.results import (
        Achievement,
        Activity,
        Certificate,
        CertificateCheck,
        CreatedManager,
        CreatedStudent,
        DeletedStudent,
        LeaderboardRow,
        LessonCompletion,
        LessonProgress,
        ManagerStats,
        ModuleUnlock,
        SalesDay,
        Student,
        StudentJourney,
        StudentStatus,
        UnlockedModule,
        VideoProgress,
        VideoTracking,
        WelcomeEmail,
    )
    from tripwire_db.stand_in import bootstrap
    from tripwire_db.watch import Segment, WatchPolicy

__version__ = "0.1.0"

__all__ = [
    "Achievement",
    "Activity",
    "AsyncTripwireRepository",
    "AuthFailed",
    "Certificate",
    "CertificateCheck",
    "CompensationFailed",
    "Conflict",
    "ConstraintViolated",
    "CreatedManager",
    "CreatedStudent",
    "DeletedStudent",
    "EmailTaken",
    "InvalidInput",
    "LeaderboardRow",
    "LessonCompletion",
    "LessonProgress",
    "ManagerStats",
    "ModuleLocked",
    "ModuleUnlock",
    "NotEligible",
    "NotFound",
    "PostgresAuth",
    "RedisCache",
    "Refused",
    "SalesDay",
    "Segment",
    "Student",
    "StudentJourney",
    "StudentNotActive",
    "StudentStatus",
    "SupabaseAuth",
    "TripwireError",
    "TripwireRepository",
    "Unavailable",
    "UnlockedModule",
    "VideoNotQualified",
    "VideoProgress",
    "VideoTracking",
    "WatchPolicy",
    "WelcomeEmail",
    "__version__",
    "bootstrap",
]

_MODULES = ("errors", "watch", "results", "stand_in", "cache", "auth", "repository")


def __getattr__(name: str) -> Any:
    """Import what is asked for, when it is asked for: a command that needs no repository does not wait for one."""
    if name in __all__:
        for module in _MODULES:
            found = getattr(importlib.import_module(f"{__name__}.{module}"), name, None)
            if found is not None:
                globals()[name] = found
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
