"""`--sql`: the same migration as text, with its timeouts and its checks, applied by psql."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.schema.runner.chain import ROOT, Chain, Result
from tests.support.servers.finding import postgres_bin
from tripwire_db.schema.check.dump import dump

NEWEST = 18


def _psql(url: str, sql: str) -> Result:
    """Apply a file as anybody would: psql goes on after an error unless the file says otherwise."""
    done = subprocess.run(
        [postgres_bin(NEWEST) / "psql", "--no-psqlrc", "--quiet", url],
        input=sql,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def story(chain: Chain) -> Chain:
    """Two revisions in transactions with one between them that is not."""
    chain.add("CREATE TABLE public.a (id int PRIMARY KEY, x int)", down=("DROP TABLE public.a",))
    chain.add(
        "CREATE INDEX CONCURRENTLY a_x ON public.a (x)", down=("DROP INDEX CONCURRENTLY public.a_x",), concurrent=True
    )
    chain.add("ALTER TABLE public.a ADD COLUMN y int", down=("ALTER TABLE public.a DROP COLUMN y",))
    return chain


def test_applied_by_psql_it_gives_the_same_catalog(
    story: Chain, server: int, make_database: Callable[..., str]
) -> None:
    rendered = story.run("upgrade", "head", "--sql")
    assert rendered.code == 0, rendered
    offline = make_database(migrated=None, server=server)

    applied = _psql(offline, rendered.out)

    assert applied.code == 0, applied
    assert story.upgrade().code == 0
    assert dump(offline) == dump(story.url)
    assert Chain(story.folder, offline).at() == story.at()


def test_the_project_s_own_chain_too(make_database: Callable[..., str]) -> None:
    offline, online = make_database(migrated=False), make_database(migrated=False)
    project = Chain(ROOT, online)
    rendered = project.run("upgrade", "head", "--sql", url="")  # needs no database
    assert rendered.code == 0, rendered

    applied = _psql(offline, rendered.out)

    assert applied.code == 0, applied.err
    assert project.upgrade().code == 0
    assert dump(offline) == dump(online)
    assert Chain(ROOT, offline).at() == project.at()


def test_every_begin_is_followed_by_the_timeouts(story: Chain) -> None:
    sql = story.run("-x", "lock-timeout=2s", "-x", "statement-timeout=1min", "upgrade", "head", "--sql").out
    lines = [line for line in sql.splitlines() if line]
    begins = [place for place, line in enumerate(lines) if line == "BEGIN;"]
    assert len(begins) == 4, "one for each revision, and one for the version of that which works outside"
    for place in begins:
        assert lines[place + 1 : place + 3] == [
            "SET LOCAL lock_timeout = '2s';",
            "SET LOCAL statement_timeout = '1min';",
        ]
    place = lines.index("CREATE INDEX CONCURRENTLY a_x ON public.a (x);")
    assert lines[place - 2 : place] == ["SET lock_timeout = '10min';", "SET statement_timeout = '11min';"]
    assert lines[place - 5 : place - 2] == ["$expect$;", "SET lock_timeout = '2s';", "SET statement_timeout = '1min';"]
    assert lines[place + 1 : place + 4] == ["RESET lock_timeout;", "RESET statement_timeout;", "BEGIN;"]
    place, end = lines.index("DO $schema$"), lines.index("$schema$;")
    assert "CREATE SCHEMA tripwire;" in lines[place + 3]
    assert lines[place - 2 : place] == ["SET lock_timeout = '2s';", "SET statement_timeout = '1min';"]
    assert lines[end + 1 : end + 4] == ["RESET lock_timeout;", "RESET statement_timeout;", "DO $encoding$"]


@pytest.mark.parametrize("left", ["by a file that failed", "by a downgrade to base"])
def test_what_was_left_does_not_stand_in_the_way_of_the_next_one_from_base(story: Chain, left: str) -> None:
    if left == "by a file that failed":
        story.execute("CREATE SCHEMA tripwire")
    else:
        assert story.upgrade(to="+1").code == 0
        assert story.run("downgrade", "base").code == 0
    sql = story.run("upgrade", "head", "--sql").out

    applied = _psql(story.url, sql)

    assert applied.code == 0, applied.err
    assert story.at() == story.revision(story.count)


def test_a_part_of_it_is_refused_by_a_database_that_is_elsewhere(story: Chain) -> None:
    assert story.upgrade(to="+1").code == 0
    part = story.run("upgrade", f"{story.revision(2)}:head", "--sql").out

    applied = _psql(story.url, part)

    assert applied.code != 0
    assert "upgrade 20260103000000 expects the database at 20260102000000; it is at 20260101000000." in applied.err
    assert story.at() == story.revision(1)
    assert story.query("SELECT FROM pg_attribute WHERE attrelid = 'public.a'::regclass AND attname = 'y'") == []


def test_one_from_base_is_refused_by_a_database_that_is_somewhere(story: Chain) -> None:
    assert story.upgrade(to="+1").code == 0
    whole = story.run("upgrade", "head", "--sql").out

    applied = _psql(story.url, whole)

    assert applied.code != 0
    assert "upgrade 20260101000000 expects the database at base (no revision); it is at 20260101000000." in applied.err
    assert story.at() == story.revision(1)


def test_a_part_of_it_is_refused_by_a_database_that_alembic_never_saw(story: Chain) -> None:
    part = story.run("upgrade", f"{story.revision(2)}:head", "--sql").out

    applied = _psql(story.url, part)

    assert applied.code != 0
    assert "expects the database at 20260102000000; it has no table tripwire.alembic_version." in applied.err
    assert story.tables() == set()


def test_the_wrong_database_keeps_the_indexes_that_the_file_drops(story: Chain) -> None:
    assert story.upgrade().code == 0  # at 3, and the way back from 2 is for another database
    back = story.run("downgrade", f"{story.revision(2)}:{story.revision(1)}", "--sql").out

    applied = _psql(story.url, back)
    # What somebody runs by hand from the middle of it is stopped, too.
    middle = "\\set ON_ERROR_STOP on\n" + back[back.index("COMMIT;") + len("COMMIT;") :]
    by_hand = _psql(story.url, middle)

    for result in (applied, by_hand):
        assert result.code != 0
        assert "downgrade 20260102000000 expects the database at 20260102000000" in result.err
    assert story.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'public.a_x'::regclass") == [(True,)]
    assert story.at() == story.revision(3)


@pytest.mark.parametrize("arguments", [("heads",), ("upgrade", "head", "--sql")])
def test_a_locale_without_letters_of_the_project_s_files_is_no_hindrance(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode("utf-8").strip()


def test_it_is_refused_while_somebody_migrates(story: Chain) -> None:
    with story.connect() as other:
        other.execute("SELECT pg_advisory_lock(1953655152, 2)")
        applied = _psql(story.url, story.run("upgrade", "head", "--sql").out)
    assert applied.code != 0
    assert "Somebody else is migrating this database." in applied.err


def test_back_down_by_psql_only_the_empty_version_table_remains(story: Chain) -> None:
    assert story.upgrade().code == 0
    rendered = story.run("downgrade", "head:base", "--sql")
    assert rendered.code == 0, rendered
    applied = _psql(story.url, rendered.out)
    assert applied.code == 0, applied
    assert story.at() is None
    assert story.tables() == set()
