"""Hold the entries that were there before to the wider rule of the log's kinds, beside the traffic.

In one transaction with ADD CONSTRAINT the strong lock of that would have been kept while every entry is read; here writers go on
(SHARE UPDATE EXCLUSIVE).

Revision: 20261126104329
Follows: 20261126104328
"""

from revision_tools import execute

revision = "20261126104329"
down_revision = "20261126104328"
branch_labels = None
depends_on = None

LINT = {
    "squawk:ban-drop-constraint": "PostgreSQL can make a rule NOT VALID again only by dropping and adding it",
}


def upgrade() -> None:
    execute("ALTER TABLE public.sales_activity_log VALIDATE CONSTRAINT ck_sales_activity_log_action_type")


def downgrade() -> None:
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
