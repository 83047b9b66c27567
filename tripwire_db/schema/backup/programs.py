"""pg_dump and pg_restore: found, checked against the server's version, and run without a password among their arguments."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from psycopg.conninfo import make_conninfo

from tripwire_db.embedded import find_program
from tripwire_db.errors import Unavailable
from tripwire_db.postgres.url import mask_secret, parse
from tripwire_db.safe_text import printable

_SECRETS = {"password": "PGPASSWORD"}
_STOP_SECONDS = 10


def program_for(name: str, server_version: int) -> Path:
    """Find a client program that is at least as new as a server.

    Args:
        name: `pg_dump` or `pg_restore`.
        server_version: as libpq gives it, for example 170006.

    Raises:
        Unavailable: there is none, or it is older.
    """
    program = find_program(name)
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=30).stdout
    found = re.search(r"(\d+)(?:\.|\w|$)", said)
    if found is None:
        raise Unavailable(f"{program} does not run here", applied=False)
    major = server_version // 10_000
    if int(found[1]) < major:
        raise Unavailable(
            f"{program} is of PostgreSQL {found[1]}, and the server of {major}: put a {name} of PostgreSQL {major} or newer "
            "on the PATH",
            applied=False,
        )
    return program


def place_and_secrets(url: str) -> tuple[str, dict[str, str]]:
    """A database as an argument that everybody may see, and the variables that hold the rest."""
    parameters = parse(url)
    secrets = {_SECRETS[name]: parameters.pop(name) for name in tuple(parameters) if name in _SECRETS}
    return make_conninfo(**parameters), secrets


@contextmanager
def running(
    command: Sequence[str | Path], *, url: str | None = None, read: str = "stdout"
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program, one of whose streams is read in the block; it is ended with the block, and must end well.

    Args:
        command: the program and its arguments.
        url: of the database, for the variables that hold its secrets.
        read: `stdout` or `stderr`.

    Raises:
        Unavailable: it ended badly; the message has the last line that it said.
    """
    secrets = place_and_secrets(url)[1] if url is not None else {}
    with TemporaryFile() as said:
        streams: Mapping[str, int | IO[bytes]] = (
            {"stdout": subprocess.PIPE, "stderr": said}
            if read == "stdout"
            else {"stdout": said, "stderr": subprocess.PIPE}
        )
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            env={**os.environ, **secrets, "LC_ALL": "C.UTF-8", "PGCLIENTENCODING": "UTF8"},
            **streams,  # type: ignore[call-overload]
        )
        try:
            yield process
            process.wait()
        finally:
            _end(process)
        if process.returncode:
            said.seek(0)
            raise _failed(Path(str(command[0])).name, said.read(), url)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Whatever happens in the block, the program does not outlive it."""
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _failed(name: str, said: bytes, url: str | None) -> Unavailable:
    lines = [line for line in said.decode(errors="replace").splitlines() if "error" in line.lower()]
    text = lines[0].partition("error: ")[2] if lines else "it was ended"
    if url is not None:
        text = mask_secret(text, parse(url))
    return Unavailable(f"{name} failed: {printable(text)[:500]}", applied=False)
