"""The types for front ends: what Supabase's own generator says of the migrated schema, as docs/reference shows it."""

import re
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.access.people import settle
from tests.support.servers.finding import PROJECT
from tests.support.servers.postgres import Postgres
from tests.support.servers.supabase import Supabase

REFERENCE = PROJECT / "docs" / "reference"
SELLER = "00000000-0000-4000-8000-00000000cafe"


@pytest.mark.parametrize("major", [15, 17])
def test_a_change_of_the_api_shows_in_the_types(
    tmp_path: Path, make_database: Callable[..., str], request: pytest.FixtureRequest, major: int
) -> None:
    """Where it does, docs/reference/types.md has the command that writes them anew; tell front ends what has changed."""
    server: Postgres = request.getfixturevalue(f"postgres_{major}")

    made = Supabase.at(tmp_path, server).run(
        "gen", "types", "--lang", "typescript", "--schema", "public", url=make_database(server=major)
    )

    assert made.returncode == 0, made.stderr
    assert made.stdout == (REFERENCE / "database.types.ts").read_text(encoding="utf-8")


def test_the_page_names_every_result_that_can_be_null(database_url: str) -> None:
    told = {
        function: set(re.findall(r"`(\w+)`", columns))
        for function, columns in re.findall(r"(?m)^\| `(rpc_\w+)` \| ([^|]+) \|", (REFERENCE / "types.md").read_text())
    }
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        settle(connection)
        connection.execute("UPDATE public.tripwire_users SET granted_by = NULL, manager_name = NULL")
        connection.execute(
            "INSERT INTO public.sales_activity_log (manager_id, action_type) VALUES (%s, 'email_sent')", (SELLER,)
        )
        found = {}
        for call in (
            "rpc_get_sales_leaderboard()",
            f"rpc_get_manager_activity('{SELLER}')",
            f"rpc_get_manager_stats('{SELLER}')",
            f"rpc_get_sales_chart_data('{SELLER}')",
        ):
            rows = connection.execute(f"SELECT * FROM public.{call}").fetchall()
            assert rows, call
            if null := {name for row in rows for name, value in row.items() if value is None}:
                found[call.partition("(")[0]] = null

    assert found == told
