"""Tell who calls, and what they may see, in helpers that the API never shows.

Policies and functions ask these helpers in schema `tripwire`. They run as their owner, because a policy on
`public.users` that read `public.users` would recurse without end; so each of them looks at its caller itself.
Nobody but `authenticated` and `service_role` may run them: PUBLIC's EXECUTE, which every function is born with, is taken
away one by one (default privileges of a schema cannot do it).

Revision: 20261116090000
Follows: 20261115090000
"""

from revision_tools import execute, execute_file

revision = "20261116090000"
down_revision = "20261115090000"
branch_labels = None
depends_on = None

# Each helper with its arguments, in the order in which they need one another.
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
        execute_file(f"{name}_v1")
        helper = f"FUNCTION tripwire.{name}({arguments})"
        execute(f"REVOKE ALL ON {helper} FROM PUBLIC, anon, authenticated, service_role")
        execute(f"GRANT EXECUTE ON {helper} TO authenticated, service_role")
    execute("GRANT USAGE ON SCHEMA tripwire TO authenticated")  # service_role has it since the first sequence there


def downgrade() -> None:
    execute("REVOKE USAGE ON SCHEMA tripwire FROM authenticated")
    for name, arguments in reversed(HELPERS.items()):
        execute(f"DROP FUNCTION tripwire.{name}({arguments})")
