"""The schema of a three-module course on PostgreSQL or Supabase, and the repository through which backends use it.

from tripwire_db import PostgresAuth, TripwireRepository

with PostgresAuth(url) as auth, TripwireRepository.connect(url, auth=auth) as repository:
    repository.get_sales_leaderboard()
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what type checkers and editors see; the same names as below, which a test holds
    from tripwire_db.auth import PostgresAuth as PostgresAuth
    from tripwire_db.auth import SupabaseAuth as SupabaseAuth
    from tripwire_db.cache import RedisCache as RedisCache
    from tripwire_db.choices import ActionType as ActionType
    from tripwire_db.choices import CertificateStatus as CertificateStatus
    from tripwire_db.choices import ManagerRole as ManagerRole
    from tripwire_db.choices import ProgressStatus as ProgressStatus
    from tripwire_db.choices import Role as Role
    from tripwire_db.choices import Status as Status
    from tripwire_db.errors import AuthFailed as AuthFailed
    from tripwire_db.errors import CompensationFailed as CompensationFailed
    from tripwire_db.errors import Conflict as Conflict
    from tripwire_db.errors import ConstraintViolated as ConstraintViolated
    from tripwire_db.errors import EmailTaken as EmailTaken
    from tripwire_db.errors import InvalidInput as InvalidInput
    from tripwire_db.errors import ModuleLocked as ModuleLocked
    from tripwire_db.errors import NotEligible as NotEligible
    from tripwire_db.errors import NotFound as NotFound
    from tripwire_db.errors import Refused as Refused
    from tripwire_db.errors import StudentNotActive as StudentNotActive
    from tripwire_db.errors import TripwireError as TripwireError
    from tripwire_db.errors import Unavailable as Unavailable
    from tripwire_db.errors import VideoNotQualified as VideoNotQualified
    from tripwire_db.repository import AsyncTripwireRepository as AsyncTripwireRepository
    from tripwire_db.repository import TripwireRepository as TripwireRepository
    from tripwire_db.results import Achievement as Achievement
    from tripwire_db.results import Activity as Activity
    from tripwire_db.results import Certificate as Certificate
    from tripwire_db.results import CertificateCheck as CertificateCheck
    from tripwire_db.results import CreatedManager as CreatedManager
    from tripwire_db.results import CreatedStudent as CreatedStudent
    from tripwire_db.results import DeletedStudent as DeletedStudent
    from tripwire_db.results import LeaderboardRow as LeaderboardRow
    from tripwire_db.results import Lesson as Lesson
    from tripwire_db.results import LessonCompletion as LessonCompletion
    from tripwire_db.results import LessonProgress as LessonProgress
    from tripwire_db.results import ManagerStats as ManagerStats
    from tripwire_db.results import ModuleUnlock as ModuleUnlock
    from tripwire_db.results import Page as Page
    from tripwire_db.results import PasswordReset as PasswordReset
    from tripwire_db.results import Reassignment as Reassignment
    from tripwire_db.results import SalesDay as SalesDay
    from tripwire_db.results import SchemaState as SchemaState
    from tripwire_db.results import Student as Student
    from tripwire_db.results import StudentJourney as StudentJourney
    from tripwire_db.results import StudentStatus as StudentStatus
    from tripwire_db.results import UnlockedModule as UnlockedModule
    from tripwire_db.results import VideoProgress as VideoProgress
    from tripwire_db.results import VideoTracking as VideoTracking
    from tripwire_db.results import WelcomeEmail as WelcomeEmail
    from tripwire_db.schema.bootstrap import bootstrap as bootstrap
    from tripwire_db.video import Segment as Segment
    from tripwire_db.video import WatchPolicy as WatchPolicy

__version__ = "1.0.0"

# The public names, by the module that defines each; it is imported when one of its names is first used.
_HOMES = {
    "tripwire_db.auth": ("PostgresAuth", "SupabaseAuth"),
    "tripwire_db.cache": ("RedisCache",),
    "tripwire_db.choices": ("ActionType", "CertificateStatus", "ManagerRole", "ProgressStatus", "Role", "Status"),
    "tripwire_db.errors": (
        "AuthFailed",
        "CompensationFailed",
        "Conflict",
        "ConstraintViolated",
        "EmailTaken",
        "InvalidInput",
        "ModuleLocked",
        "NotEligible",
        "NotFound",
        "Refused",
        "StudentNotActive",
        "TripwireError",
        "Unavailable",
        "VideoNotQualified",
    ),
    "tripwire_db.repository": ("AsyncTripwireRepository", "TripwireRepository"),
    "tripwire_db.results": (
        "Achievement",
        "Activity",
        "Certificate",
        "CertificateCheck",
        "CreatedManager",
        "CreatedStudent",
        "DeletedStudent",
        "LeaderboardRow",
        "Lesson",
        "LessonCompletion",
        "LessonProgress",
        "ManagerStats",
        "ModuleUnlock",
        "Page",
        "PasswordReset",
        "Reassignment",
        "SalesDay",
        "SchemaState",
        "Student",
        "StudentJourney",
        "StudentStatus",
        "UnlockedModule",
        "VideoProgress",
        "VideoTracking",
        "WelcomeEmail",
    ),
    "tripwire_db.schema.bootstrap": ("bootstrap",),
    "tripwire_db.video": ("Segment", "WatchPolicy"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
__all__ = [*sorted(_HOME_OF), "__version__"]  # noqa: PLE0604 - names all the same


def __getattr__(name: str) -> Any:
    """Import what is asked for, when it is asked for: a command that needs no repository does not wait for one."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_HOME_OF[name]), name)
    return found


def __dir__() -> list[str]:
    return __all__
