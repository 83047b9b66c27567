"""Give each video row what counts, and what may count so far, in whole milliseconds.

A client may claim any stretch of a video; what counts cannot grow faster than a person can watch. The allowance is
the row's, so more tabs or devices gain nothing. Rows from before keep what they had: the stored total counts, at most
the lesson's duration, and the qualified flag stays as it is.

Revision: 20261104090000
Follows: 20261103090000
"""

from revision_tools import Loss, execute, refuse_loss

revision = "20261104090000"
down_revision = "20261103090000"
branch_labels = None
depends_on = None

LOSSES = (
    Loss(
        "video tracking rows with counted time that the stored total does not give",
        """FROM public.video_tracking v JOIN public.lessons l ON l.id = v.lesson_id
        WHERE v.last_seen_at IS NOT NULL OR v.allowance_ms <> 0
            OR v.counted_ms <> least(coalesce(v.total_watched_seconds, 0), l.duration_seconds)::bigint * 1000""",
    ),
)


def upgrade() -> None:
    # Constant defaults: no row is rewritten.
    execute(
        """
        ALTER TABLE public.video_tracking
            ADD COLUMN counted_ms bigint DEFAULT 0 NOT NULL,
            ADD COLUMN allowance_ms bigint DEFAULT 0 NOT NULL,
            ADD COLUMN last_seen_at timestamptz,
            ADD CONSTRAINT ck_video_tracking_counted_ms CHECK (counted_ms >= 0) NOT VALID,
            ADD CONSTRAINT ck_video_tracking_allowance_ms CHECK (allowance_ms >= 0) NOT VALID;

        ALTER TABLE public.video_tracking DISABLE TRIGGER update_video_tracking_updated_at;
        UPDATE public.video_tracking v
        SET counted_ms = least(v.total_watched_seconds, l.duration_seconds)::bigint * 1000
        FROM public.lessons l
        WHERE l.id = v.lesson_id AND v.total_watched_seconds > 0;
        ALTER TABLE public.video_tracking ENABLE TRIGGER update_video_tracking_updated_at;
        """
    )


def downgrade() -> None:
    refuse_loss(LOSSES)
    execute(
        """
        ALTER TABLE public.video_tracking
            DROP CONSTRAINT ck_video_tracking_allowance_ms,
            DROP CONSTRAINT ck_video_tracking_counted_ms,
            DROP COLUMN last_seen_at,
            DROP COLUMN allowance_ms,
            DROP COLUMN counted_ms;
        """
    )
