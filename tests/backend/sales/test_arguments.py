"""What the functions refuse: SQLSTATE 22023, and a message that names the argument and what it may be."""

from uuid import UUID

import psycopg
import pytest

MANAGER = UUID(int=1)
LIMITS = "must be between 1 and 1000"
DAYS = "must be between 1 and 3660"
ZONE = "time_zone must be the name of an IANA time zone"


@pytest.mark.parametrize(
    ("call", "arguments", "message"),
    [
        *(
            ("rpc_get_sales_leaderboard(limit_count => %s)", [limit], f"limit_count {LIMITS}, not {shown}")
            for limit, shown in [(0, 0), (-1, -1), (1001, 1001), (2**31 - 1, 2**31 - 1), (None, "null")]
        ),
        *(
            (
                "rpc_get_manager_activity(manager_id_param => %s, limit_count => %s)",
                [MANAGER, limit],
                f"limit_count {LIMITS}",
            )
            for limit in (0, 1001, None)
        ),
        *(
            ("rpc_get_sales_chart_data(manager_id_param => %s, days_back => %s)", [MANAGER, days], f"days_back {DAYS}")
            for days in (0, -1, 3661, None)
        ),
        *(
            (f"{function}(manager_id_param => %s, time_zone => %s)", [MANAGER, zone], ZONE)
            for function in ("rpc_get_sales_chart_data", "rpc_get_manager_stats")
            for zone in ("Mars/Olympus", "", "Almaty", "+6", "../etc/passwd", "Asia/Almaty; SELECT 1", "x" * 100_000)
        ),
        *(
            (f"{function}(manager_id_param => %s, time_zone => %s)", [MANAGER, None], "time_zone must not be null")
            for function in ("rpc_get_sales_chart_data", "rpc_get_manager_stats")
        ),
        *(
            (f"{function}(manager_id_param => %s)", [None], "manager_id_param must not be null")
            for function in ("rpc_get_sales_chart_data", "rpc_get_manager_stats", "rpc_get_manager_activity")
        ),
        (
            "rpc_get_manager_activity(manager_id_param => %s, before_id => %s)",
            [MANAGER, MANAGER],
            "before (which before_id belongs to) must not be null",
        ),
        ("rpc_check_video_qualification(%s, 67)", [None], "user_id_param must not be null"),
        ("rpc_check_video_qualification(%s, NULL)", [MANAGER], "lesson_id_param must not be null"),
    ],
)
def test_it_is_refused_with_its_name_and_its_range(scratch, call, arguments, message):
    with scratch() as connection:
        with pytest.raises(psycopg.errors.InvalidParameterValue) as refused:
            connection.execute(f"SELECT * FROM public.{call}", arguments)
        assert refused.value.sqlstate == "22023"
        assert message in refused.value.diag.message_primary
        assert len(refused.value.diag.message_primary) < 200


@pytest.mark.parametrize("zone", ["UTC+6", "GMT-5:30", "Almaty5", "<+06>-6", "Nowhere/Land5", "ALMT", "MSK"])
def test_what_postgresql_would_take_for_a_zone_without_a_past_is_refused(scratch, zone):
    with scratch() as connection:
        connection.execute("SELECT now() AT TIME ZONE %s", [zone])
        with pytest.raises(psycopg.errors.InvalidParameterValue, match=ZONE):
            connection.execute("SELECT * FROM public.rpc_get_manager_stats(%s, %s)", [MANAGER, zone])


@pytest.mark.parametrize(
    "zone", ["Asia/Almaty", "asia/almaty", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT-6", "EST5EDT"]
)
def test_every_name_that_the_server_knows_is_taken(scratch, zone):
    with scratch() as connection:
        assert connection.execute("SELECT * FROM public.rpc_get_manager_stats(%s, %s)", [MANAGER, zone]).fetchone()


@pytest.mark.parametrize(
    ("call", "rows"),
    [
        ("rpc_get_sales_leaderboard(1)", 0),
        ("rpc_get_sales_leaderboard(1000)", 0),
        (f"rpc_get_sales_chart_data('{MANAGER}', 1)", 1),
        (f"rpc_get_sales_chart_data('{MANAGER}', 3660)", 3660),
        (f"rpc_get_manager_activity('{MANAGER}', 1)", 0),
        (f"rpc_get_manager_activity('{MANAGER}', 1000)", 0),
    ],
)
def test_the_ends_of_each_range_are_taken(scratch, call, rows):
    with scratch() as connection:
        assert connection.execute(f"SELECT * FROM public.{call}").rowcount == rows
