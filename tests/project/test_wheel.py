"""The wheel: it carries the revisions and the SQL, and works from any folder."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tripwire_db import __version__, migrations
from tripwire_db.settings import mask_url

PROJECT = Path(__file__).resolve().parents[2]

HEADS = "from tripwire_db import migrations; print(migrations.script_location(), *migrations.heads())"
UPGRADE = "import sys; from tripwire_db import migrations; migrations.upgrade(sys.argv[1])"


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, mask_url(done.stderr[-3000:])
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel and the source archive, as `hatchling build` makes them."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-d", folder, cwd=PROJECT)
    return {"wheel": next(folder.glob("*.whl")), "sdist": next(folder.glob("*.tar.gz"))}


@pytest.fixture(scope="module")
def installed(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a fresh environment with the wheel in it; what it depends on is borrowed from here."""
    venv = tmp_path_factory.mktemp("fresh") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=venv.parent)
    packages = next(venv.glob("lib/python*/site-packages"))
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", venv / "bin" / "python", "install", "--quiet", "--no-deps"]
    run(*pip, "--no-index", "--ignore-installed", built["wheel"], cwd=venv.parent)
    return venv / "bin"


def test_the_wheel_carries_every_revision_and_every_piece_of_sql(built: dict[str, Path]):
    inside = set(zipfile.ZipFile(built["wheel"]).namelist())
    alembic = PROJECT / "alembic"
    carried = [*alembic.rglob("*.py"), *alembic.rglob("*.sql"), *alembic.rglob("*.mako")]
    assert len(carried) > 20
    assert {f"tripwire_db/_alembic/{path.relative_to(alembic)}" for path in carried} <= inside
    package = {str(path.relative_to(PROJECT)) for path in (PROJECT / "tripwire_db").rglob("*.sql")}
    assert package
    assert package <= inside
    assert "tripwire_db/py.typed" in inside


def test_the_wheel_carries_nothing_else(built: dict[str, Path]):
    inside = zipfile.ZipFile(built["wheel"]).namelist()
    assert {name.split("/")[0] for name in inside} == {"tripwire_db", f"tripwire_db-{__version__}.dist-info"}
    assert not [name for name in inside if "__pycache__" in name or name.endswith(".pyc")]


def test_the_source_archive_builds_the_same(built: dict[str, Path]):
    with tarfile.open(built["sdist"]) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "LICENSE", "alembic.ini", "alembic/env.py", "tripwire_db/tables.py"} <= inside
    assert not [name for name in inside if name.startswith((".venv/", "node_modules/"))]


def test_installed_it_finds_its_revisions_from_any_folder(installed: Path, tmp_path: Path):
    location, *heads = run(installed / "python", "-c", HEADS, cwd=tmp_path).split()
    assert Path(location).is_relative_to(installed.parent)
    assert tuple(heads) == migrations.heads()


def test_installed_it_upgrades_a_database(installed: Path, tmp_path: Path, empty_database_url: str):
    run(installed / "python", "-c", UPGRADE, empty_database_url, cwd=tmp_path)
    assert migrations.current(empty_database_url) == migrations.heads()[0]


def test_installed_it_serves_plain_alembic_by_the_two_lines_that_the_page_gives(
    installed: Path, tmp_path: Path, empty_database_url: str
):
    page = (PROJECT / "docs" / "how-to" / "dba" / "migrations.md").read_text(encoding="utf-8")
    (tmp_path / "alembic.ini").write_text(page.partition("```ini\n")[2].partition("```")[0])

    run(installed / "python", "-m", "alembic", "-x", f"url={empty_database_url}", "upgrade", "head", cwd=tmp_path)

    assert migrations.current(empty_database_url) == migrations.heads()[0]


def test_installed_its_command_gives_help(installed: Path, tmp_path: Path):
    assert "upgrade" in run(installed / "tripwire-db", "--help", cwd=tmp_path)


@pytest.mark.heavy
def test_installed_with_what_it_depends_on_it_runs_alone(
    built: dict[str, Path], tmp_path: Path, make_database: Callable[..., str]
):
    """Nothing that the package needs is missing from its dependencies: they come from the index, and nothing else does."""
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", built["wheel"], cwd=tmp_path)
    assert "upgrade" in run(tmp_path / "venv" / "bin" / "tripwire-db", "--help", cwd=tmp_path)
    run(python, "-W", "error", "-c", UPGRADE, make_database(migrated=False), cwd=tmp_path)
    run(python, "-c", "import tripwire_db; [getattr(tripwire_db, name) for name in tripwire_db.__all__]", cwd=tmp_path)


def test_every_dependency_has_a_range_and_a_reason():
    text = (PROJECT / "pyproject.toml").read_text()
    lines = [line.strip() for line in text.splitlines()]
    for requirement in tomllib.loads(text)["project"]["dependencies"]:
        assert ">=" in requirement
        assert "<" in requirement
        at = next(number for number, line in enumerate(lines) if line.startswith(f'"{requirement}"'))
        above = next(line for line in reversed(lines[:at]) if not line.startswith('"'))
        assert above.startswith("#"), f"say above {requirement} why it is needed"
