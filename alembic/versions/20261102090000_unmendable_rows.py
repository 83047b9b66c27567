"""Refuse a database whose rows cannot be mended, before anything in it is changed.

Mending must lose nothing. What it cannot decide (two e-mails that differ only by case, a lesson under another
lesson's module, a completion time without the completion, …) is a person's to decide: every such row is named here
with its table, its id and the reason, and the database stays as it is. So no later revision can fail on a row.

Revision: 20261102090000
Follows: 20261101090000
"""

from revision_tools import execute, execute_file

revision = "20261102090000"
down_revision = "20261101090000"
branch_labels = None
depends_on = None

LINT = {
    "squawk:ban-drop-function": "the function is temporary, and this revision's own",
}


def upgrade() -> None:
    execute_file("unmendable_rows_v1")
    execute_file("refuse_unmendable_rows_v1")
    execute("DROP FUNCTION pg_temp.unmendable_rows()")


def downgrade() -> None:
    """Nothing was changed, so there is nothing to take back."""
