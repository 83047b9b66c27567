"""What the functions refuse: SQLSTATE 22023, and a message that names the argument and what it may be."""

from uuid import UUID, uuid4

import psycopg
import pytest

from tests.backend.sales.model import Sale, Seller
from tests.backend.sales.planting import Entry, plant, plant_log, server_now

MANAGER = UUID(int=1)
LIMITS = "must be between 1 and 1000"
DAYS = "must be between 1 and 3660"
YEARS = "from_date and to_date must be between 0001-01-01 and 9999-12-31"
DATED = {
    "rpc_get_sales_leaderboard": "",
    "rpc_get_sales_chart_data": "",
    "rpc_get_manager_stats": "",
    "rpc_get_manager_activity": f"manager_id_param => '{MANAGER}', ",
}
ZONE = "time_zone must be the name of an IANA time zone"


@pytest.mark.parametrize(
    ("call", "arguments", "message"),
    [
        *(
            ("rpc_get_sales_leaderboard(limit_count => %s)", [limit], f"limit_count {LIMITS}, not {shown}")
            for limit, shown in [(0, 0), (-1, -1), (1001, 1001), (2**31 - 1, 2**31 - 1)]
        ),
        *(
            (
                "rpc_get_manager_activity(manager_id_param => %s, limit_count => %s)",
                [MANAGER, limit],
                f"limit_count {LIMITS}",
            )
            for limit in (0, 1001)
        ),
        *(
            ("rpc_get_sales_chart_data(manager_id_param => %s, days_back => %s)", [MANAGER, days], f"days_back {DAYS}")
            for days in (0, -1, 3661)
        ),
        *(
            (f"{function}(manager_id_param => %s, time_zone => %s)", [MANAGER, zone], ZONE)
            for function in ("rpc_get_sales_chart_data", "rpc_get_manager_stats")
            for zone in ("Mars/Olympus", "", "Almaty", "+6", "../etc/passwd", "Asia/Almaty; SELECT 1", "x" * 100_000)
        ),
        ("rpc_get_manager_activity(manager_id_param => %s)", [None], "manager_id_param must not be null"),
        *(
            (f"{function}({manager}from_date => %s, to_date => %s)", dates, message)
            for function, manager in DATED.items()
            for dates, message in [
                (["infinity", None], YEARS),
                (["-infinity", None], YEARS),
                ([None, "infinity"], YEARS),
                (["0001-01-01 BC", None], YEARS),
                ([None, "10000-01-01"], YEARS),
                (["2026-02-01", "2026-01-31"], "from_date must not be after to_date: 2026-02-01 is after 2026-01-31"),
            ]
        ),
        *(
            (
                "rpc_get_manager_activity(manager_id_param => %s, action_types => %s)",
                [MANAGER, kinds],
                "action_types must be",
            )
            for kinds in (["x" * 2_000_000], ["email_sent"] * 100_000)
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


def test_every_name_that_the_server_knows_is_taken_in_any_case_and_no_abbreviation(scratch):
    call = "SELECT * FROM public.rpc_get_manager_stats(%s, %s)"
    with scratch() as connection:
        # Where the system's own files are used, each stands there a second time under posix/, which IANA knows not.
        names = [name for (name,) in connection.execute("SELECT name FROM pg_timezone_names WHERE name !~ '^posix/'")]
        abbreviations = [name for (name,) in connection.execute("SELECT abbrev FROM pg_timezone_abbrevs")]
        assert {"Asia/Almaty", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT-6", "EST5EDT"} <= set(names)
        for name in names:
            assert connection.execute(call, [MANAGER, name]).fetchone()
            assert connection.execute(call, [MANAGER, name.lower()]).fetchone()
        for name in set(abbreviations) - {name.upper() for name in names}:
            with pytest.raises(psycopg.errors.InvalidParameterValue), connection.transaction():
                connection.execute(call, [MANAGER, name])


@pytest.mark.parametrize(
    ("explicit", "default", "rows"),
    [
        ("rpc_get_sales_leaderboard(NULL, NULL, NULL, NULL)", "rpc_get_sales_leaderboard()", 10),
        ("rpc_get_sales_chart_data(NULL, NULL, NULL, NULL, NULL)", "rpc_get_sales_chart_data()", 30),
        ("rpc_get_manager_stats(NULL, NULL, NULL, NULL)", "rpc_get_manager_stats()", 1),
        (
            f"rpc_get_manager_activity('{MANAGER}', NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
            f"rpc_get_manager_activity('{MANAGER}')",
            50,
        ),
    ],
)
def test_an_explicit_null_means_the_default(scratch, explicit, default, rows):
    with scratch() as connection:
        now = server_now(connection)
        sellers = [Seller(MANAGER), *(Seller(uuid4()) for _ in range(11))]
        plant(connection, sellers, [Sale(MANAGER, now)])
        plant_log(connection, [Entry(MANAGER, now) for _ in range(51)])
        found = connection.execute(f"SELECT * FROM public.{explicit}").fetchall()
        assert found == connection.execute(f"SELECT * FROM public.{default}").fetchall()
    assert len(found) == rows


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
