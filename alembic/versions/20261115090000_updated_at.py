"""Let `updated_at` tell the truth on every table that has it.

In v2 user_achievements had the column and no trigger, and the function gave the time of the transaction, so two
changes in one looked like one. The function now gives the time of the change, whatever the statement says, and trusts
nothing in the caller's search_path; nobody but the triggers needs to run it.

Revision: 20261115090000
Follows: 20261110090000
"""

from revision_tools import execute, execute_file

revision = "20261115090000"
down_revision = "20261110090000"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute_file("update_updated_at_column_v2")
    execute(
        """
        REVOKE ALL ON FUNCTION public.update_updated_at_column() FROM PUBLIC, anon, authenticated;

        ALTER TRIGGER update_tripwire_profile_updated_at ON public.tripwire_user_profile
            RENAME TO update_tripwire_user_profile_updated_at;
        CREATE TRIGGER update_user_achievements_updated_at BEFORE UPDATE ON public.user_achievements
            FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
        CREATE TRIGGER update_modules_updated_at BEFORE UPDATE ON public.modules
            FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
        CREATE TRIGGER update_lessons_updated_at BEFORE UPDATE ON public.lessons
            FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
        CREATE TRIGGER update_certificates_updated_at BEFORE UPDATE ON public.certificates
            FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
        """
    )


def downgrade() -> None:
    execute(
        """
        DROP TRIGGER update_certificates_updated_at ON public.certificates;
        DROP TRIGGER update_lessons_updated_at ON public.lessons;
        DROP TRIGGER update_modules_updated_at ON public.modules;
        DROP TRIGGER update_user_achievements_updated_at ON public.user_achievements;
        ALTER TRIGGER update_tripwire_user_profile_updated_at ON public.tripwire_user_profile
            RENAME TO update_tripwire_profile_updated_at;
        """
    )
    # CREATE OR REPLACE keeps the triggers that use it, and takes back the search_path that v1 did not have.
    execute_file("update_updated_at_column_v1")
    # Revoked and given back, a grant moves to the end: so all go, and come again in the old order.
    execute(
        """
        REVOKE ALL ON FUNCTION public.update_updated_at_column() FROM PUBLIC, anon, authenticated, service_role;
        GRANT EXECUTE ON FUNCTION public.update_updated_at_column() TO PUBLIC;
        GRANT EXECUTE ON FUNCTION public.update_updated_at_column() TO anon, authenticated, service_role;
        """
    )
