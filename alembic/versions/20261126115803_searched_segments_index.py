"""Build the index on the sets of qualified videos, which heartbeats leave alone.

A second one, nearly empty, finds videos that an application of the last release qualifies without storing the set.

CONCURRENTLY, and nothing else: after a failure it may be run again.

Revision: 20261126115803
Follows: 20261126115802
"""

from revision_tools import build_indexes, drop_indexes

revision = "20261126115803"
down_revision = "20261126115802"
branch_labels = None
depends_on = None

NEW = (
    (
        "CREATE INDEX idx_video_tracking_qualified_segments ON public.video_tracking"
        " USING gin (qualified_segments jsonb_path_ops)"
    ),
    (
        "CREATE INDEX idx_video_tracking_segments_not_stored ON public.video_tracking USING btree (lesson_id)"
        " WHERE (is_qualified_for_completion AND (qualified_segments IS NULL))"
    ),
)


def upgrade() -> None:
    build_indexes(NEW)


def downgrade() -> None:
    drop_indexes(NEW)
