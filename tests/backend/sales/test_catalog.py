"""What the catalog says of the functions: one signature each, their defaults, and how they run."""

import pytest

DATES = "from_date date DEFAULT NULL::date, to_date date DEFAULT NULL::date"
ZONE = "time_zone text DEFAULT 'Asia/Almaty'::text"
TOTALS = (
    "total_students bigint, active_students bigint, completed_students bigint, total_revenue numeric,"
    " avg_completion_rate numeric, students_this_month bigint, revenue_this_month numeric)"
)
SIGNATURES = {
    "rpc_get_sales_leaderboard": (
        f"limit_count integer DEFAULT 10, {DATES}, {ZONE}",
        f"TABLE(manager_id uuid, manager_name text, email text, {TOTALS}",
    ),
    "rpc_get_sales_chart_data": (
        f"manager_id_param uuid DEFAULT NULL::uuid, days_back integer DEFAULT 30, {ZONE}, {DATES}",
        "TABLE(date date, students_created bigint, revenue numeric)",
    ),
    "rpc_get_manager_stats": (f"manager_id_param uuid DEFAULT NULL::uuid, {ZONE}, {DATES}", f"TABLE({TOTALS}"),
    "rpc_get_manager_activity": (
        "manager_id_param uuid, limit_count integer DEFAULT 50,"
        " before timestamp with time zone DEFAULT NULL::timestamp with time zone, before_id uuid DEFAULT NULL::uuid,"
        f" action_types text[] DEFAULT NULL::text[], {DATES}, {ZONE}",
        "TABLE(id uuid, action_type text, target_user_id uuid, target_user_email text, target_user_name text,"
        " details jsonb, created_at timestamp with time zone)",
    ),
    "rpc_check_video_qualification": ("user_id_param uuid, lesson_id_param integer", "boolean"),
}
HELPERS = {
    "assert_given": False,
    "assert_in_range": False,
    "assert_dates": False,
    "use_time_zone": False,
    "sales_totals": False,
    "sales_leaderboard": True,
    "sales_chart": True,
    "manager_stats": True,
    "manager_activity": True,
    "video_qualification": True,
}
"""Each helper in `tripwire`, and whether it runs as its owner."""
OWNERS = {"assert_dates", "use_time_zone", "sales_totals"}
"""Those that only their owner may execute."""

FUNCTIONS = """
    SELECT p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), p.provolatile, p.prosecdef,
        p.proconfig, obj_description(p.oid)
    FROM pg_proc AS p
    WHERE p.pronamespace = %s::regnamespace AND p.proname = ANY (%s)
"""


def test_each_function_has_one_signature_and_it_is_the_contract(scratch):
    with scratch() as connection:
        found = connection.execute(
            "SELECT proname, pg_get_function_arguments(oid), pg_get_function_result(oid) FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'rpc%'"
        ).fetchall()
    assert sorted(found) == sorted((name, *signature) for name, signature in SIGNATURES.items())


def test_each_function_is_stable_runs_as_its_caller_and_trusts_no_search_path(scratch):
    with scratch() as connection:
        found = connection.execute(FUNCTIONS, ["public", list(SIGNATURES)]).fetchall()
    for name, _, _, volatility, definer, config, comment in found:
        assert (volatility, definer, config) == ("s", False, ['search_path=""']), name
        assert comment, name


def test_helpers_trust_no_search_path_and_only_those_that_check_their_caller_run_as_their_owner(scratch):
    with scratch() as connection:
        found = connection.execute(FUNCTIONS, ["tripwire", list(HELPERS)]).fetchall()
    assert {row[0]: row[4] for row in found} == HELPERS
    for name, _, _, volatility, definer, config, comment in found:
        assert volatility == "s", name
        assert 'search_path=""' in config, name
        assert comment, name
        assert ("checks its caller" in comment) == definer, name


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_nobody_but_the_owner_may_execute_what_checks_no_caller_and_anon_nothing(scratch, role):
    with scratch() as connection:
        may = dict(
            connection.execute(
                "SELECT proname, has_function_privilege(%s, oid, 'EXECUTE') FROM pg_proc WHERE pronamespace IN"
                " ('public'::regnamespace, 'tripwire'::regnamespace) AND proname = ANY (%s)",
                [role, [*SIGNATURES, *HELPERS]],
            ).fetchall()
        )
    assert may == {name: role != "anon" and name not in OWNERS for name in [*SIGNATURES, *HELPERS]}
