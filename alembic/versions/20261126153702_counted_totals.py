"""Count a seller's totals from the index alone: without the name of a seller who is there, which it does not have.

In a transaction, between the two revisions that run CONCURRENTLY and may hold nothing else, also the indexes' comments; so
the way back finds the old index without its comment, and gives it again.

Revision: 20261126153702
Follows: 20261126153701
"""

from revision_tools import execute, execute_file

revision = "20261126153702"
down_revision = "20261126153701"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute_file("sales_totals_v4")
    execute(
        """
        COMMENT ON INDEX public.idx_tripwire_users_seller IS
            'list_students(manager_id=…) newest first; rpc_get_sales_chart_data; '
            'rpc_get_manager_stats and readable_student_ids, from the index alone';
        COMMENT ON INDEX public.idx_tripwire_user_profile_other_total IS
            'rpc_get_manager_stats, rpc_get_sales_leaderboard: the profiles with another total than three modules';
        COMMENT ON INDEX public.idx_tripwire_users_granted_by IS NULL;
        """
    )


def downgrade() -> None:
    execute(
        """
        COMMENT ON INDEX public.idx_tripwire_users_granted_by IS
            'list_students(manager_id=…) newest first; rpc_get_sales_chart_data; '
            'rpc_get_manager_stats; readable_student_ids, from the index alone';
        COMMENT ON INDEX public.idx_tripwire_user_profile_other_total IS NULL;
        COMMENT ON INDEX public.idx_tripwire_users_seller IS NULL;
        """
    )
    execute_file("sales_totals_v3")
