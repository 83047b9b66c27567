"""`tripwire-db plan`: bad revisions, losses, and what it refuses."""

import json
import os
import re
from dataclasses import dataclass, fields, is_dataclass, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.cli.conftest import Ran, run_command
from tests.schema.plan.bad import plant, take_chain
from tests.support.servers.postgres import Postgres, worker
from tripwire_db import migrations
from tripwire_db.errors import InvalidInput, Refused
from tripwire_db.postgres.connect import connect
from tripwire_db.schema.bootstrap import bootstrap
from tripwire_db.schema.course.many_rows import fill_v2
from tripwire_db.schema.plan import Plan, PlannedRevision, make_plan, results
from tripwire_db.schema.plan.html import as_html
from tripwire_db.schema.plan.markdown import as_markdown
from tripwire_db.schema.plan.route import find_route

V2 = "20261101090000"
STUDENTS = 40
LOST = "log entries about corrections, reassignments, lessons and completed courses"


@dataclass(frozen=True)
class Planted:
    """A database at the chain's head, the plan of four bad revisions, and its URL."""

    url: str
    plan: Plan
    ids: dict[str, str]

    def of(self, name: str) -> PlannedRevision:
        return next(revision for revision in self.plan.revisions if revision.revision == self.ids[name])


@pytest.fixture(scope="module")
def planted(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Planted:
    url = postgres.cluster.create_database(f"planted_{worker()}_{os.getpid()}")
    bootstrap(url)
    migrations.upgrade(url, V2, quiet=True)
    with connect(url) as connection:
        fill_v2(connection, STUDENTS)
    migrations.upgrade(url, quiet=True)
    with connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO public.sales_activity_log (action_type) VALUES ('lesson_updated'), ('email_sent')"
        )
        connection.execute("ALTER TABLE public.lessons ALTER COLUMN title SET DEFAULT 'by hand'")
        connection.execute("VACUUM ANALYZE")
    folder = tmp_path_factory.mktemp("planted") / "alembic"
    ids = plant(folder)
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        take_chain(folder, patch)
        planned = Planted(url, make_plan(url, say=said.append), ids)
    assert len(said) == 2
    return planned


@pytest.mark.parametrize(
    ("name", "table", "mode", "holdup"),
    [
        ("type_change", "public.tripwire_users", "ACCESS EXCLUSIVE", "reads and writes"),
        ("index", "public.user_achievements", "SHARE", "writes"),
        ("foreign_key", "public.user_statistics", "SHARE ROW EXCLUSIVE", "writes"),
        ("volatile_default", "public.users", "ACCESS EXCLUSIVE", "reads and writes"),
    ],
)
def test_a_bad_revision_is_told_with_its_lock_its_time_and_its_work(
    planted: Planted, name: str, table: str, mode: str, holdup: str
) -> None:
    revision = planted.of(name)
    (statement,) = revision.statements
    work = next(work for work in statement.work if work.table == table)

    assert mode in {lock.mode for lock in statement.locks if lock.relation == table}
    block = next(block for block in revision.blocks if block.table == table)
    assert (block.holdup, block.mode, block.start) == (holdup, mode, 0.0)
    assert block.seconds == revision.live_seconds > 0
    assert work.size.rows >= STUDENTS
    assert work.scanned
    assert work.rewritten is (name in ("type_change", "volatile_default"))
    if work.rewritten:
        assert statement.space_bytes == work.size.bytes + work.size.index_bytes > 8192 * 3
        assert statement.wal_bytes > work.size.bytes / 4
    if name == "index":
        assert work.indexes_built == ("public.idx_user_achievements_current",)


def test_drift_comes_with_the_plan(planted: Planted) -> None:
    assert planted.plan.drift == ("column public.lessons.title: changed",)
    assert planted.plan.before == migrations.revisions()[-1]
    assert planted.plan.measured_with == STUDENTS


def test_writes_held_up_for_longer_than_max_block_are_exit_code_1(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tripwire_db.schema import plan as module

    slow = replace(planted.plan, revisions=tuple(map(in_two_seconds, planted.plan.revisions)))
    monkeypatch.setattr(module, "make_plan", lambda _url, _to, say: slow)  # noqa: ARG005 made once

    def run(*arguments: str) -> Ran:
        return run_command("plan", *arguments, url=planted.url)

    fine, late = run("--max-block", "1h"), run()
    assert (fine.code, late.code) == (0, 1)
    assert "Nothing holds up writes for longer than 1 h" in fine.out
    assert "Drift: 1 object was changed by hand" in fine.out
    assert "idx_user_achievements_current" not in fine.out
    assert "writes wait at public.user_achievements (SHARE by: CREATE INDEX idx_user_achievements_current" in late.out
    assert "rewrites public.tripwire_users (40 rows" in late.out
    told = json.loads(run("--json", "--max-block", "1999ms").out)
    assert {one["revision"] for one in told["too_long"]} == set(planted.ids.values())
    assert told["revisions"][0]["statements"][0]["work"][0]["rewritten"] is True
    assert told["live_seconds"] > 0
    assert run("--format", "html", "--max-block", "1h").out == as_html(slow, 3600.0)
    assert run("--format", "markdown", "--max-block", "1h").out == as_markdown(slow, 3600.0)
    for nonsense in (("--max-block", "soon"), ("--format", "pdf")):
        assert run(*nonsense).code == 2


def in_two_seconds(revision: PlannedRevision) -> PlannedRevision:
    """A revision that holds everybody up for two seconds, however fast the machine is."""
    return replace(revision, blocks=tuple(replace(block, seconds=2.0) for block in revision.blocks))


def test_a_downgrade_tells_its_losses_with_live_counts(planted: Planted) -> None:
    plan = make_plan(planted.url, to="20261126085227")

    assert (plan.down, plan.after) == (True, "20261126085227")
    assert [revision.revision for revision in plan.revisions][-2:] == ["20261126104329", "20261126104328"]
    assert [(loss.count, loss.what) for loss in plan.revisions[-1].losses] == [(1, LOST)]
    for page in (as_html(plan, 1.0), as_markdown(plan, 1.0)):
        assert f"loses 1 {LOST}" in page


def test_at_the_end_there_is_nothing_to_plan(database_url: str) -> None:
    ran = run_command("plan", url=database_url)

    assert ran.code == 0
    assert "Nothing to do: the database is there already." in ran.out
    assert "Now in the live database: nothing stands in the way." in ran.out


def test_a_database_without_revisions_is_planned_from_nothing(empty_database_url: str) -> None:
    plan = make_plan(empty_database_url, "+1")

    assert (plan.before, plan.after) == (None, V2)
    assert {block.table for block in plan.revisions[0].blocks} == {"auth.users"}, "nothing else is there"


def test_a_revision_that_fails_on_the_scratch_server_is_told(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(tmp_path / "alembic", {"broken": "SELECT 1 / 0"})
    take_chain(tmp_path / "alembic", monkeypatch)

    ran = run_command("plan", url=database_url)

    assert ran.code == 1
    assert "on the scratch server: upgrade 20270101000001 failed: division by zero" in ran.err


def test_every_field_of_the_json_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "dba" / "plan.md").read_text(encoding="utf-8")
    table = page.partition("## JSON")[2]
    described = (kind for kind in vars(results).values() if is_dataclass(kind))

    missing = {field.name for kind in described for field in fields(kind)} - set(
        re.findall(r"`(?:[^`]*[.\[\]…])?(\w+)(?:\[\])?`", table)
    )

    assert not missing


def test_tables_made_by_hand_and_unknown_revisions_are_refused(database_url: str) -> None:
    with connect(database_url) as connection:
        connection.execute("UPDATE tripwire.alembic_version SET version_num = 'abc'")
    with pytest.raises(Refused, match="at revision abc, which this version of tripwire-db does not know"):
        make_plan(database_url)
    with connect(database_url) as connection:
        connection.execute("DROP TABLE tripwire.alembic_version")
    with pytest.raises(Refused, match="run `tripwire-db adopt` first"):
        make_plan(database_url)


@pytest.mark.parametrize(
    ("before", "to", "after", "down"),
    [
        (None, "head", -1, False),
        (V2, "+2", 2, False),
        (V2, "-1", None, True),
        ("20261103090000", "base", None, True),
        ("20261103090000", "20261102", 1, True),
    ],
)
def test_a_route_is_found_up_and_down(before: str | None, to: str, after: int | None, *, down: bool) -> None:
    ids = migrations.revisions()
    route = find_route(before, to)

    assert route.after == (None if after is None else ids[after])
    assert route.down is down
    between = [module.revision for module in route.modules]
    assert between == sorted(between, reverse=down)


@pytest.mark.parametrize("to", ["-1", "+99", "2026", "nonsense", ""])
def test_a_revision_that_is_not_there_is_refused(to: str) -> None:
    with pytest.raises(InvalidInput, match="there is no revision"):
        find_route(None, to)


def test_pages_load_nothing_and_obey_no_markup(planted: Planted) -> None:
    plan = planted.plan
    nasty = "<script>|`*evil*`\x1b[31m"
    first = replace(plan.revisions[0], title=nasty)
    page = as_html(replace(plan, revisions=(first, *plan.revisions[1:]), drift=(nasty,)), 1.0)

    assert "<script" not in page
    assert "\x1b" not in page
    assert not any(word in page for word in ("http:", "https:", "src=", "@import", "url("))
    assert page.count("<svg") == 1
    assert page.count('class="reads"') >= 3, "a legend and a bar for each"
    markdown = as_markdown(replace(plan, drift=(nasty,)), 1.0)
    assert "<script" not in markdown
    assert "\\`\\*evil\\*\\`" in markdown
    summary = next(line for line in as_markdown(planted.plan, 1.0).splitlines() if "<summary>" in line)
    assert "type_change: Be bad: type_change" in summary, "an HTML tag knows no escapes of Markdown"


def test_the_page_stands_on_its_own(planted: Planted, tmp_path: Path) -> None:
    opened: list[str] = []

    class Balanced(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in {"meta", "br", "line"}:
                opened.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if tag != "line":
                assert opened.pop() == tag

    Balanced().feed(as_html(planted.plan, 1.0))
    assert not opened
