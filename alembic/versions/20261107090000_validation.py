"""Hold the old rows to the rules that new rows already keep.

Rows that were there before are read without shutting out writers (SHARE UPDATE EXCLUSIVE): in one transaction with
ADD CONSTRAINT … NOT VALID the strong lock of that would have been kept all along. Rules that v2 had are looked at as
well: where one had been added NOT VALID by hand, it becomes valid here; where it is valid, this costs nothing.

Revision: 20261107090000
Follows: 20261106090000
"""

from revision_tools import execute

revision = "20261107090000"
down_revision = "20261106090000"
branch_labels = None
depends_on = None

VALIDATE = """
ALTER TABLE public.users
    VALIDATE CONSTRAINT ck_users_email_lower,
    VALIDATE CONSTRAINT ck_users_role,
    VALIDATE CONSTRAINT ck_users_filled,
    VALIDATE CONSTRAINT fk_users_id;

ALTER TABLE public.tripwire_users
    VALIDATE CONSTRAINT fk_tripwire_users_granted_by,
    VALIDATE CONSTRAINT ck_tripwire_users_email_lower,
    VALIDATE CONSTRAINT ck_tripwire_users_status,
    VALIDATE CONSTRAINT ck_tripwire_users_filled,
    VALIDATE CONSTRAINT fk_tripwire_users_user_id,
    VALIDATE CONSTRAINT ck_tripwire_users_modules_completed,
    VALIDATE CONSTRAINT ck_tripwire_users_price;

ALTER TABLE public.tripwire_user_profile
    VALIDATE CONSTRAINT ck_tripwire_user_profile_modules_within_total,
    VALIDATE CONSTRAINT ck_tripwire_user_profile_certificate,
    VALIDATE CONSTRAINT ck_tripwire_user_profile_filled,
    VALIDATE CONSTRAINT fk_tripwire_user_profile_user_id,
    VALIDATE CONSTRAINT ck_tripwire_user_profile_modules_completed,
    VALIDATE CONSTRAINT ck_tripwire_user_profile_completion_percentage;

ALTER TABLE public.module_unlocks
    VALIDATE CONSTRAINT fk_module_unlocks_module_id,
    VALIDATE CONSTRAINT ck_module_unlocks_filled,
    VALIDATE CONSTRAINT fk_module_unlocks_user_id;

ALTER TABLE public.student_progress
    VALIDATE CONSTRAINT fk_student_progress_module_id_lesson_id,
    VALIDATE CONSTRAINT ck_student_progress_completed_at,
    VALIDATE CONSTRAINT ck_student_progress_filled,
    VALIDATE CONSTRAINT fk_student_progress_user_id,
    VALIDATE CONSTRAINT ck_student_progress_status;

ALTER TABLE public.video_tracking
    VALIDATE CONSTRAINT fk_video_tracking_lesson_id,
    VALIDATE CONSTRAINT ck_video_tracking_watched_segments,
    VALIDATE CONSTRAINT ck_video_tracking_filled,
    VALIDATE CONSTRAINT ck_video_tracking_counted_ms,
    VALIDATE CONSTRAINT ck_video_tracking_allowance_ms,
    VALIDATE CONSTRAINT fk_video_tracking_user_id,
    VALIDATE CONSTRAINT ck_video_tracking_total_watched_seconds,
    VALIDATE CONSTRAINT ck_video_tracking_video_duration_seconds,
    VALIDATE CONSTRAINT ck_video_tracking_last_position_seconds,
    VALIDATE CONSTRAINT ck_video_tracking_watch_percentage;

ALTER TABLE public.user_achievements
    VALIDATE CONSTRAINT ck_user_achievements_is_completed,
    VALIDATE CONSTRAINT ck_user_achievements_filled,
    VALIDATE CONSTRAINT fk_user_achievements_user_id,
    VALIDATE CONSTRAINT ck_user_achievements_achievement_id;

ALTER TABLE public.user_statistics
    VALIDATE CONSTRAINT ck_user_statistics_filled,
    VALIDATE CONSTRAINT fk_user_statistics_user_id,
    VALIDATE CONSTRAINT ck_user_statistics_lessons_completed,
    VALIDATE CONSTRAINT ck_user_statistics_total_time_spent;

ALTER TABLE public.sales_activity_log
    VALIDATE CONSTRAINT ck_sales_activity_log_action_type,
    VALIDATE CONSTRAINT ck_sales_activity_log_filled;
"""

# PostgreSQL can't make a valid constraint NOT VALID again; rules that v2 had stay valid, as v2 has them.
AS_BEFORE = """
ALTER TABLE public.users
    DROP CONSTRAINT ck_users_email_lower,
    DROP CONSTRAINT ck_users_role,
    DROP CONSTRAINT ck_users_filled,
    ADD CONSTRAINT ck_users_email_lower CHECK (email = lower(email)) NOT VALID,
    ADD CONSTRAINT ck_users_role
        CHECK (role IN ('student', 'sales_manager', 'admin', 'curator', 'tech_support')) NOT VALID,
    ADD CONSTRAINT ck_users_filled CHECK (
        role IS NOT NULL AND onboarding_completed IS NOT NULL AND created_at IS NOT NULL AND updated_at IS NOT NULL
    ) NOT VALID;

ALTER TABLE public.tripwire_users
    DROP CONSTRAINT fk_tripwire_users_granted_by,
    DROP CONSTRAINT ck_tripwire_users_email_lower,
    DROP CONSTRAINT ck_tripwire_users_status,
    DROP CONSTRAINT ck_tripwire_users_filled,
    ADD CONSTRAINT fk_tripwire_users_granted_by
        FOREIGN KEY (granted_by) REFERENCES auth.users (id) ON DELETE SET NULL NOT VALID,
    ADD CONSTRAINT ck_tripwire_users_email_lower CHECK (email = lower(email)) NOT VALID,
    ADD CONSTRAINT ck_tripwire_users_status
        CHECK (status IN ('active', 'inactive', 'completed', 'blocked')) NOT VALID,
    ADD CONSTRAINT ck_tripwire_users_filled CHECK (
        status IS NOT NULL AND modules_completed IS NOT NULL AND price IS NOT NULL AND welcome_email_sent IS NOT NULL
        AND created_at IS NOT NULL AND updated_at IS NOT NULL
    ) NOT VALID;

ALTER TABLE public.tripwire_user_profile
    DROP CONSTRAINT ck_tripwire_user_profile_modules_within_total,
    DROP CONSTRAINT ck_tripwire_user_profile_certificate,
    DROP CONSTRAINT ck_tripwire_user_profile_filled,
    ADD CONSTRAINT ck_tripwire_user_profile_modules_within_total
        CHECK (modules_completed <= total_modules) NOT VALID,
    ADD CONSTRAINT ck_tripwire_user_profile_certificate
        CHECK (NOT certificate_issued OR certificate_url IS NOT NULL) NOT VALID,
    ADD CONSTRAINT ck_tripwire_user_profile_filled CHECK (
        total_modules IS NOT NULL AND modules_completed IS NOT NULL AND completion_percentage IS NOT NULL
        AND certificate_issued IS NOT NULL AND created_at IS NOT NULL AND updated_at IS NOT NULL
    ) NOT VALID;

ALTER TABLE public.module_unlocks
    DROP CONSTRAINT fk_module_unlocks_module_id,
    DROP CONSTRAINT ck_module_unlocks_filled,
    ADD CONSTRAINT fk_module_unlocks_module_id FOREIGN KEY (module_id) REFERENCES public.modules (id) NOT VALID,
    ADD CONSTRAINT ck_module_unlocks_filled CHECK (unlocked_at IS NOT NULL) NOT VALID;

ALTER TABLE public.student_progress
    DROP CONSTRAINT fk_student_progress_module_id_lesson_id,
    DROP CONSTRAINT ck_student_progress_completed_at,
    DROP CONSTRAINT ck_student_progress_filled,
    ADD CONSTRAINT fk_student_progress_module_id_lesson_id
        FOREIGN KEY (module_id, lesson_id) REFERENCES public.lessons (module_id, id) NOT VALID,
    ADD CONSTRAINT ck_student_progress_completed_at
        CHECK ((status = 'completed') = (completed_at IS NOT NULL)) NOT VALID,
    ADD CONSTRAINT ck_student_progress_filled CHECK (
        status IS NOT NULL AND created_at IS NOT NULL AND updated_at IS NOT NULL
    ) NOT VALID;

ALTER TABLE public.video_tracking
    DROP CONSTRAINT fk_video_tracking_lesson_id,
    DROP CONSTRAINT ck_video_tracking_watched_segments,
    DROP CONSTRAINT ck_video_tracking_filled,
    DROP CONSTRAINT ck_video_tracking_counted_ms,
    DROP CONSTRAINT ck_video_tracking_allowance_ms,
    ADD CONSTRAINT fk_video_tracking_lesson_id FOREIGN KEY (lesson_id) REFERENCES public.lessons (id) NOT VALID,
    ADD CONSTRAINT ck_video_tracking_watched_segments
        CHECK (jsonb_typeof(watched_segments) = 'array') NOT VALID,
    ADD CONSTRAINT ck_video_tracking_filled CHECK (
        watched_segments IS NOT NULL AND total_watched_seconds IS NOT NULL AND video_duration_seconds IS NOT NULL
        AND last_position_seconds IS NOT NULL AND watch_percentage IS NOT NULL
        AND is_qualified_for_completion IS NOT NULL AND created_at IS NOT NULL AND updated_at IS NOT NULL
    ) NOT VALID,
    ADD CONSTRAINT ck_video_tracking_counted_ms CHECK (counted_ms >= 0) NOT VALID,
    ADD CONSTRAINT ck_video_tracking_allowance_ms CHECK (allowance_ms >= 0) NOT VALID;

ALTER TABLE public.user_achievements
    DROP CONSTRAINT ck_user_achievements_is_completed,
    DROP CONSTRAINT ck_user_achievements_filled,
    ADD CONSTRAINT ck_user_achievements_is_completed
        CHECK (is_completed = (current_value >= required_value)) NOT VALID,
    ADD CONSTRAINT ck_user_achievements_filled CHECK (
        current_value IS NOT NULL AND required_value IS NOT NULL AND is_completed IS NOT NULL
        AND created_at IS NOT NULL AND updated_at IS NOT NULL
    ) NOT VALID;

ALTER TABLE public.user_statistics
    DROP CONSTRAINT ck_user_statistics_filled,
    ADD CONSTRAINT ck_user_statistics_filled CHECK (
        lessons_completed IS NOT NULL AND total_time_spent IS NOT NULL
        AND created_at IS NOT NULL AND updated_at IS NOT NULL
    ) NOT VALID;

ALTER TABLE public.sales_activity_log
    DROP CONSTRAINT ck_sales_activity_log_action_type,
    DROP CONSTRAINT ck_sales_activity_log_filled,
    ADD CONSTRAINT ck_sales_activity_log_action_type CHECK (action_type IN (
        'user_created', 'user_status_updated', 'user_deleted', 'email_sent', 'password_reset', 'lesson_completed',
        'module_unlocked', 'certificate_issued', 'certificate_revoked'
    )) NOT VALID,
    ADD CONSTRAINT ck_sales_activity_log_filled CHECK (details IS NOT NULL AND created_at IS NOT NULL) NOT VALID;
"""


def upgrade() -> None:
    execute(VALIDATE)


def downgrade() -> None:
    execute(AS_BEFORE)
