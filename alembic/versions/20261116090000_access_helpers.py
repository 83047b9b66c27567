"""Tell who calls, and what they may see, in helpers that the API never shows.

Policies and functions ask these helpers in schema `tripwire`. They run as their owner, because a policy on
`public.users` that read `public.users` would recurse without end, so each of them looks at its caller itself.
Nobody but `authenticated` and `service_role` may run them; PUBLIC's EXECUTE, which every new function is born with,
is taken away one by one (default privileges of a schema cannot do it).
"""

from pathlib import Path

from alembic import op

revision = "20261116090000"
down_revision = "20261115090000"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"

# In the order in which they need one another.
HELPERS = {
    "is_backend": "",
    "caller_id": "",
    "caller_role": "",
    "caller_manager_id": "",
    "readable_student_ids": "",
    "admin_lowest_id": "",
    "admin_highest_id": "",
    "may_read_course": "",
    "assert_may_see_leaderboard": "",
    "assert_may_see_manager": "uuid",
    "assert_may_see_student": "uuid",
}


def upgrade() -> None:
    for name, arguments in HELPERS.items():
        op.execute((SQL / f"{name}_v1.sql").read_text(encoding="utf-8"))
        signature = f"tripwire.{name}({arguments})"
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC, anon, authenticated, service_role")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO authenticated, service_role")
    op.execute("GRANT USAGE ON SCHEMA tripwire TO authenticated, service_role")


def downgrade() -> None:
    op.execute("REVOKE USAGE ON SCHEMA tripwire FROM authenticated, service_role")
    for name, arguments in reversed(HELPERS.items()):
        op.execute(f"DROP FUNCTION tripwire.{name}({arguments})")
