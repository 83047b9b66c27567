"""Hold the copies to their rule, and say of the new indexes what they serve, no longer of the one that goes.

The rows are read while writers go on (SHARE UPDATE EXCLUSIVE). In a transaction, between the two revisions that run
CONCURRENTLY and may hold nothing else; so the way back finds the old index without its comment, and gives it again.

Revision: 20261126115804
Follows: 20261126115803
"""

from revision_tools import execute

revision = "20261126115804"
down_revision = "20261126115803"
branch_labels = None
depends_on = None

LINT = {
    "squawk:ban-drop-constraint": "PostgreSQL can make a rule NOT VALID again only by dropping and adding it",
}


def upgrade() -> None:
    execute(
        """
        ALTER TABLE public.video_tracking VALIDATE CONSTRAINT ck_video_tracking_qualified_segments;

        COMMENT ON INDEX public.idx_video_tracking_qualified_segments IS 'search_watched_segments(lesson_id, segment)';
        COMMENT ON INDEX public.idx_video_tracking_segments_not_stored IS
            'search_watched_segments(lesson_id, segment): what an older release qualified';
        COMMENT ON INDEX public.idx_video_tracking_segments IS NULL;
        """
    )


def downgrade() -> None:
    execute(
        """
        COMMENT ON INDEX public.idx_video_tracking_segments IS 'search_watched_segments(lesson_id, segment)';
        COMMENT ON INDEX public.idx_video_tracking_segments_not_stored IS NULL;
        COMMENT ON INDEX public.idx_video_tracking_qualified_segments IS NULL;

        ALTER TABLE public.video_tracking
            DROP CONSTRAINT ck_video_tracking_qualified_segments,
            ADD CONSTRAINT ck_video_tracking_qualified_segments
                CHECK (jsonb_typeof(qualified_segments) = 'array') NOT VALID;
        """
    )
