"""docs/how-to/dba/migrations.md shows real output; `WRITE_DOCS=1` writes it anew."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.schema.runner.chain import ROOT, Chain, Result
from tripwire_db.migrations import script_location

PAGE = ROOT / "docs" / "how-to" / "dba" / "migrations.md"
_SCENE = re.compile(r"<!-- scene: (?P<name>\S+) -->\n```console\n(?P<text>.*?)```\n", re.DOTALL)
_LOSSES = """from alembic import op
from revision_tools import Loss, refuse_loss

LOSSES = (Loss("names of rooms", "FROM public.rooms WHERE name IS NOT NULL"),)
"""
_ALIKE = (
    (re.compile(r"postgres@\S+/test_\w+"), "postgres@db.example.com:5432/postgres"),
    (re.compile(r"tripwire-db (\w+) by \S+ pid \d+"), r"tripwire-db \1 by ci@runner pid 42"),
    (re.compile(r"\bpid \d{2,}\b(?! \(host)"), "pid 4711"),
    (re.compile(r"pid 4711(?=[):])"), "pid 42"),
    (re.compile(r"\bin \d+\.\d s\b"), "in 0.1 s"),
    (re.compile(r"\d+\.\d\d s\b"), "0.01 s"),
    (re.compile(r"\bfor \d+ s\b"), "for 1 s"),
)


@pytest.fixture
def rooms(tmp_path: Path, make_database: Callable[..., str]) -> Chain:
    """A chain of three, written as a revision of the project is."""
    chain = Chain.make(tmp_path, make_database(migrated=None))
    chain.add("CREATE TABLE public.rooms (id int PRIMARY KEY, floor int)", down=("DROP TABLE public.rooms",))
    chain.add(
        "CREATE INDEX CONCURRENTLY rooms_floor ON public.rooms (floor)",
        down=("DROP INDEX CONCURRENTLY public.rooms_floor",),
        concurrent=True,
    )
    chain.add("ALTER TABLE public.rooms ADD COLUMN name text")
    titles = ("Make rooms", "Index the rooms beside the traffic", "Give rooms a name")
    for number, title in enumerate(titles, start=1):
        path = chain.folder / "alembic" / "versions" / f"{chain.revision(number)}_step.py"
        text = path.read_text().replace(f"Step {number}.", f"{title}.")
        if number == 3:
            text = text.replace("from alembic import op\n", _LOSSES).replace(
                "    pass", '    refuse_loss(LOSSES)\n    op.execute("ALTER TABLE public.rooms DROP COLUMN name")'
            )
        path.write_text(text)
    return chain


def _transcript(result: Result, command: str) -> str:
    return f"$ {command}\n{result.err}{result.out}".rstrip("\n") + "\n"


def _run(chain: Chain, command: str, **environment: str) -> str:
    return _transcript(chain.run(*command.split()[1:], **environment), command)


def _block(chain: Chain) -> psycopg.Connection:
    blocker = psycopg.connect(chain.url, application_name="nightly report")
    blocker.execute("LOCK TABLE public.rooms IN ACCESS SHARE MODE")
    return blocker


def _upgrade(chain: Chain) -> str:
    return _run(chain, "alembic upgrade head")


def _again(chain: Chain) -> str:
    assert chain.upgrade().code == 0
    return _run(chain, "alembic upgrade head")


def _no_url(chain: Chain) -> str:
    return _run(chain, "alembic upgrade head", url="")


def _pooler(chain: Chain) -> str:
    url = "postgresql://postgres.ref:PASSWORD@aws-0-eu-central-1.pooler.supabase.com:6543/postgres"
    return _run(chain, f"alembic -x url={url} upgrade head")


def _two(chain: Chain) -> str:
    assert chain.upgrade(to="+2").code == 0
    blocker = _block(chain)
    first = chain.start("-x", "lock-timeout=20s", "upgrade", "head")
    chain.wait_for_statement("ADD COLUMN name")
    second = chain.start("upgrade", "head")
    assert second.process.stderr is not None
    said = ""
    for line in second.process.stderr:
        said += line
        if "another deployer" in line:
            break
    blocker.close()
    assert first.finish().code == 0
    result = second.finish()
    return _transcript(Result(result.code, result.out, said + result.err), "alembic upgrade head")


def _blocked(chain: Chain) -> str:
    assert chain.upgrade(to="+2").code == 0
    with _block(chain):
        return _run(chain, "alembic -x lock-timeout=500ms -x lock-attempts=2 upgrade head")


def _interrupted(chain: Chain) -> str:
    assert chain.upgrade(to="+2").code == 0
    blocker = _block(chain)
    deployer = chain.start("-x", "lock-timeout=20s", "upgrade", "head")
    chain.wait_for_statement("ADD COLUMN name")
    deployer.kill(signal.SIGINT)
    result = deployer.finish()
    blocker.close()
    # The server has the revision wait only so that there is time for a signal.
    err = "".join(line for line in result.err.splitlines(keepends=True) if "waits for" not in line)
    return _transcript(
        Result(result.code, result.out, err.replace("Interrupted", "^C\nInterrupted")), "alembic upgrade head"
    )


def _loss(chain: Chain) -> str:
    assert chain.upgrade().code == 0
    chain.execute("INSERT INTO public.rooms VALUES (1, 1, 'Red'), (2, 1, 'Blue')")
    return _run(chain, "alembic downgrade -1") + _run(chain, "alembic -x accept-loss=yes downgrade -1")


def _sql(chain: Chain) -> str:
    return re.sub(r"\n{3,}", "\n\n", _run(chain, "alembic upgrade 20260102000000:20260103000000 --sql"))


SCENES = {
    "upgrade": _upgrade,
    "again": _again,
    "no-url": _no_url,
    "pooler": _pooler,
    "two": _two,
    "blocked": _blocked,
    "interrupted": _interrupted,
    "loss": _loss,
    "sql": _sql,
}


@pytest.mark.parametrize("name", SCENES)
def test_the_page_shows_what_the_commands_print(name: str, rooms: Chain) -> None:
    printed = _alike(SCENES[name](rooms))
    page = PAGE.read_text(encoding="utf-8")
    shown = {match["name"]: match["text"] for match in _SCENE.finditer(page)}
    if os.environ.get("WRITE_DOCS") == "1":
        PAGE.write_text(page.replace(f"<!-- scene: {name} -->\n```console\n{shown[name]}", _scene(name, printed)))
        return
    assert shown[name] == printed


def test_every_scene_of_the_page_is_played() -> None:
    assert {match["name"] for match in _SCENE.finditer(PAGE.read_text(encoding="utf-8"))} == set(SCENES)


def test_every_setting_stands_on_the_page_with_its_default() -> None:
    from tripwire_db.schema.runner.limits import KNOWN, Limits, spell

    page = PAGE.read_text(encoding="utf-8")
    defaults = Limits()
    for name in KNOWN:
        assert f"{name}=" in page, name
    for name in ("lock_timeout", "statement_timeout", "deploy_wait"):
        row = next(line for line in page.splitlines() if f"`TRIPWIRE_{name.upper()}`" in line)
        assert f"| {spell(getattr(defaults, name))} |" in row
    assert f"| {defaults.lock_attempts} |" in page


def test_the_template_sends_its_reader_to_this_page() -> None:
    assert "docs/how-to/dba/migrations.md" in (script_location() / "script.py.mako").read_text(encoding="utf-8")


def _scene(name: str, printed: str) -> str:
    return f"<!-- scene: {name} -->\n```console\n{printed}"


def _alike(text: str) -> str:
    """Write what differs from run to run always the same."""
    for pattern, same in _ALIKE:
        text = pattern.sub(same, text)
    return text
