"""Copy the set of each video that is qualified by now, as the next revision's index will serve it.

`updated_at` stays as it was. Readers go on; writers of video_tracking wait until the copy is made (about ten seconds for
a million qualified videos), and those that run out of time say so and may be called again.

Revision: 20261126115802
Follows: 20261126115801
"""

from revision_tools import execute

revision = "20261126115802"
down_revision = "20261126115801"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute(
        """
        ALTER TABLE public.video_tracking DISABLE TRIGGER update_video_tracking_updated_at;
        UPDATE public.video_tracking
        SET qualified_segments = watched_segments
        WHERE is_qualified_for_completion AND qualified_segments IS NULL;
        ALTER TABLE public.video_tracking ENABLE TRIGGER update_video_tracking_updated_at;
        """
    )


def downgrade() -> None:
    execute(
        """
        ALTER TABLE public.video_tracking DISABLE TRIGGER update_video_tracking_updated_at;
        UPDATE public.video_tracking
        SET qualified_segments = NULL
        WHERE is_qualified_for_completion AND qualified_segments = watched_segments;
        ALTER TABLE public.video_tracking ENABLE TRIGGER update_video_tracking_updated_at;
        """
    )
