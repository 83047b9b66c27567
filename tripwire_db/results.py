"""What the repository gives back: frozen, slotted dataclasses. Money is `Decimal`, times are aware."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar, overload
from uuid import UUID

from tripwire_db.choices import ActionType, CertificateStatus, ManagerRole, ProgressStatus, Status
from tripwire_db.video import Segment

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Sequence[T], Generic[T]):
    """One page of a list: a sequence of its rows, with what leads to the next page.

    Attributes:
        rows: in the list's order.
        next: what the next call takes to go on (`after` or `before`); opaque. None where this page was not full.
        total: how many rows all pages have together; None unless the call was asked to count.

    Examples:
        >>> page = repository.list_students(limit=100, count=True)
        >>> print(f"{len(page)} of {page.total}")
        100 of 2517
        >>> while page.next:
        ...     page = repository.list_students(limit=100, after=page.next)
    """

    rows: tuple[T, ...]
    next: str | None = None
    total: int | None = None

    def __len__(self) -> int:
        """How many rows this page has."""
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        """A row, or several as a tuple."""
        return self.rows[index]


@dataclass(frozen=True, slots=True)
class CreatedStudent:
    """A student, complete across auth and nine tables. `created` is False where it was there before this call."""

    user_id: UUID
    email: str
    full_name: str
    manager_id: UUID | None
    price: Decimal
    created: bool


@dataclass(frozen=True, slots=True)
class CreatedManager:
    """A seller with auth user and users row. `created` is False where it was there before this call."""

    user_id: UUID
    email: str
    full_name: str | None
    role: ManagerRole
    created: bool


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate; valid while `revoked_at` is None. `url` is the configured base and the verification code."""

    id: UUID
    user_id: UUID
    number: str
    verification_code: str
    url: str
    full_name: str
    issued_at: datetime
    revoked_at: datetime | None = None
    revoked_reason: str | None = None
    newly_issued: bool = False


@dataclass(frozen=True, slots=True)
class CertificateCheck:
    """What is known of a verification code: `status` is `"valid"`, `"revoked"` or `"unknown"`."""

    status: CertificateStatus
    number: str | None = None
    full_name: str | None = None
    issued_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_reason: str | None = None

    @property
    def valid(self) -> bool:
        """True for a certificate that stands."""
        return self.status == "valid"

    @property
    def revoked(self) -> bool:
        """True for one that was taken back; `revoked_reason` says why."""
        return self.status == "revoked"


@dataclass(frozen=True, slots=True)
class LessonCompletion:
    """A completed lesson and what it opened; `modules_completed` is 0–3, `certificate` is there after the last."""

    user_id: UUID
    lesson_id: int
    module_id: int
    modules_completed: int
    already_completed: bool
    unlocked_module_id: int | None
    certificate: Certificate | None


@dataclass(frozen=True, slots=True)
class ModuleUnlock:
    """The module a student may work on, and its lesson."""

    user_id: UUID
    module_id: int
    lesson_id: int
    newly_unlocked: bool


@dataclass(frozen=True, slots=True)
class VideoProgress:
    """What is stored for a lesson's video after a call; times in seconds, exact to the millisecond.

    Attributes:
        segments: the stored set, sorted and disjoint.
        unique_seconds: its length.
        counted_seconds: what counts towards completion, ≤ unique_seconds.
        new_seconds: what this call added to it.
        percentage: counted of the duration, floored, 0–100.
        held_back_seconds: unique − counted; later calls release it.
        newly_qualified: True once, in the call that crossed the threshold.
        status: `not_started`, `in_progress` or `completed`.
        warnings: what was odd in the call, as sentences.
    """

    user_id: UUID
    lesson_id: int
    segments: tuple[Segment, ...]
    unique_seconds: float
    counted_seconds: float
    new_seconds: float
    percentage: int
    qualified: bool
    newly_qualified: bool
    status: ProgressStatus
    held_back_seconds: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StudentStatus:
    """A student's status; `changed` is False where it was that already."""

    user_id: UUID
    status: Status
    changed: bool


@dataclass(frozen=True, slots=True)
class Reassignment:
    """Who passed from one seller to another by this call; those who had passed before are not among them."""

    from_manager_id: UUID
    to_manager_id: UUID
    user_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class PasswordReset:
    """A student's password was set, and when."""

    user_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class DeletedStudent:
    """A student who is gone; `deleted` is False where an earlier call had removed the rows."""

    user_id: UUID
    email: str | None
    full_name: str | None
    deleted: bool


@dataclass(frozen=True, slots=True)
class WelcomeEmail:
    """Whether the welcome e-mail has gone out; `recorded` is False where this call changed nothing."""

    user_id: UUID
    sent: bool
    sent_at: datetime | None
    recorded: bool


@dataclass(frozen=True, slots=True)
class Activity:
    """One row of the activity log; `details` holds at least the target's e-mail and name where it had one."""

    id: UUID
    action_type: ActionType
    target_user_id: UUID | None
    target_user_email: str | None
    target_user_name: str | None
    details: Mapping[str, Any]
    created_at: datetime
    manager_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class LeaderboardRow:
    """One seller: students sold, by status, revenue in KZT, mean completion in percent (0–100); and the current month's.

    `manager_id` is None for sales whose seller is gone; `manager_name` is what the students' rows keep.
    """

    manager_id: UUID | None
    manager_name: str | None
    email: str | None
    total_students: int
    active_students: int
    completed_students: int
    total_revenue: Decimal
    avg_completion_rate: Decimal
    students_this_month: int
    revenue_this_month: Decimal


@dataclass(frozen=True, slots=True)
class SalesDay:
    """One day of the chart, in the time zone asked for; revenue in KZT."""

    date: date
    students_created: int
    revenue: Decimal


@dataclass(frozen=True, slots=True)
class ManagerStats:
    """One seller's totals, or those of all together, and those of the current month in the time zone asked for; revenue in KZT."""

    total_students: int
    active_students: int
    completed_students: int
    total_revenue: Decimal
    avg_completion_rate: Decimal
    students_this_month: int
    revenue_this_month: Decimal


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson of the course; its duration in seconds is the only one that counts."""

    lesson_id: int
    module_id: int
    title: str
    duration_seconds: int
    archived: bool


@dataclass(frozen=True, slots=True)
class LessonProgress:
    """Where a student stands in one lesson."""

    lesson_id: int
    module_id: int
    status: ProgressStatus
    started_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class VideoTracking:
    """What is stored for one lesson's video; seconds are whole."""

    lesson_id: int
    segments: tuple[Segment, ...]
    total_watched_seconds: int
    video_duration_seconds: int
    last_position_seconds: int
    watch_percentage: int
    is_qualified_for_completion: bool


@dataclass(frozen=True, slots=True)
class UnlockedModule:
    """A module that is open, and since when."""

    module_id: int
    unlocked_at: datetime


@dataclass(frozen=True, slots=True)
class Achievement:
    """One of the four achievements, `current_value` of `required_value`."""

    achievement_id: str
    current_value: int
    required_value: int
    is_completed: bool
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Student:
    """A student as a list shows them; `modules_completed` is 0–3, price in KZT.

    `last_seen_at` is when the student last watched any of the videos; None for who never has.
    """

    id: UUID
    user_id: UUID
    email: str
    full_name: str
    manager_id: UUID | None
    manager_name: str | None
    status: Status
    modules_completed: int
    price: Decimal
    welcome_email_sent: bool
    welcome_email_sent_at: datetime | None
    created_at: datetime
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class StudentJourney:
    """Everything about one student in one call; the lists go by the course's order."""

    student: Student
    completion_percentage: Decimal
    lessons_completed: int
    total_time_spent: int
    progress: tuple[LessonProgress, ...]
    video: tuple[VideoTracking, ...]
    unlocks: tuple[UnlockedModule, ...]
    achievements: tuple[Achievement, ...]
    certificate: Certificate | None


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Which schema the repository has met.

    Attributes:
        revision: the one that the database is at; None where there is no schema of ours, or one older than this question.
        expected: the one that this package is made for.
        ready: whether they are the same.
    """

    revision: str | None
    expected: str
    ready: bool
