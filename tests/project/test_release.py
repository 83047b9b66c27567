"""`scripts/release`: a release is prepared in one go, its archives can be built again, and a wrong call changes nothing."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tripwire_db import __version__, migrations
from tripwire_db.schema.releases import read_releases

PROJECT = Path(__file__).resolve().parents[2]
NEXT = f"{int(__version__.partition('.')[0]) + 1}.0.0rc1"
DAY = "2026-12-01"
EPOCH = "1796083200"
NEXT = "99.0.0rc1"
"""A version after the present one, whichever that is."""
UNRELEASED = "## [Unreleased]\n"


def release(*arguments: str | Path, project: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/release", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(project)}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A checkout with something unreleased, which this one need not have."""
    checkout = tmp_path / "checkout"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, checkout / name, follow_symlinks=False)
    changelog = checkout / "CHANGELOG.md"
    text = changelog.read_text(encoding="utf-8")
    changelog.write_text(text.replace(UNRELEASED, f"{UNRELEASED}\n### Fixed\n\n- A fault.\n"), encoding="utf-8")
    for words in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *words], cwd=checkout, check=True)
    return checkout


@pytest.mark.heavy
def test_a_trial_release_is_whole_and_everybody_can_build_its_archives_again(changed: Path, tmp_path: Path) -> None:
    trial = tmp_path / "trial"

    done = release(NEXT, "--trial", trial, "--date", DAY, project=changed)

    assert done.returncode == 0, done.stderr
    frozen = read_releases(trial / "alembic")[-1]
    assert (frozen.version, frozen.revision) == (NEXT, migrations.heads()[0])
    dated = f"{UNRELEASED}\n## [{NEXT}] - {DAY}\n\n### Fixed\n\n- A fault.\n"
    assert dated in (trial / "CHANGELOG.md").read_text(encoding="utf-8")
    wheel = trial / "dist" / f"tripwire_db-{NEXT}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        assert json.loads(archive.read(f"tripwire_db/_alembic/releases/{NEXT}.json"))["version"] == NEXT
        assert f"\nVersion: {NEXT}\n".encode() in archive.read(f"tripwire_db-{NEXT}.dist-info/METADATA")
        assert f'__version__ = "{NEXT}"'.encode() in archive.read("tripwire_db/__init__.py")
    again = [sys.executable, "-m", "hatchling", "build", "-d", tmp_path / "again"]
    subprocess.run(again, cwd=trial, env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH}, capture_output=True, check=True)
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "again").iterdir()}
    written = (trial / "dist" / "SHA256SUMS").read_text(encoding="ascii")
    assert written == "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))


def test_without_anything_unreleased_there_is_nothing_to_release(changed: Path, tmp_path: Path) -> None:
    changelog = changed / "CHANGELOG.md"
    before, heading, after = changelog.read_text(encoding="utf-8").partition(UNRELEASED)
    changelog.write_text(f"{before}{heading}\n## [0.0.1] - {DAY}\n{after}", encoding="utf-8")

    done = release(NEXT, "--trial", tmp_path / "trial", project=changed)

    assert (done.returncode, done.stdout) == (2, "")
    assert "nothing under Unreleased" in done.stderr
    assert not (tmp_path / "trial").exists()


@pytest.mark.parametrize(
    ("version", "said"),
    [(__version__, "does not come after"), ("0.0.1", "does not come after"), ("1.0", "is no version")],
)
def test_a_version_that_cannot_be_the_next_one_is_refused(tmp_path: Path, version: str, said: str) -> None:
    done = release(version, "--trial", tmp_path / "trial")

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert not (tmp_path / "trial").exists()
