"""Give each video row the set that is searched: as it was when the video qualified, and again on completion.

The GIN index stands on it from here on. One on the set itself, which every heartbeat changes, ends HOT updates, partial
or not: a column counts as indexed wherever an index names it.

Revision: 20261126115801
Follows: 20261126112000
"""

from revision_tools import Loss, execute, refuse_loss

revision = "20261126115801"
down_revision = "20261126112000"
branch_labels = None
depends_on = None

LOSSES = (
    Loss(
        "sets as they were when the video qualified, where more has been watched since",
        "FROM public.video_tracking WHERE qualified_segments <> watched_segments",
    ),
)


def upgrade() -> None:
    execute(
        """
        ALTER TABLE public.video_tracking
            ADD COLUMN qualified_segments jsonb,
            ADD CONSTRAINT ck_video_tracking_qualified_segments
                CHECK (jsonb_typeof(qualified_segments) = 'array') NOT VALID
        """
    )


def downgrade() -> None:
    refuse_loss(LOSSES)
    execute(
        """
        ALTER TABLE public.video_tracking
            DROP CONSTRAINT ck_video_tracking_qualified_segments,
            DROP COLUMN qualified_segments
        """
    )
