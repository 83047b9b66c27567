"""Name every constraint by one convention, since errors are told by these names.

`pk_<table>`, `uq_<table>_<columns>`, `fk_<table>_<columns>`, `ck_<table>_<rule>`. Indexes that are about to be
replaced make room for their successors: `<name>_v2`.

Revision: 20261105090000
Follows: 20261104090000
"""

from revision_tools import execute

revision = "20261105090000"
down_revision = "20261104090000"
branch_labels = None
depends_on = None

CONSTRAINTS = (
    ("users", "users_pkey", "pk_users"),
    ("users", "users_email_key", "uq_users_email"),
    ("users", "users_id_fkey", "fk_users_id"),
    ("tripwire_users", "tripwire_users_pkey", "pk_tripwire_users"),
    ("tripwire_users", "tripwire_users_user_id_key", "uq_tripwire_users_user_id"),
    ("tripwire_users", "tripwire_users_user_id_fkey", "fk_tripwire_users_user_id"),
    ("tripwire_users", "tripwire_users_modules_completed_check", "ck_tripwire_users_modules_completed"),
    ("tripwire_users", "tripwire_users_price_check", "ck_tripwire_users_price"),
    ("tripwire_user_profile", "tripwire_user_profile_pkey", "pk_tripwire_user_profile"),
    ("tripwire_user_profile", "tripwire_user_profile_user_id_key", "uq_tripwire_user_profile_user_id"),
    ("tripwire_user_profile", "tripwire_user_profile_user_id_fkey", "fk_tripwire_user_profile_user_id"),
    (
        "tripwire_user_profile",
        "tripwire_user_profile_modules_completed_check",
        "ck_tripwire_user_profile_modules_completed",
    ),
    (
        "tripwire_user_profile",
        "tripwire_user_profile_completion_percentage_check",
        "ck_tripwire_user_profile_completion_percentage",
    ),
    ("module_unlocks", "module_unlocks_pkey", "pk_module_unlocks"),
    ("module_unlocks", "module_unlocks_user_id_module_id_key", "uq_module_unlocks_user_id_module_id"),
    ("module_unlocks", "module_unlocks_user_id_fkey", "fk_module_unlocks_user_id"),
    ("student_progress", "student_progress_pkey", "pk_student_progress"),
    ("student_progress", "student_progress_user_id_lesson_id_key", "uq_student_progress_user_id_lesson_id"),
    ("student_progress", "student_progress_user_id_fkey", "fk_student_progress_user_id"),
    ("student_progress", "student_progress_status_check", "ck_student_progress_status"),
    ("video_tracking", "video_tracking_pkey", "pk_video_tracking"),
    ("video_tracking", "video_tracking_user_id_lesson_id_key", "uq_video_tracking_user_id_lesson_id"),
    ("video_tracking", "video_tracking_user_id_fkey", "fk_video_tracking_user_id"),
    ("video_tracking", "video_tracking_total_watched_seconds_check", "ck_video_tracking_total_watched_seconds"),
    ("video_tracking", "video_tracking_video_duration_seconds_check", "ck_video_tracking_video_duration_seconds"),
    ("video_tracking", "video_tracking_last_position_seconds_check", "ck_video_tracking_last_position_seconds"),
    ("video_tracking", "video_tracking_watch_percentage_check", "ck_video_tracking_watch_percentage"),
    ("user_achievements", "user_achievements_pkey", "pk_user_achievements"),
    (
        "user_achievements",
        "user_achievements_user_id_achievement_id_key",
        "uq_user_achievements_user_id_achievement_id",
    ),
    ("user_achievements", "user_achievements_user_id_fkey", "fk_user_achievements_user_id"),
    ("user_achievements", "user_achievements_achievement_id_check", "ck_user_achievements_achievement_id"),
    ("user_statistics", "user_statistics_pkey", "pk_user_statistics"),
    ("user_statistics", "user_statistics_user_id_fkey", "fk_user_statistics_user_id"),
    ("user_statistics", "user_statistics_lessons_completed_check", "ck_user_statistics_lessons_completed"),
    ("user_statistics", "user_statistics_total_time_spent_check", "ck_user_statistics_total_time_spent"),
    ("sales_activity_log", "sales_activity_log_pkey", "pk_sales_activity_log"),
)

REPLACED_INDEXES = (
    "idx_users_role",
    "idx_tripwire_users_granted_by",
    "idx_tripwire_users_created_at",
    "idx_video_tracking_segments",
    "idx_sales_activity_created_at",
)


def upgrade() -> None:
    for table, old, new in CONSTRAINTS:
        execute(f"ALTER TABLE public.{table} RENAME CONSTRAINT {old} TO {new}")
    for index in REPLACED_INDEXES:
        execute(f"ALTER INDEX public.{index} RENAME TO {index}_v2")


def downgrade() -> None:
    for index in REPLACED_INDEXES:
        execute(f"ALTER INDEX public.{index}_v2 RENAME TO {index}")
    for table, old, new in CONSTRAINTS:
        execute(f"ALTER TABLE public.{table} RENAME CONSTRAINT {new} TO {old}")
