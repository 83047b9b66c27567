"""The types for front ends: what Supabase's own generator says of the migrated schema, as docs/reference shows it."""

import re
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.access.people import settle
from tests.schema.export.types import entries
from tests.support.servers.finding import PROJECT
from tests.support.servers.postgres import Postgres
from tests.support.servers.supabase import Supabase
from tripwire_db.postgres.catalog import Catalog
from tripwire_db.schema.check.api import api_notes
from tripwire_db.schema.project import COURSE

REFERENCE = PROJECT / "docs" / "reference"
SELLER = "00000000-0000-4000-8000-00000000cafe"
NOBODY = "00000000-0000-4000-8000-00000000dead"


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


# Of people who are there, who are not, and of days on which nothing was sold.
CALLS = (
    "rpc_get_sales_leaderboard()",
    "rpc_get_sales_leaderboard(from_date => '2001-01-01', to_date => '2001-01-02')",
    f"rpc_get_manager_activity('{SELLER}')",
    *(
        f"{function}({arguments})"
        for function in ("rpc_get_manager_stats", "rpc_get_sales_chart_data")
        for arguments in ("", f"'{SELLER}'", f"'{NOBODY}'", "from_date => '2001-01-01', to_date => '2001-01-02'")
    ),
    f"rpc_check_video_qualification('{SELLER}', 67)",
    f"rpc_check_video_qualification('{NOBODY}', 99)",
)

# What a revision may change: as SQL, and what it changes of the API.
CHANGES = (
    ("ALTER TABLE public.lessons ADD COLUMN planted text", ["column public.lessons.planted is added"]),
    ("ALTER TABLE public.lessons ALTER title DROP NOT NULL", ["column public.lessons.title is changed"]),
    ("ALTER TABLE public.modules ALTER title SET DEFAULT ''", ["column public.modules.title is changed"]),
    ("ALTER TABLE public.modules ALTER position TYPE text", ["column public.modules.position is changed"]),
    (
        "ALTER TABLE public.lessons DROP CONSTRAINT fk_lessons_module_id",
        ["relationship public.lessons.fk_lessons_module_id is removed"],
    ),
    (
        "ALTER TABLE public.module_unlocks ADD UNIQUE (module_id)",
        ["relationship public.module_unlocks.fk_module_unlocks_module_id is changed"],
    ),
    (
        "ALTER TABLE public.users RENAME full_name TO planted",
        ["column public.users.full_name is removed", "column public.users.planted is added"],
    ),
    (
        "ALTER TABLE public.user_statistics ADD planted int GENERATED ALWAYS AS (1) STORED",
        ["column public.user_statistics.planted is added"],
    ),
    ("ALTER TABLE public.certificates ALTER id DROP DEFAULT", ["column public.certificates.id is changed"]),
    ("DROP TABLE public.user_achievements", ["table public.user_achievements is removed"]),
    (
        "CREATE TABLE public.planted (id bigint PRIMARY KEY, module_id int REFERENCES public.modules)",
        ["table public.planted is added"],
    ),
    ("CREATE VIEW public.planted_view AS SELECT 1 AS one", ["table public.planted_view is added"]),
    ("CREATE TYPE public.mood AS ENUM ('good', 'bad')", ["type public.mood is added"]),
    ("CREATE TYPE public.pair AS (a int, b text)", ["type public.pair is added"]),
    (
        "DROP FUNCTION public.rpc_check_video_qualification(uuid, int)",
        ["function public.rpc_check_video_qualification is removed"],
    ),
    (
        "CREATE FUNCTION public.planted(a int, b text DEFAULT '') RETURNS int LANGUAGE sql AS 'SELECT 1'",
        ["function public.planted is added"],
    ),
    ("CREATE INDEX planted_index ON public.users (role)", []),
    ("ALTER TABLE public.users ADD CHECK (id IS NOT NULL)", []),
    ("GRANT INSERT ON public.users TO authenticated", []),
    ("DROP POLICY authenticated_select ON public.certificates", []),
    ("CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'", []),
    ("CREATE TABLE tripwire.planted (id int)", []),
)


def test_check_s_notes_on_the_api_name_what_the_types_show_changed(
    tmp_path: Path, make_database: Callable[..., str], postgres_17: Postgres
) -> None:
    url = make_database(server=17)
    before = read(url)
    with psycopg.connect(url) as connection:
        for statement, _ in CHANGES:
            connection.execute(statement.encode())

    told = [re.sub(r"\(.*\)", "", note) for note in api_notes(before, read(url), COURSE)]
    made = Supabase.at(tmp_path, postgres_17).run("gen", "types", "--lang", "typescript", "--schema", "public", url=url)

    assert sorted(told) == sorted(note for _, notes in CHANGES for note in notes)
    old, new = entries((REFERENCE / "database.types.ts").read_text(encoding="utf-8")), entries(made.stdout)
    changed = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    with_their_table = {name for name in changed if f"table {name.split()[1].rpartition('.')[0]}" in changed}
    assert changed - with_their_table == {note.rpartition(" is ")[0] for note in told}


def read(url: str) -> Catalog:
    with psycopg.connect(url) as connection:
        connection.execute("SET search_path = ''")
        return COURSE.read_catalog(connection)


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
        found: dict[str, set[str]] = {}
        for call in CALLS:
            rows = connection.execute(f"SELECT * FROM public.{call}").fetchall()
            null = {name for row in rows for name, value in row.items() if value is None}
            found.setdefault(call.partition("(")[0], set()).update(null)

    shown = entries((REFERENCE / "database.types.ts").read_text(encoding="utf-8"))
    assert {f"function public.{name}" for name in found} == {name for name in shown if name.startswith("function ")}
    assert {name: columns for name, columns in found.items() if columns} == told
