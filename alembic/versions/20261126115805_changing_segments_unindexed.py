"""Drop the index on the set that every heartbeat changes: without it updates of a video row can be HOT.

CONCURRENTLY, and nothing else: after a failure it may be run again.

Revision: 20261126115805
Follows: 20261126115804
"""

from revision_tools import build_indexes, drop_indexes

revision = "20261126115805"
down_revision = "20261126115804"
branch_labels = None
depends_on = None

CHANGING = (
    (
        "CREATE INDEX idx_video_tracking_segments ON public.video_tracking"
        " USING gin (watched_segments jsonb_path_ops) WHERE is_qualified_for_completion"
    ),
)


def upgrade() -> None:
    drop_indexes(CHANGING)


def downgrade() -> None:
    build_indexes(CHANGING)
