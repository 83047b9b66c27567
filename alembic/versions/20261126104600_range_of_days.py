"""Tell backends when the days of a time zone begin and end, so that lists have the days of leaderboard and chart.

Which zones there are, and when their days begin, the server knows for all: a client with older rules (Almaty went to
+5 in 2024) would list other students than the leaderboard counts.

Revision: 20261126104600
Follows: 20261126104329
"""

from revision_tools import execute, execute_file

revision = "20261126104600"
down_revision = "20261126104329"
branch_labels = None
depends_on = None

FUNCTION = "FUNCTION tripwire.range_of_days(date, date, text)"


def upgrade() -> None:
    execute_file("range_of_days_v1")
    # Where default privileges still grant to the API's roles, a new function is born executable by all of them.
    execute(f"REVOKE ALL ON {FUNCTION} FROM PUBLIC, anon, authenticated, service_role")
    execute(f"GRANT EXECUTE ON {FUNCTION} TO service_role")


def downgrade() -> None:
    # What calls it by an older name of the package is told 42883: run upgrade.
    execute(f"-- squawk-ignore ban-drop-function\nDROP {FUNCTION}")
