"""Look for an e-mail also where auth.identities is missing, as in the stand-in.

The first version named the table in a condition that is planned as a whole, so on a server without it the look failed for
every e-mail that nobody has.

Revision: 20261126072608
Follows: 20261126071143
"""

from revision_tools import execute, execute_file

revision = "20261126072608"
down_revision = "20261126071143"
branch_labels = None
depends_on = None

FUNCTION = "FUNCTION tripwire.find_auth_user_by_email(text)"


def upgrade() -> None:
    execute_file("find_auth_user_by_email_v2")


def downgrade() -> None:
    execute(f"DROP {FUNCTION}")
    execute_file("find_auth_user_by_email_v1")
    execute(f"REVOKE ALL ON {FUNCTION} FROM PUBLIC, anon, authenticated, service_role")
    execute(f"GRANT EXECUTE ON {FUNCTION} TO service_role")
