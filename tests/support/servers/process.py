"""A server's process: started with its output in a file, awaited until it answers, ended by its own pid."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tripwire_db.embedded import home
from tripwire_db.embedded.account import server_account

START_SECONDS = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def takes_connections(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """One server in a folder of its own, run as the account that runs PostgreSQL (some refuse to be root)."""

    def __init__(self, name: str) -> None:
        self.account = server_account()
        token = f"{name}-{os.getpid()}-{os.urandom(3).hex()}"
        self.folder = self.account.make_folder(home() / "processes" / token, private=True)
        self.log = self.folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, command: list[str | Path], *, env: Mapping[str, str], ready: Callable[[], bool]) -> None:
        """Start it and wait until it is ready; its log tells why, if it never is."""
        change = {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                **(change if self.account.switched else {}),
                cwd=self.folder,
                env={"PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC", **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{command[0]} did not start:\n{self.output()[-3000:]}")
            time.sleep(0.02)  # a port that opens is announced by nothing

    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL, for tests of what others do then."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        if self.account.switched:
            os.chown(path, self.account.uid, self.account.gid)
        return path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder)
