"""Let people go: the log outlives them, and a student outlives the seller.

In v2 a manager or a student with log entries could not be deleted, nor a manager who had sold anything. The log keeps
plain ids from here on (e-mail and name are copied into `details`), and an entry without a manager is the system's
own. `granted_by` becomes NULL when the seller goes.

By itself, since taking a foreign key off locks auth.users for a moment, and nobody should wait for a login while rows
are mended.

Revision: 20261105150000
Follows: 20261105090000
"""

from revision_tools import Loss, execute, refuse_loss

revision = "20261105150000"
down_revision = "20261105090000"
branch_labels = None
depends_on = None

LINT = {
    "squawk:ban-drop-constraint": "a log entry outlives the people in it, and a student the seller",
    "squawk:ban-drop-not-null": "an entry without a manager is the system's own",
}

LOSSES = (
    Loss(
        "log entries without a manager who still exists",
        """FROM public.sales_activity_log l
        WHERE NOT EXISTS (SELECT FROM auth.users a WHERE a.id = l.manager_id)""",
    ),
    Loss(
        "log entries whose target is gone and would be forgotten",
        """FROM public.sales_activity_log l
        WHERE EXISTS (SELECT FROM auth.users a WHERE a.id = l.manager_id)
            AND l.target_user_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM auth.users a WHERE a.id = l.target_user_id)""",
    ),
)


def upgrade() -> None:
    execute(
        """
        ALTER TABLE public.sales_activity_log
            DROP CONSTRAINT sales_activity_log_manager_id_fkey,
            DROP CONSTRAINT sales_activity_log_target_user_id_fkey,
            ALTER COLUMN manager_id DROP NOT NULL;

        ALTER TABLE public.tripwire_users
            DROP CONSTRAINT tripwire_users_granted_by_fkey,
            ADD CONSTRAINT fk_tripwire_users_granted_by
                FOREIGN KEY (granted_by) REFERENCES auth.users (id) ON DELETE SET NULL NOT VALID;
        """
    )


def downgrade() -> None:
    refuse_loss(LOSSES)
    execute(
        """
        DELETE FROM public.sales_activity_log l
        WHERE NOT EXISTS (SELECT FROM auth.users a WHERE a.id = l.manager_id);
        UPDATE public.sales_activity_log l
        SET target_user_id = NULL
        WHERE l.target_user_id IS NOT NULL AND NOT EXISTS (SELECT FROM auth.users a WHERE a.id = l.target_user_id);

        ALTER TABLE public.sales_activity_log
            ALTER COLUMN manager_id SET NOT NULL,
            ADD CONSTRAINT sales_activity_log_manager_id_fkey FOREIGN KEY (manager_id) REFERENCES auth.users (id),
            ADD CONSTRAINT sales_activity_log_target_user_id_fkey
                FOREIGN KEY (target_user_id) REFERENCES auth.users (id);

        ALTER TABLE public.tripwire_users
            DROP CONSTRAINT fk_tripwire_users_granted_by,
            ADD CONSTRAINT tripwire_users_granted_by_fkey FOREIGN KEY (granted_by) REFERENCES auth.users (id);
        """
    )
