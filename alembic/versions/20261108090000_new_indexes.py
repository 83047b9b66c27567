"""Build the indexes that the new layout asks for, beside the traffic.

The unique one makes sure that an e-mail stands for one student; it becomes the constraint in 20261110090000. Every
foreign key has an index that covers it, lists go newest first with the id breaking ties, and the GIN index on
segments covers qualified rows only: as a full one it ended HOT updates for every heartbeat.  Whom a manager sold is
asked by every policy, and answered from the index alone.

CONCURRENTLY, and nothing else: after a failure it may be run again.

Revision: 20261108090000
Follows: 20261107090000
"""

from revision_tools import build_indexes, drop_indexes

revision = "20261108090000"
down_revision = "20261107090000"
branch_labels = None
depends_on = None

INDEXES = (
    "CREATE UNIQUE INDEX uq_tripwire_users_email ON public.tripwire_users USING btree (email)",
    "CREATE INDEX idx_users_role ON public.users USING btree (role) WHERE (role <> 'student'::text)",
    (
        "CREATE INDEX idx_tripwire_users_granted_by ON public.tripwire_users"
        " USING btree (granted_by, created_at DESC, id DESC) INCLUDE (user_id)"
    ),
    "CREATE INDEX idx_tripwire_users_created_at ON public.tripwire_users USING btree (created_at DESC, id DESC)",
    (
        "CREATE INDEX idx_tripwire_users_active ON public.tripwire_users"
        " USING btree (created_at DESC, id DESC) WHERE (status = 'active'::text)"
    ),
    (
        "CREATE INDEX idx_tripwire_users_completed ON public.tripwire_users"
        " USING btree (created_at DESC, id DESC) WHERE (status = 'completed'::text)"
    ),
    "CREATE INDEX idx_module_unlocks_module_id ON public.module_unlocks USING btree (module_id)",
    "CREATE INDEX idx_student_progress_lesson ON public.student_progress USING btree (module_id, lesson_id)",
    "CREATE INDEX idx_video_tracking_lesson_id ON public.video_tracking USING btree (lesson_id)",
    (
        "CREATE INDEX idx_video_tracking_segments ON public.video_tracking"
        " USING gin (watched_segments jsonb_path_ops) WHERE is_qualified_for_completion"
    ),
    (
        "CREATE INDEX idx_sales_activity_manager ON public.sales_activity_log"
        " USING btree (manager_id, created_at DESC, id DESC)"
    ),
    "CREATE INDEX idx_sales_activity_created_at ON public.sales_activity_log USING btree (created_at DESC, id DESC)",
    "CREATE INDEX idx_sales_activity_target ON public.sales_activity_log USING btree (target_user_id, created_at DESC)",
)


def upgrade() -> None:
    build_indexes(INDEXES)


def downgrade() -> None:
    drop_indexes(INDEXES)
