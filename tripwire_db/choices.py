"""The words that an argument, a field or a column may hold, each list written down once."""

from typing import Literal, get_args

Role = Literal["student", "sales_manager", "admin", "curator", "tech_support"]
"""What a user is."""

ManagerRole = Literal["sales_manager", "admin", "curator", "tech_support"]
"""What a user is who is more than a student."""

Status = Literal["active", "inactive", "completed", "blocked"]
"""Where a student stands; only `active` and `completed` ones may watch and complete lessons."""

ProgressStatus = Literal["not_started", "in_progress", "completed"]
"""Where a student stands in one lesson."""

CertificateStatus = Literal["valid", "revoked", "unknown"]
"""What is known of a verification code."""

ActionType = Literal[
    "user_created",
    "user_status_updated",
    "user_deleted",
    "email_sent",
    "password_reset",
    "lesson_completed",
    "module_unlocked",
    "certificate_issued",
    "certificate_revoked",
    "user_corrected",
    "user_reassigned",
    "lesson_updated",
    "course_completed",
]
"""What a row of the activity log is about; `course_completed` comes from older backends."""

ROLES: tuple[Role, ...] = get_args(Role)
MANAGER_ROLES: tuple[ManagerRole, ...] = get_args(ManagerRole)
STUDENT_STATUSES: tuple[Status, ...] = get_args(Status)
PROGRESS_STATUSES: tuple[ProgressStatus, ...] = get_args(ProgressStatus)
ACTION_TYPES: tuple[ActionType, ...] = get_args(ActionType)
