"""Tell backends which revision the schema is at, without a right on the version table.

An application that meets an older or newer schema than it was made for can say so when it starts.

Revision: 20261126152104
Follows: 20261126115805
"""

from revision_tools import execute, execute_file

revision = "20261126152104"
down_revision = "20261126115805"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute_file("schema_revision_v1")
    execute("REVOKE ALL ON FUNCTION tripwire.schema_revision() FROM PUBLIC, anon, authenticated, service_role")
    execute("GRANT EXECUTE ON FUNCTION tripwire.schema_revision() TO service_role")


def downgrade() -> None:
    execute("DROP FUNCTION tripwire.schema_revision()")
