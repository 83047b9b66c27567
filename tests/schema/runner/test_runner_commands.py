"""Every command of plain `alembic` works: those that only look change nothing, those that need no database ask for none."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.schema.runner.chain import ROOT, Chain
from tripwire_db.schema.runner.errors import MigrationError
from tripwire_db.schema.runner.naming import revision_id


@pytest.fixture
def three(chain: Chain) -> Chain:
    for name in ("a", "b", "c"):
        chain.add(f"CREATE TABLE public.{name} ()", down=(f"DROP TABLE public.{name}",))
    return chain


def test_commands_that_look_create_nothing(three: Chain) -> None:
    for arguments in (("current",), ("current", "-v"), ("history", "-i"), ("show", "current")):
        result = three.run(*arguments)
        assert result.code == 0, result
    assert three.query("SELECT FROM pg_namespace WHERE nspname = 'tripwire'") == []


def test_commands_about_the_files_alone_need_no_database(three: Chain) -> None:
    assert three.revision(3) in three.run("heads", url="").out
    assert three.run("history", url="").out.count("->") == 3
    assert three.run("history", "-r", "base:+1", url="").code == 0
    assert three.run("show", three.revision(2), url="").code == 0
    assert three.run("branches", url="").code == 0


def test_current_and_history_tell_where_a_database_is(three: Chain) -> None:
    assert three.upgrade(to="+2").code == 0
    assert three.run("current").out.split() == [three.revision(2)]
    assert f"{three.revision(2)} (current)" in three.run("history", "-i").out
    assert three.run("current", "--check-heads").code != 0
    assert three.upgrade().code == 0
    assert three.run("current", "--check-heads").code == 0


def test_stamp_takes_the_lock_and_runs_nothing(three: Chain) -> None:
    assert three.run("stamp", "head").code == 0
    assert three.at() == three.revision(3)
    assert three.tables() == set()
    assert three.run("stamp", "--purge", three.revision(1)).code == 0
    assert three.at() == three.revision(1)


def test_downgrades_go_one_by_one_and_to_base(three: Chain) -> None:
    assert three.upgrade().code == 0
    result = three.run("downgrade", "-1")
    assert result.code == 0
    assert f"  downgrade {three.revision(3)}  step: Step 3  " in result.err
    assert three.run("downgrade", three.revision(1)).code == 0
    assert three.tables() == {"a"}
    assert three.run("downgrade", "base").code == 0
    assert three.run("downgrade", "base").code == 0, "nothing is left to do"


def test_a_database_ahead_of_this_version_is_told_so(three: Chain) -> None:
    assert three.upgrade().code == 0
    (three.folder / "alembic" / "versions" / f"{three.revision(3)}_step.py").unlink()
    result = three.upgrade()
    assert result.code != 0
    assert "install a newer one" in result.out
    assert "Traceback" not in result.said


def test_quiet_says_nothing(three: Chain) -> None:
    result = three.run("-q", "upgrade", "head")
    assert (result.code, result.said) == (0, "")


def test_a_new_revision_is_named_by_its_utc_time_and_carries_the_rules(three: Chain) -> None:
    result = three.run("revision", "-m", "Add a thing", url="")

    assert result.code == 0, result
    (path,) = (three.folder / "alembic" / "versions").glob("*_add_a_thing.py")
    name = re.fullmatch(r"(\d{14})_add_a_thing\.py", path.name)
    assert name
    made = datetime.strptime(name[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - made) < timedelta(minutes=2)
    text = path.read_text()
    assert f'revision = "{name[1]}"' in text
    assert f"down_revision = '{three.revision(3)}'" in text.replace('"', "'")
    for rule in ("CONCURRENTLY", "NOT VALID", "downgrade"):
        assert rule in text
    assert three.run("upgrade", "head", "--sql").code == 0


def test_an_id_of_one_s_own_stays(three: Chain) -> None:
    assert three.run("revision", "-m", "mine", "--rev-id", "abcdefabcdef", url="").code == 0
    assert list((three.folder / "alembic" / "versions").glob("abcdefabcdef_mine.py"))


def test_an_id_is_later_than_the_head_even_by_a_clock_that_is_behind(three: Chain) -> None:
    script = ScriptDirectory(str(three.folder / "alembic"))
    assert revision_id(script, datetime(2020, 1, 1, tzinfo=UTC)) == "20260103000001"
    assert revision_id(script, datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)) == "20261231235959"


def test_check_finds_the_project_s_models_and_chain_in_agreement(make_database: Callable[..., str]) -> None:
    project = Chain(ROOT, make_database())
    project.execute("CREATE TABLE public.somebody_elses (id int)")

    result = project.run("check")

    assert result.code == 0, result
    assert "No new upgrade operations detected." in result.out


def test_check_finds_a_difference_and_a_column_s_default(make_database: Callable[..., str]) -> None:
    project = Chain(ROOT, make_database())
    project.execute("ALTER TABLE public.certificates ALTER COLUMN number SET DEFAULT 'TW-0'")
    result = project.run("check")
    assert result.code != 0
    assert "modify_default" in result.out
    assert "'number'" in result.out


def test_from_python_the_outcome_is_told_and_errors_are_alembic_s(
    three: Chain, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Config()
    config.set_main_option("script_location", str(three.folder / "alembic").replace("%", "%%"))
    config.attributes |= {"url": three.url, "quiet": True, "lock_timeout": "2s"}

    command.upgrade(config, "+2")

    outcome = config.attributes["outcome"]
    assert (outcome.before, outcome.after) == (None, three.revision(2))
    assert [name for name, _ in outcome.revisions] == [f"upgrade {three.revision(n)}" for n in (1, 2)]
    assert outcome.seconds < 10
    assert outcome.notified
    assert capsys.readouterr() == ("", "")

    three.add("SELECT 1/0")
    with pytest.raises(MigrationError, match="division by zero"):
        command.upgrade(config, "head")
    assert three.at() == three.revision(3)


def test_from_a_thread_it_works_without_signal_handlers(three: Chain) -> None:
    from concurrent.futures import ThreadPoolExecutor

    config = Config()
    config.set_main_option("script_location", str(three.folder / "alembic").replace("%", "%%"))
    config.attributes |= {"url": three.url, "quiet": True}
    with ThreadPoolExecutor(1) as pool:
        pool.submit(command.upgrade, config, "head").result()
    assert three.at() == three.revision(3)


def test_a_downgrade_over_several_revisions_is_refused_before_the_first_where_one_would_lose_something(
    three: Chain,
) -> None:
    path = three.folder / "alembic" / "versions" / f"{three.revision(2)}_step.py"
    losses = 'from revision_tools import Loss, refuse_loss\n\nLOSSES = (Loss("rows of b", "FROM public.b"),)\n'
    later = 'LOSSES += (Loss("values of a layout that is gone", "FROM public.nowhere"),)\n'
    path.write_text(
        path.read_text()
        .replace("from alembic import op\n", f"from alembic import op\n{losses}{later}")
        .replace("    op.execute('DROP", "    refuse_loss(LOSSES[:1])\n    op.execute('DROP")
    )
    assert three.upgrade().code == 0
    three.execute("INSERT INTO public.b DEFAULT VALUES")

    refused = three.run("downgrade", "base")

    assert refused.code != 0
    assert "This downgrade would lose: 1 rows of b. Take a backup" in refused.out
    assert f"The database is at {three.revision(3)}, as before; nothing was changed." in refused.out
    assert three.run("downgrade", "-1").code == 0, "this one loses nothing"
    assert three.run("-x", "accept-loss=yes", "downgrade", "base").code == 0


def test_a_pipe_that_is_closed_does_not_stop_a_migration(three: Chain) -> None:
    deployer = three.start("upgrade", "head")
    process = deployer.process
    assert process.stderr is not None
    process.stderr.close()
    with process:
        assert process.wait(timeout=30) == 0
    assert three.at() == three.revision(3)
