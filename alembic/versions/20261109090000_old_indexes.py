"""Drop the indexes of v2 that others cover or replace.

Eleven are covered by a key, a unique constraint or a longer index; five have a successor of the same name, so they
were renamed to `…_v2` before; three serve no query of this project. Each of them cost every write and helped no read.

CONCURRENTLY, and nothing else: after a failure it may be run again.

Revision: 20261109090000
Follows: 20261108090000
"""

from revision_tools import build_indexes, drop_indexes

revision = "20261109090000"
down_revision = "20261108090000"
branch_labels = None
depends_on = None

COVERED = (
    "CREATE INDEX idx_users_email ON public.users USING btree (email)",
    "CREATE INDEX idx_tripwire_users_user_id ON public.tripwire_users USING btree (user_id)",
    "CREATE INDEX idx_tripwire_profile_user_id ON public.tripwire_user_profile USING btree (user_id)",
    "CREATE INDEX idx_module_unlocks_user_id ON public.module_unlocks USING btree (user_id)",
    "CREATE INDEX idx_module_unlocks_composite ON public.module_unlocks USING btree (user_id, module_id)",
    "CREATE INDEX idx_student_progress_user_id ON public.student_progress USING btree (user_id)",
    "CREATE INDEX idx_student_progress_composite ON public.student_progress USING btree (user_id, lesson_id)",
    "CREATE INDEX idx_video_tracking_user_lesson ON public.video_tracking USING btree (user_id, lesson_id)",
    "CREATE INDEX idx_user_achievements_user_id ON public.user_achievements USING btree (user_id)",
    "CREATE INDEX idx_user_achievements_composite ON public.user_achievements USING btree (user_id, achievement_id)",
    "CREATE INDEX idx_sales_activity_manager_id ON public.sales_activity_log USING btree (manager_id)",
)

REPLACED = (
    "CREATE INDEX idx_users_role_v2 ON public.users USING btree (role)",
    "CREATE INDEX idx_tripwire_users_granted_by_v2 ON public.tripwire_users USING btree (granted_by)",
    "CREATE INDEX idx_tripwire_users_created_at_v2 ON public.tripwire_users USING btree (created_at DESC)",
    "CREATE INDEX idx_video_tracking_segments_v2 ON public.video_tracking USING gin (watched_segments jsonb_path_ops)",
    "CREATE INDEX idx_sales_activity_created_at_v2 ON public.sales_activity_log USING btree (created_at DESC)",
)

UNUSED = (
    "CREATE INDEX idx_tripwire_users_status ON public.tripwire_users USING btree (status) WHERE (status = 'active'::text)",
    (
        "CREATE INDEX idx_student_progress_status ON public.student_progress"
        " USING btree (user_id, status) WHERE (status = 'completed'::text)"
    ),
    "CREATE INDEX idx_sales_activity_composite ON public.sales_activity_log USING btree (manager_id, created_at DESC)",
)


def upgrade() -> None:
    drop_indexes(COVERED + REPLACED + UNUSED)


def downgrade() -> None:
    build_indexes(COVERED + REPLACED + UNUSED)
