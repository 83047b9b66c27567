"""The tables of the course, each written down once, as SQLAlchemy Core metadata.

The Alembic chain builds the same schema by its own literal SQL; a test compares the two object by object.
`auth.users` belongs to Supabase and is kept in a MetaData of its own, so that nothing here ever creates it.

Constraint names follow one convention, because errors are told by them: `pk_<table>`, `uq_<table>_<columns>`,
`fk_<table>_<columns>`, `ck_<table>_<rule>`; indexes are `idx_<table>_<what>`, and each says in `info["serves"]`
(a COMMENT in the database) which query it is for.
"""

from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from tripwire_db.choices import ACTION_TYPES, PROGRESS_STATUSES, ROLES, STUDENT_STATUSES
from tripwire_db.columns import NAMING_CONVENTION, count, flag, newest_first, one_of, person, random_id, time

MODULES_IN_COURSE = 3
"""The course has exactly three modules; which they are, their order and their lessons are rows."""

DEFAULT_PRICE = Decimal(5000)
"""What a student pays unless the price is given, in KZT."""

SELLER_ROLES = ("sales_manager", "admin")
STUDYING_STATUSES = ("active", "completed")
"""Who may watch and complete: whoever has completed the course may go on watching."""
MODULE_ACHIEVEMENTS = ("first_module_complete", "second_module_complete", "third_module_complete")
GRADUATE_ACHIEVEMENT = "tripwire_graduate"
ACHIEVEMENTS = (*MODULE_ACHIEVEMENTS, GRADUATE_ACHIEVEMENT)

auth_metadata = MetaData(schema="auth")
auth_users = Table(
    "users",
    auth_metadata,
    Column("id", UUID, primary_key=True),
    Column("email", Text),
    Column("created_at", DateTime(timezone=True)),
    Column("raw_app_meta_data", JSONB),
    Column("raw_user_meta_data", JSONB),
)

metadata = MetaData(
    # Named in every statement: nothing depends on the search_path of whoever connects.
    schema="public",
    naming_convention=NAMING_CONVENTION,
)


users = Table(
    "users",
    metadata,
    Column("id", UUID, ForeignKey(auth_users.c.id, ondelete="CASCADE"), primary_key=True),
    Column("email", Text, nullable=False),
    Column("full_name", Text),
    Column("role", Text, nullable=False, server_default=text("'student'")),
    Column("telegram_chat_id", BigInteger),
    flag("onboarding_completed"),
    time("created_at"),
    time("updated_at"),
    UniqueConstraint("email"),
    CheckConstraint("email = lower(email)", name="email_lower"),
    one_of("role", ROLES),
)
Index(
    "idx_users_role",
    users.c.role,
    postgresql_where=text("role <> 'student'"),
    info={"serves": "rpc_get_sales_leaderboard: the sellers among all users"},
)

tripwire_users = Table(
    "tripwire_users",
    metadata,
    random_id(),
    person(auth_users),
    Column("email", Text, nullable=False),
    Column("full_name", Text, nullable=False),
    Column("granted_by", UUID, ForeignKey(auth_users.c.id, ondelete="SET NULL")),
    Column("manager_name", Text),
    Column("status", Text, nullable=False, server_default=text("'active'")),
    count("modules_completed"),
    Column("price", Numeric, nullable=False, server_default=text(str(DEFAULT_PRICE))),
    flag("welcome_email_sent"),
    Column("welcome_email_sent_at", DateTime(timezone=True)),
    time("created_at"),
    time("updated_at"),
    UniqueConstraint("user_id"),
    UniqueConstraint("email"),
    CheckConstraint("email = lower(email)", name="email_lower"),
    one_of("status", STUDENT_STATUSES),
    CheckConstraint("modules_completed >= 0 AND modules_completed <= 3", name="modules_completed"),
    CheckConstraint("price >= 0", name="price"),
)
Index(
    "idx_tripwire_users_seller",
    tripwire_users.c.granted_by,
    *newest_first(tripwire_users),
    postgresql_include=["user_id", "status", "price", "modules_completed"],
    info={
        "serves": "list_students(manager_id=…) newest first; rpc_get_sales_chart_data; "
        "rpc_get_manager_stats and readable_student_ids, from the index alone"
    },
)
Index(
    "idx_tripwire_users_created_at",
    *newest_first(tripwire_users),
    info={"serves": "list_students() newest first"},
)
Index(
    "idx_tripwire_users_active",
    *newest_first(tripwire_users),
    postgresql_where=text("status = 'active'"),
    info={"serves": "list_students(status='active') newest first"},
)
Index(
    "idx_tripwire_users_completed",
    *newest_first(tripwire_users),
    postgresql_where=text("status = 'completed'"),
    info={"serves": "list_students(status='completed') newest first"},
)

tripwire_user_profile = Table(
    "tripwire_user_profile",
    metadata,
    random_id(),
    person(auth_users),
    count("total_modules", MODULES_IN_COURSE),
    count("modules_completed"),
    Column("completion_percentage", Numeric, nullable=False, server_default=text("0")),
    flag("certificate_issued"),
    Column("certificate_url", Text),
    time("created_at"),
    time("updated_at"),
    UniqueConstraint("user_id"),
    CheckConstraint("modules_completed >= 0 AND modules_completed <= 3", name="modules_completed"),
    CheckConstraint("modules_completed <= total_modules", name="modules_within_total"),
    CheckConstraint("completion_percentage >= 0 AND completion_percentage <= 100", name="completion_percentage"),
    CheckConstraint("NOT certificate_issued OR certificate_url IS NOT NULL", name="certificate"),
)
Index(
    "idx_tripwire_user_profile_other_total",
    tripwire_user_profile.c.user_id,
    postgresql_include=["total_modules"],
    postgresql_where=text("total_modules NOT IN (0, 3)"),
    info={
        "serves": "rpc_get_manager_stats, rpc_get_sales_leaderboard: the profiles with another total than three modules"
    },
)

modules = Table(
    "modules",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, nullable=False),
    Column("title", Text, nullable=False),
    flag("archived"),
    time("created_at"),
    time("updated_at"),
)

lessons = Table(
    "lessons",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("module_id", Integer, ForeignKey(modules.c.id), nullable=False),
    Column("title", Text, nullable=False),
    count("duration_seconds", 1800),
    flag("archived"),
    time("created_at"),
    time("updated_at"),
    # Module first: this one index also covers the foreign key to modules, and the primary key is no prefix of it.
    UniqueConstraint("module_id", "id"),
    CheckConstraint("duration_seconds > 0", name="duration_seconds"),
)
Index(
    "uq_lessons_module_id_current",
    lessons.c.module_id,
    unique=True,
    postgresql_where=text("NOT archived"),
    info={"serves": "one lesson per module that is not archived; unlock_next_module: the lesson of a module"},
)

module_unlocks = Table(
    "module_unlocks",
    metadata,
    random_id(),
    person(auth_users),
    Column("module_id", Integer, ForeignKey(modules.c.id), nullable=False),
    time("unlocked_at"),
    UniqueConstraint("user_id", "module_id"),
)
Index(
    "idx_module_unlocks_module_id",
    module_unlocks.c.module_id,
    info={"serves": "the foreign key to modules: deleting a module looks here"},
)

student_progress = Table(
    "student_progress",
    metadata,
    random_id(),
    person(auth_users),
    Column("module_id", Integer, nullable=False),
    Column("lesson_id", Integer, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'not_started'")),
    Column("started_at", DateTime(timezone=True)),
    Column("completed_at", DateTime(timezone=True)),
    time("created_at"),
    time("updated_at"),
    UniqueConstraint("user_id", "lesson_id"),
    ForeignKeyConstraint(["module_id", "lesson_id"], [lessons.c.module_id, lessons.c.id]),
    one_of("status", PROGRESS_STATUSES),
    CheckConstraint("(status = 'completed') = (completed_at IS NOT NULL)", name="completed_at"),
)
Index(
    "idx_student_progress_lesson",
    student_progress.c.module_id,
    student_progress.c.lesson_id,
    info={"serves": "the foreign key to lessons: deleting a lesson looks here"},
)

video_tracking = Table(
    "video_tracking",
    metadata,
    random_id(),
    person(auth_users),
    Column("lesson_id", Integer, ForeignKey(lessons.c.id), nullable=False),
    Column("watched_segments", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    count("total_watched_seconds"),
    count("video_duration_seconds"),
    count("last_position_seconds"),
    count("watch_percentage"),
    flag("is_qualified_for_completion"),
    # What is searched: the set when the video qualified, and on completion; NULL where an older release set the flag.
    Column("qualified_segments", JSONB),
    # What counts, and what may count so far, in whole milliseconds; last_seen_at is NULL until the first call.
    Column("counted_ms", BigInteger, nullable=False, server_default=text("0")),
    Column("allowance_ms", BigInteger, nullable=False, server_default=text("0")),
    Column("last_seen_at", DateTime(timezone=True)),
    time("created_at"),
    time("updated_at"),
    UniqueConstraint("user_id", "lesson_id"),
    CheckConstraint("jsonb_typeof(watched_segments) = 'array'", name="watched_segments"),
    CheckConstraint("jsonb_typeof(qualified_segments) = 'array'", name="qualified_segments"),
    CheckConstraint("total_watched_seconds >= 0", name="total_watched_seconds"),
    CheckConstraint("video_duration_seconds >= 0", name="video_duration_seconds"),
    CheckConstraint("last_position_seconds >= 0", name="last_position_seconds"),
    CheckConstraint("watch_percentage >= 0 AND watch_percentage <= 100", name="watch_percentage"),
    CheckConstraint("counted_ms >= 0", name="counted_ms"),
    CheckConstraint("allowance_ms >= 0", name="allowance_ms"),
)
Index(
    "idx_video_tracking_lesson_id",
    video_tracking.c.lesson_id,
    info={"serves": "the foreign key to lessons: deleting a lesson looks here"},
)
Index(
    "idx_video_tracking_qualified_segments",
    video_tracking.c.qualified_segments,
    postgresql_using="gin",
    postgresql_ops={"qualified_segments": "jsonb_path_ops"},
    info={"serves": "search_watched_segments(lesson_id, segment)"},
)
Index(
    "idx_video_tracking_segments_not_stored",
    video_tracking.c.lesson_id,
    postgresql_where=text("is_qualified_for_completion AND qualified_segments IS NULL"),
    info={"serves": "search_watched_segments(lesson_id, segment): what an older release qualified"},
)

user_achievements = Table(
    "user_achievements",
    metadata,
    random_id(),
    person(auth_users),
    Column("achievement_id", Text, nullable=False),
    count("current_value"),
    count("required_value", 1),
    flag("is_completed"),
    Column("completed_at", DateTime(timezone=True)),
    time("created_at"),
    time("updated_at"),
    UniqueConstraint("user_id", "achievement_id"),
    one_of("achievement_id", ACHIEVEMENTS),
    CheckConstraint("is_completed = (current_value >= required_value)", name="is_completed"),
)

user_statistics = Table(
    "user_statistics",
    metadata,
    person(auth_users, primary_key=True),
    count("lessons_completed"),
    count("total_time_spent"),
    time("created_at"),
    time("updated_at"),
    CheckConstraint("lessons_completed >= 0", name="lessons_completed"),
    CheckConstraint("total_time_spent >= 0", name="total_time_spent"),
)

certificates = Table(
    "certificates",
    metadata,
    random_id(),
    person(auth_users),
    Column(
        "number",
        Text,
        nullable=False,
        server_default=text("'TW-' || nextval('tripwire.certificate_number_seq'::regclass)::text"),
    ),
    # Two random UUIDs: 244 random bits, where one alone has 122.
    Column(
        "verification_code",
        Text,
        nullable=False,
        server_default=text("replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')"),
    ),
    Column("url", Text, nullable=False),
    Column("full_name", Text, nullable=False),
    time("issued_at"),
    Column("revoked_at", DateTime(timezone=True)),
    Column("revoked_reason", Text),
    time("created_at"),
    time("updated_at"),
    UniqueConstraint("number"),
    UniqueConstraint("verification_code"),
    CheckConstraint("length(verification_code) >= 32", name="verification_code"),
    CheckConstraint("(revoked_at IS NULL) = (revoked_reason IS NULL)", name="revoked"),
)
Index(
    "idx_certificates_user_id",
    certificates.c.user_id,
    certificates.c.issued_at.desc(),
    info={"serves": "the foreign key to auth.users; revoke_certificate: the newest of a student"},
)
Index(
    "uq_certificates_user_id_valid",
    certificates.c.user_id,
    unique=True,
    postgresql_where=text("revoked_at IS NULL"),
    info={"serves": "one valid certificate per student; get_student, issue_certificate"},
)

# No foreign keys: a log row outlives the people in it. E-mail and name are copied into details.
sales_activity_log = Table(
    "sales_activity_log",
    metadata,
    random_id(),
    Column("manager_id", UUID),
    Column("action_type", Text, nullable=False),
    Column("target_user_id", UUID),
    Column("details", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    time("created_at"),
    one_of("action_type", ACTION_TYPES),
)
Index(
    "idx_sales_activity_manager",
    sales_activity_log.c.manager_id,
    *newest_first(sales_activity_log),
    info={"serves": "rpc_get_manager_activity; search_activity(manager_id=…)"},
)
Index(
    "idx_sales_activity_created_at",
    *newest_first(sales_activity_log),
    info={"serves": "search_activity({}) newest first, of all managers"},
)
Index(
    "idx_sales_activity_target",
    sales_activity_log.c.target_user_id,
    sales_activity_log.c.created_at.desc(),
    info={"serves": "delete_student called again: the log row of a student who is gone"},
)
Index(
    "idx_sales_activity_details",
    sales_activity_log.c.details,
    postgresql_using="gin",
    postgresql_ops={"details": "jsonb_path_ops"},
    info={"serves": "search_activity(details)"},
)
