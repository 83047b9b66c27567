"""Count by the caller's days, for callers who may ask: the five RPC functions, version 2.

v2's functions ran as their owner for everybody, cut days and months in the server's time zone, took any limit and lost
rows between pages. Now the functions of `public` run as their caller: they are the interface, and check arguments.
Each hands over to one function in `tripwire`, which the API never shows; that one checks the caller and computes as its
owner, since the leaderboard is of all and policies cost more than the sums themselves.

The signatures grow, so the old functions are dropped and not replaced: an overload beside the new one would make
PostgREST's calls ambiguous.

Revision: 20261117090000
Follows: 20261116090000
"""

from revision_tools import execute, execute_file

revision = "20261117090000"
down_revision = "20261116090000"
branch_labels = None
depends_on = None

OLD = {
    "rpc_get_sales_leaderboard": "integer",
    "rpc_get_sales_chart_data": "uuid, integer",
    "rpc_get_manager_stats": "uuid",
    "rpc_get_manager_activity": "uuid, integer",
    "rpc_check_video_qualification": "uuid, integer",
}
NEW = {
    "rpc_get_sales_leaderboard": "integer",
    "rpc_get_sales_chart_data": "uuid, integer, text",
    "rpc_get_manager_stats": "uuid, text",
    "rpc_get_manager_activity": "uuid, integer, timestamptz, uuid",
    "rpc_check_video_qualification": "uuid, integer",
}
HELPERS = {
    "assert_given": "text, anyelement",
    "assert_in_range": "text, integer, integer, integer",
    "assert_time_zone": "text",
    "sales_leaderboard": "integer",
    "sales_chart": "uuid, integer, text",
    "manager_stats": "uuid, text",
    "manager_activity": "uuid, integer, timestamptz, uuid",
    "video_qualification": "uuid, integer",
}
"""Those that the functions in `public` call as their caller."""
INNER = {"sales_totals": "uuid"}
"""Called by helpers as their owner, and by nobody else."""


def upgrade() -> None:
    for name, arguments in OLD.items():
        # Clients call by name and by named arguments, and the function of that name is back when this commits.
        execute(f"-- squawk-ignore ban-drop-function\nDROP FUNCTION public.{name}({arguments})")
    for name, arguments in (INNER | HELPERS).items():
        execute_file(f"{name}_v1")
        execute(f"REVOKE ALL ON FUNCTION tripwire.{name}({arguments}) FROM PUBLIC, anon, authenticated, service_role")
    for name, arguments in HELPERS.items():
        execute(f"GRANT EXECUTE ON FUNCTION tripwire.{name}({arguments}) TO authenticated, service_role")
    for name, arguments in NEW.items():
        execute_file(f"{name}_v2")
        # Where default privileges still grant to the API's roles, a new function is born executable by all of them.
        execute(f"REVOKE ALL ON FUNCTION public.{name}({arguments}) FROM PUBLIC, anon, authenticated, service_role")
        execute(f"GRANT EXECUTE ON FUNCTION public.{name}({arguments}) TO authenticated, service_role")


def downgrade() -> None:
    for name, arguments in NEW.items():
        execute(f"DROP FUNCTION public.{name}({arguments})")
    for name, arguments in (HELPERS | INNER).items():
        execute(f"DROP FUNCTION tripwire.{name}({arguments})")
    for name, arguments in OLD.items():
        execute_file(f"{name}_v1")
        execute(f"GRANT EXECUTE ON FUNCTION public.{name}({arguments}) TO anon, authenticated, service_role")
