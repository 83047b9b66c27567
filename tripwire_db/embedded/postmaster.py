"""The postmaster of a data folder, as its `postmaster.pid` and the system's process table tell of it.

After a SIGKILL the file lies about: its process is dead, or its number has gone to somebody else. So a process counts
only if it works in the data folder, as every PostgreSQL process does.
"""

import os
import select
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from tripwire_db.embedded.account import ServerUnavailable
from tripwire_db.embedded.folder import read_file

_PATIENCE = 60.0  # seconds for a start, a stop or a recovery that is under way
_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}


@dataclass(frozen=True, slots=True)
class Postmaster:
    """One running server.

    Attributes:
        pid: its process id.
        data_dir: its data folder.
        port: its port.
        socket_dir: the folder of its unix socket.
        listens_on_tcp: True where it listens on an address, too.
        ready: True once it takes connections.
    """

    pid: int
    data_dir: Path
    port: int
    socket_dir: Path
    listens_on_tcp: bool
    ready: bool

    @classmethod
    def of(cls, data_dir: Path) -> Self | None:
        """Find the server that runs in a data folder; None if none does."""
        try:
            lines = read_file(data_dir.parent, data_dir.name, "postmaster.pid").splitlines()
        except FileNotFoundError:
            return None
        if not lines or not lines[0].lstrip("-").isdigit() or not _works_in(int(lines[0]), data_dir):
            return None
        # Lines, as miscadmin.h has them: pid, data folder, start, port, socket folder, address, shared memory, status.
        lines += [""] * (8 - len(lines))
        return cls(
            pid=abs(int(lines[0])),
            data_dir=data_dir,
            port=int(lines[3] or 0),
            socket_dir=Path(lines[4]),
            listens_on_tcp=bool(lines[5].strip()),
            ready=lines[7].strip() == "ready",
        )

    def wait_until_ready(self) -> bool:
        """Wait for a server that somebody else is starting or stopping.

        Returns:
            True once it is ready, False if it ended.

        Raises:
            ServerUnavailable: neither within a minute.
        """
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            now = Postmaster.of(self.data_dir)
            if now is None:
                return False
            if now.ready:
                return True
            wait_for_end(now.pid, 0.05)  # nothing announces readiness: as pg_ctl does, look again
        raise ServerUnavailable(f"PostgreSQL (pid {self.pid}) in {self.data_dir} is neither ready nor gone")

    def stop(self, mode: Literal["smart", "fast", "immediate"]) -> None:
        """Tell the server to stop, and wait until its process and its children are gone.

        Raises:
            ServerUnavailable: it is still there after a minute.
        """
        try:
            os.kill(self.pid, _SIGNALS[mode])
        except ProcessLookupError:
            return
        if not wait_for_end(self.pid, _PATIENCE):
            raise ServerUnavailable(f"PostgreSQL (pid {self.pid}) in {self.data_dir} does not stop ({mode})")
        _wait_for_orphans(self.data_dir)

    @staticmethod
    def clear_leftovers(data_dir: Path, socket_dir: Path) -> None:
        """Make way for a start after a kill: wait for orphaned children, drop lock files whose owner is dead.

        PostgreSQL drops such files itself, unless the dead server's process id has gone to another process.
        """
        if Postmaster.of(data_dir) is not None:
            return
        _wait_for_orphans(data_dir)
        (data_dir / "postmaster.pid").unlink(missing_ok=True)
        for leftover in socket_dir.glob(".s.PGSQL.*"):
            leftover.unlink(missing_ok=True)


def _works_in(pid: int, data_dir: Path) -> bool:
    """Tell whether a process is there and works in the folder (or is there, where /proc cannot tell)."""
    try:
        os.kill(abs(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return False  # somebody else's: the number was given anew
    try:
        return Path(f"/proc/{abs(pid)}/cwd").samefile(data_dir)
    except OSError:
        return not Path("/proc/self").exists()


def _wait_for_orphans(data_dir: Path) -> None:
    """Wait for backends that outlive their killed postmaster; they end by themselves as soon as they notice."""
    for entry in Path("/proc").glob("[0-9]*"):
        if _works_in(int(entry.name), data_dir) and not wait_for_end(int(entry.name), _PATIENCE):
            raise ServerUnavailable(f"a process (pid {entry.name}) of a killed server still works in {data_dir}")


def wait_for_end(pid: int, seconds: float) -> bool:
    """Wait for a process that is not our child; True once it is gone."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    except (AttributeError, OSError):  # not Linux, or an old kernel
        return _poll_for_end(pid, seconds)
    try:
        watch = select.poll()
        watch.register(descriptor, select.POLLIN)
        return bool(watch.poll(seconds * 1000))
    finally:
        os.close(descriptor)


def _poll_for_end(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
