"""The example backend as a process of its own, and clients with tokens as Supabase Auth signs them."""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import jwt

ROOT = Path(__file__).parents[2]
SECRET = "a secret of the tests that is long enough"
PATIENCE = 120.0
"""Seconds; more than any answer takes on a busy machine, the repository's own patience included."""


class Backend:
    """`python -m examples.backend`, started; it takes a free port and is stopped by its pid."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "examples.backend", "--port", "0"],
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "SUPABASE_JWT_SECRET": SECRET, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []
        self._clients: list[httpx.Client] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        try:
            self.url = self.wait_for(r"running on (http://\S+)")
        except AssertionError:
            self.close()
            raise

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line)
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, pattern: str) -> str:
        """The first group of the next line that matches."""
        while (line := self._lines.get(timeout=PATIENCE)) is not None:
            if found := re.search(pattern, line):
                return found[1]
        raise AssertionError(f"the backend ended before it said {pattern}:\n{''.join(self.said)}")

    def client(self, kind: str | None = None, user_id: UUID | str | None = None, **claims: Any) -> httpx.Client:
        headers = {} if kind is None else {"Authorization": f"Bearer {token(kind, user_id, **claims)}"}
        client = httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE)
        self._clients.append(client)
        return client

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """The exit code, once it has ended; nothing that it said is a traceback."""
        code = self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert "Traceback" not in "".join(self.said), "".join(self.said)
        return code

    def close(self) -> None:
        """Whatever is left of it ends."""
        for client in self._clients:
            client.close()
        self._process.kill()
        self._process.wait()
        self._reader.join(PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def running(environment: dict[str, str]) -> Iterator[Backend]:
    backend = Backend(environment)
    try:
        yield backend
    finally:
        backend.close()


def token(kind: str, user_id: UUID | str | None, *, secret: str = SECRET, **claims: Any) -> str:
    standard = {
        "sub": str(user_id),
        "aud": "authenticated",
        "exp": time.time() + 3600,
        "app_metadata": {"tripwire": {"kind": kind}},
    }
    return jwt.encode({**standard, **claims}, secret, "HS256")
