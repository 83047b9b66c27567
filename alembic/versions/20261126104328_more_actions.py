"""Let the log tell of corrections, of students who pass to another seller, and of changed lessons.

A manager corrects a student's name, e-mail or price (user_corrected), an admin passes students on (user_reassigned) and
changes a lesson (lesson_updated); course_completed is written by older backends and kept as it is. The rule is the old one with four more
words, so every row keeps it already; the next revision holds them to it, without shutting out writers meanwhile.

Revision: 20261126104328
Follows: 20261126085227
"""

from revision_tools import Loss, execute, refuse_loss

revision = "20261126104328"
down_revision = "20261126085227"
branch_labels = None
depends_on = None

LINT = {
    "squawk:ban-drop-constraint": "it is replaced in the same statement: by a wider one, and by the stricter one on the way back",
}

LOSSES = (
    Loss(
        "log entries about corrections, reassignments, lessons and completed courses",
        """FROM public.sales_activity_log
        WHERE action_type IN ('user_corrected', 'user_reassigned', 'lesson_updated', 'course_completed')""",
    ),
)


def upgrade() -> None:
    execute(
        """
        ALTER TABLE public.sales_activity_log
            DROP CONSTRAINT ck_sales_activity_log_action_type,
            ADD CONSTRAINT ck_sales_activity_log_action_type CHECK (action_type IN (
                'user_created', 'user_status_updated', 'user_deleted', 'email_sent', 'password_reset', 'lesson_completed',
                'module_unlocked', 'certificate_issued', 'certificate_revoked', 'user_corrected', 'user_reassigned',
                'lesson_updated', 'course_completed'
            )) NOT VALID
        """
    )


def downgrade() -> None:
    refuse_loss(LOSSES)
    execute(
        """
        DELETE FROM public.sales_activity_log
        WHERE action_type IN ('user_corrected', 'user_reassigned', 'lesson_updated', 'course_completed');

        ALTER TABLE public.sales_activity_log
            DROP CONSTRAINT ck_sales_activity_log_action_type,
            ADD CONSTRAINT ck_sales_activity_log_action_type CHECK (action_type IN (
                'user_created', 'user_status_updated', 'user_deleted', 'email_sent', 'password_reset', 'lesson_completed',
                'module_unlocked', 'certificate_issued', 'certificate_revoked'
            ))
        """
    )
