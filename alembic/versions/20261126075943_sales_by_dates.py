"""Count what was sold on any days, by whom, and before anything else ask whether the caller may know: RPC, version 3.

Version 2 worked on its arguments before it looked at its caller, and an argument could cost seconds: a time zone of two
million digits was lower-cased once for each of 598 zones. Now each function hands its arguments on as they are; the one
in `tripwire` checks the caller first, then each argument in constant time, then counts.

New arguments: dates, inclusive; no manager for all sellers together; kinds of action. An explicit NULL means the
default, as clients that send every argument expect. The leaderboard has the current month, too, which ends with today
(it counted rows of the next month), and a row for sales whose seller is gone.

The signatures grow, so the old functions are dropped and not replaced: an overload beside the new one would make
PostgREST's calls ambiguous.

Revision: 20261126075943
Follows: 20261126072608
"""

from revision_tools import execute, execute_file

revision = "20261126075943"
down_revision = "20261126072608"
branch_labels = None
depends_on = None

# Functions with their version and their arguments: those in `public` that clients call, …
OLD = {
    "rpc_get_sales_leaderboard_v2": "integer",
    "rpc_get_sales_chart_data_v2": "uuid, integer, text",
    "rpc_get_manager_stats_v2": "uuid, text",
    "rpc_get_manager_activity_v2": "uuid, integer, timestamptz, uuid",
    "rpc_check_video_qualification_v2": "uuid, integer",
}
NEW = {
    "rpc_get_sales_leaderboard_v3": "integer, date, date, text",
    "rpc_get_sales_chart_data_v3": "uuid, integer, text, date, date",
    "rpc_get_manager_stats_v3": "uuid, text, date, date",
    "rpc_get_manager_activity_v3": "uuid, integer, timestamptz, uuid, text[], date, date, text",
    "rpc_check_video_qualification_v3": "uuid, integer",
}
# … those in `tripwire` that they call as their caller, …
OLD_HELPERS = {
    "assert_time_zone_v1": "text",
    "sales_leaderboard_v1": "integer",
    "sales_chart_v1": "uuid, integer, text",
    "manager_stats_v1": "uuid, text",
    "manager_activity_v1": "uuid, integer, timestamptz, uuid",
    "video_qualification_v1": "uuid, integer",
}
NEW_HELPERS = {
    "sales_leaderboard_v2": "integer, date, date, text",
    "sales_chart_v2": "uuid, integer, text, date, date",
    "manager_stats_v2": "uuid, text, date, date",
    "manager_activity_v2": "uuid, integer, timestamptz, uuid, text[], date, date, text",
    "video_qualification_v2": "uuid, integer",
}
# … and those that helpers call as their owner, and nobody else.
OLD_INNER = {"sales_totals_v1": "uuid"}
NEW_INNER = {
    "assert_dates_v1": "date, date",
    "use_time_zone_v1": "text",
    "sales_totals_v2": "uuid, date, date",
}

CALLERS = "authenticated, service_role"


def upgrade() -> None:
    drop("public", OLD)
    drop("tripwire", OLD_HELPERS | OLD_INNER)
    create("tripwire", NEW_INNER)
    create("tripwire", NEW_HELPERS, CALLERS)
    create("public", NEW, CALLERS)


def downgrade() -> None:
    drop("public", NEW)
    drop("tripwire", NEW_HELPERS | NEW_INNER)
    create("tripwire", OLD_INNER)
    create("tripwire", OLD_HELPERS, CALLERS)
    create("public", OLD, CALLERS)


def drop(schema: str, functions: dict[str, str]) -> None:
    for file, arguments in functions.items():
        # Clients call by name and by named arguments, and the function of that name is back when this commits.
        execute(f"-- squawk-ignore ban-drop-function\nDROP FUNCTION {schema}.{file[:-3]}({arguments})")


def create(schema: str, functions: dict[str, str], grantees: str | None = None) -> None:
    for file, arguments in functions.items():
        function = f"FUNCTION {schema}.{file[:-3]}({arguments})"
        execute_file(file)
        # Where default privileges still grant to the API's roles, a new function is born executable by all of them.
        execute(f"REVOKE ALL ON {function} FROM PUBLIC, anon, authenticated, service_role")
        if grantees:
            execute(f"GRANT EXECUTE ON {function} TO {grantees}")
