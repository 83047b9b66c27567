"""Let the table itself say what the validated rules have proved, and drop the helpers.

The unique index becomes the constraint; SET NOT NULL reads no row, since a valid CHECK already proves it. What the
course contains is said by its tables now, so the lists of ids in v2's CHECKs go. Every index says which query it
serves.

Revision: 20261110090000
Follows: 20261109090000
"""

from revision_tools import Loss, execute, refuse_loss

revision = "20261110090000"
down_revision = "20261109090000"
branch_labels = None
depends_on = None

LINT = {
    "squawk:ban-drop-constraint": "helpers, whose rule the column itself holds from here on, and lists that became foreign keys",
    "squawk:adding-not-nullable-field": "a validated CHECK says the same, so no row is read",
}

LOSSES = (
    Loss("unlocks of modules beyond 16-18", "FROM public.module_unlocks WHERE module_id NOT IN (16, 17, 18)"),
    Loss(
        "progress rows beyond modules 16-18 or lessons 67-69",
        "FROM public.student_progress WHERE module_id NOT IN (16, 17, 18) OR lesson_id NOT IN (67, 68, 69)",
    ),
    Loss("video tracking rows beyond lessons 67-69", "FROM public.video_tracking WHERE lesson_id NOT IN (67, 68, 69)"),
)

TIGHTEN = """
ALTER TABLE public.users
    ALTER COLUMN role SET NOT NULL,
    ALTER COLUMN onboarding_completed SET NOT NULL,
    ALTER COLUMN created_at SET NOT NULL,
    ALTER COLUMN updated_at SET NOT NULL;
ALTER TABLE public.users
    DROP CONSTRAINT ck_users_filled;

ALTER TABLE public.tripwire_users
    ADD CONSTRAINT uq_tripwire_users_email UNIQUE USING INDEX uq_tripwire_users_email,
    ALTER COLUMN status SET NOT NULL,
    ALTER COLUMN modules_completed SET NOT NULL,
    ALTER COLUMN price SET NOT NULL,
    ALTER COLUMN welcome_email_sent SET NOT NULL,
    ALTER COLUMN created_at SET NOT NULL,
    ALTER COLUMN updated_at SET NOT NULL;
ALTER TABLE public.tripwire_users
    DROP CONSTRAINT ck_tripwire_users_filled;

ALTER TABLE public.tripwire_user_profile
    ALTER COLUMN total_modules SET NOT NULL,
    ALTER COLUMN modules_completed SET NOT NULL,
    ALTER COLUMN completion_percentage SET NOT NULL,
    ALTER COLUMN certificate_issued SET NOT NULL,
    ALTER COLUMN created_at SET NOT NULL,
    ALTER COLUMN updated_at SET NOT NULL;
ALTER TABLE public.tripwire_user_profile
    DROP CONSTRAINT ck_tripwire_user_profile_filled;

ALTER TABLE public.module_unlocks
    ALTER COLUMN unlocked_at SET NOT NULL;
ALTER TABLE public.module_unlocks
    DROP CONSTRAINT ck_module_unlocks_filled,
    DROP CONSTRAINT module_unlocks_module_id_check;

ALTER TABLE public.student_progress
    ALTER COLUMN status SET NOT NULL,
    ALTER COLUMN created_at SET NOT NULL,
    ALTER COLUMN updated_at SET NOT NULL;
ALTER TABLE public.student_progress
    DROP CONSTRAINT ck_student_progress_filled,
    DROP CONSTRAINT student_progress_module_id_check,
    DROP CONSTRAINT student_progress_lesson_id_check;

ALTER TABLE public.video_tracking
    ALTER COLUMN watched_segments SET NOT NULL,
    ALTER COLUMN total_watched_seconds SET NOT NULL,
    ALTER COLUMN video_duration_seconds SET NOT NULL,
    ALTER COLUMN last_position_seconds SET NOT NULL,
    ALTER COLUMN watch_percentage SET NOT NULL,
    ALTER COLUMN is_qualified_for_completion SET NOT NULL,
    ALTER COLUMN created_at SET NOT NULL,
    ALTER COLUMN updated_at SET NOT NULL;
ALTER TABLE public.video_tracking
    DROP CONSTRAINT ck_video_tracking_filled,
    DROP CONSTRAINT video_tracking_lesson_id_check;

ALTER TABLE public.user_achievements
    ALTER COLUMN current_value SET NOT NULL,
    ALTER COLUMN required_value SET NOT NULL,
    ALTER COLUMN is_completed SET NOT NULL,
    ALTER COLUMN created_at SET NOT NULL,
    ALTER COLUMN updated_at SET NOT NULL;
ALTER TABLE public.user_achievements
    DROP CONSTRAINT ck_user_achievements_filled;

ALTER TABLE public.user_statistics
    ALTER COLUMN lessons_completed SET NOT NULL,
    ALTER COLUMN total_time_spent SET NOT NULL,
    ALTER COLUMN created_at SET NOT NULL,
    ALTER COLUMN updated_at SET NOT NULL;
ALTER TABLE public.user_statistics
    DROP CONSTRAINT ck_user_statistics_filled;

ALTER TABLE public.sales_activity_log
    ALTER COLUMN details SET NOT NULL,
    ALTER COLUMN created_at SET NOT NULL;
ALTER TABLE public.sales_activity_log
    DROP CONSTRAINT ck_sales_activity_log_filled;
"""

COMMENTS = """
COMMENT ON INDEX public.idx_sales_activity_created_at IS
    'search_activity({}) newest first, of all managers';
COMMENT ON INDEX public.idx_sales_activity_details IS
    'search_activity(details)';
COMMENT ON INDEX public.idx_sales_activity_manager IS
    'rpc_get_manager_activity; search_activity(manager_id=…)';
COMMENT ON INDEX public.idx_sales_activity_target IS
    'delete_student called again: the log row of a student who is gone';
COMMENT ON INDEX public.idx_tripwire_users_active IS
    'list_students(status=''active'') newest first';
COMMENT ON INDEX public.idx_tripwire_users_completed IS
    'list_students(status=''completed'') newest first';
COMMENT ON INDEX public.idx_tripwire_users_created_at IS
    'list_students() newest first';
COMMENT ON INDEX public.idx_tripwire_users_granted_by IS
    'list_students(manager_id=…) newest first; rpc_get_sales_chart_data; '
    'rpc_get_manager_stats; readable_student_ids, from the index alone';
COMMENT ON INDEX public.idx_users_role IS
    'rpc_get_sales_leaderboard: the sellers among all users';
COMMENT ON INDEX public.idx_module_unlocks_module_id IS
    'the foreign key to modules: deleting a module looks here';
COMMENT ON INDEX public.idx_student_progress_lesson IS
    'the foreign key to lessons: deleting a lesson looks here';
COMMENT ON INDEX public.idx_video_tracking_lesson_id IS
    'the foreign key to lessons: deleting a lesson looks here';
COMMENT ON INDEX public.idx_video_tracking_segments IS
    'search_watched_segments(lesson_id, segment)';
"""

REMOVE_COMMENTS = """
COMMENT ON INDEX public.idx_sales_activity_created_at IS NULL;
COMMENT ON INDEX public.idx_sales_activity_details IS NULL;
COMMENT ON INDEX public.idx_sales_activity_manager IS NULL;
COMMENT ON INDEX public.idx_sales_activity_target IS NULL;
COMMENT ON INDEX public.idx_tripwire_users_active IS NULL;
COMMENT ON INDEX public.idx_tripwire_users_completed IS NULL;
COMMENT ON INDEX public.idx_tripwire_users_created_at IS NULL;
COMMENT ON INDEX public.idx_tripwire_users_granted_by IS NULL;
COMMENT ON INDEX public.idx_users_role IS NULL;
COMMENT ON INDEX public.idx_module_unlocks_module_id IS NULL;
COMMENT ON INDEX public.idx_student_progress_lesson IS NULL;
COMMENT ON INDEX public.idx_video_tracking_lesson_id IS NULL;
COMMENT ON INDEX public.idx_video_tracking_segments IS NULL;
"""

# A constraint can't be taken off its index, so the index is built again, under the table's lock.
LOOSEN = """
DELETE FROM public.module_unlocks WHERE module_id NOT IN (16, 17, 18);
DELETE FROM public.student_progress WHERE module_id NOT IN (16, 17, 18) OR lesson_id NOT IN (67, 68, 69);
DELETE FROM public.video_tracking WHERE lesson_id NOT IN (67, 68, 69);

ALTER TABLE public.users
    ADD CONSTRAINT ck_users_filled CHECK (
        role IS NOT NULL AND onboarding_completed IS NOT NULL AND created_at IS NOT NULL AND updated_at IS NOT NULL
    ),
    ALTER COLUMN role DROP NOT NULL,
    ALTER COLUMN onboarding_completed DROP NOT NULL,
    ALTER COLUMN created_at DROP NOT NULL,
    ALTER COLUMN updated_at DROP NOT NULL;

ALTER TABLE public.tripwire_users
    ADD CONSTRAINT ck_tripwire_users_filled CHECK (
        status IS NOT NULL AND modules_completed IS NOT NULL AND price IS NOT NULL AND welcome_email_sent IS NOT NULL
        AND created_at IS NOT NULL AND updated_at IS NOT NULL
    ),
    ALTER COLUMN status DROP NOT NULL,
    ALTER COLUMN modules_completed DROP NOT NULL,
    ALTER COLUMN price DROP NOT NULL,
    ALTER COLUMN welcome_email_sent DROP NOT NULL,
    ALTER COLUMN created_at DROP NOT NULL,
    ALTER COLUMN updated_at DROP NOT NULL,
    DROP CONSTRAINT uq_tripwire_users_email;

CREATE UNIQUE INDEX uq_tripwire_users_email ON public.tripwire_users (email);

ALTER TABLE public.tripwire_user_profile
    ADD CONSTRAINT ck_tripwire_user_profile_filled CHECK (
        total_modules IS NOT NULL AND modules_completed IS NOT NULL AND completion_percentage IS NOT NULL
        AND certificate_issued IS NOT NULL AND created_at IS NOT NULL AND updated_at IS NOT NULL
    ),
    ALTER COLUMN total_modules DROP NOT NULL,
    ALTER COLUMN modules_completed DROP NOT NULL,
    ALTER COLUMN completion_percentage DROP NOT NULL,
    ALTER COLUMN certificate_issued DROP NOT NULL,
    ALTER COLUMN created_at DROP NOT NULL,
    ALTER COLUMN updated_at DROP NOT NULL;

ALTER TABLE public.module_unlocks
    ADD CONSTRAINT ck_module_unlocks_filled CHECK (unlocked_at IS NOT NULL),
    ADD CONSTRAINT module_unlocks_module_id_check CHECK (module_id IN (16, 17, 18)),
    ALTER COLUMN unlocked_at DROP NOT NULL;

ALTER TABLE public.student_progress
    ADD CONSTRAINT ck_student_progress_filled CHECK (
        status IS NOT NULL AND created_at IS NOT NULL AND updated_at IS NOT NULL
    ),
    ADD CONSTRAINT student_progress_module_id_check CHECK (module_id IN (16, 17, 18)),
    ADD CONSTRAINT student_progress_lesson_id_check CHECK (lesson_id IN (67, 68, 69)),
    ALTER COLUMN status DROP NOT NULL,
    ALTER COLUMN created_at DROP NOT NULL,
    ALTER COLUMN updated_at DROP NOT NULL;

ALTER TABLE public.video_tracking
    ADD CONSTRAINT ck_video_tracking_filled CHECK (
        watched_segments IS NOT NULL AND total_watched_seconds IS NOT NULL AND video_duration_seconds IS NOT NULL
        AND last_position_seconds IS NOT NULL AND watch_percentage IS NOT NULL
        AND is_qualified_for_completion IS NOT NULL AND created_at IS NOT NULL AND updated_at IS NOT NULL
    ),
    ADD CONSTRAINT video_tracking_lesson_id_check CHECK (lesson_id IN (67, 68, 69)),
    ALTER COLUMN watched_segments DROP NOT NULL,
    ALTER COLUMN total_watched_seconds DROP NOT NULL,
    ALTER COLUMN video_duration_seconds DROP NOT NULL,
    ALTER COLUMN last_position_seconds DROP NOT NULL,
    ALTER COLUMN watch_percentage DROP NOT NULL,
    ALTER COLUMN is_qualified_for_completion DROP NOT NULL,
    ALTER COLUMN created_at DROP NOT NULL,
    ALTER COLUMN updated_at DROP NOT NULL;

ALTER TABLE public.user_achievements
    ADD CONSTRAINT ck_user_achievements_filled CHECK (
        current_value IS NOT NULL AND required_value IS NOT NULL AND is_completed IS NOT NULL
        AND created_at IS NOT NULL AND updated_at IS NOT NULL
    ),
    ALTER COLUMN current_value DROP NOT NULL,
    ALTER COLUMN required_value DROP NOT NULL,
    ALTER COLUMN is_completed DROP NOT NULL,
    ALTER COLUMN created_at DROP NOT NULL,
    ALTER COLUMN updated_at DROP NOT NULL;

ALTER TABLE public.user_statistics
    ADD CONSTRAINT ck_user_statistics_filled CHECK (
        lessons_completed IS NOT NULL AND total_time_spent IS NOT NULL
        AND created_at IS NOT NULL AND updated_at IS NOT NULL
    ),
    ALTER COLUMN lessons_completed DROP NOT NULL,
    ALTER COLUMN total_time_spent DROP NOT NULL,
    ALTER COLUMN created_at DROP NOT NULL,
    ALTER COLUMN updated_at DROP NOT NULL;

ALTER TABLE public.sales_activity_log
    ADD CONSTRAINT ck_sales_activity_log_filled CHECK (details IS NOT NULL AND created_at IS NOT NULL),
    ALTER COLUMN details DROP NOT NULL,
    ALTER COLUMN created_at DROP NOT NULL;
"""


def upgrade() -> None:
    execute(TIGHTEN)
    execute(COMMENTS)


def downgrade() -> None:
    refuse_loss(LOSSES)
    execute(REMOVE_COMMENTS)
    execute(LOOSEN)
