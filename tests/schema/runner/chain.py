"""A small chain of revisions in a folder of its own, with the project's env.py, run by the real `alembic` command."""

import io
import os
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import TypeVar

import psycopg
import pytest
from alembic.config import CommandLine, Config
from alembic.util import messaging

ROOT = Path(__file__).resolve().parents[3]
T = TypeVar("T")
PATIENCE = 30.0
_SETTINGS = ("TRIPWIRE_", "PG", "ALEMBIC_")

# Runs until a row stands in public.gate, so that a test decides when a revision goes on.
WAIT_AT_GATE = """DO $$ BEGIN
    WHILE NOT EXISTS (SELECT FROM public.gate) LOOP PERFORM pg_sleep(0.02); END LOOP;
END $$"""


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err


@dataclass
class Deployer:
    """One `alembic` at work."""

    process: subprocess.Popen[str]

    def finish(self) -> Result:
        out, err = self.process.communicate(timeout=PATIENCE)
        return Result(self.process.returncode, out, err)

    def kill(self, signal: int) -> None:
        self.process.send_signal(signal)


@dataclass
class Chain:
    """A folder with alembic.ini, env.py and revisions; the nth is 2026010<n>000000."""

    folder: Path
    url: str
    count: int = 0

    @classmethod
    def make(cls, folder: Path, url: str) -> "Chain":
        shutil.copy(ROOT / "alembic.ini", folder)
        shutil.copytree(
            ROOT / "alembic", folder / "alembic", ignore=shutil.ignore_patterns("versions", "sql", "__pycache__")
        )
        (folder / "alembic" / "versions").mkdir()
        return cls(folder, url)

    def revision(self, number: int) -> str:
        return f"202601{number:02}000000"

    def add(self, *statements: str, down: tuple[str, ...] = (), concurrent: bool = False, body: str = "") -> str:
        """Write the next revision; `concurrent` puts its statements outside of a transaction."""
        self.count += 1
        revision = self.revision(self.count)
        before = repr(self.revision(self.count - 1)) if self.count > 1 else "None"
        head = (
            f'"""Step {self.count}."""\n\nfrom alembic import op\n\nrevision = "{revision}"\ndown_revision = {before}\n'
        )
        up = body or _function(statements, concurrent=concurrent)
        text = f"{head}\n\ndef upgrade():\n{indent(up, '    ')}\n\n\ndef downgrade():\n"
        text += indent(_function(down, concurrent=concurrent), "    ")
        (self.folder / "alembic" / "versions" / f"{revision}_step.py").write_text(text + "\n")
        return revision

    def start(self, *arguments: str, url: str | None = None, **environment: str) -> Deployer:
        """Start `alembic` in a process of its own."""
        return Deployer(
            subprocess.Popen(
                [sys.executable, "-m", "alembic", *arguments],
                cwd=self.folder,
                env=self._variables(url, environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )

    def run(self, *arguments: str, url: str | None = None, **environment: str) -> Result:
        """Run what the command `alembic` runs, in this process, which takes a tenth of the time."""
        out, err = io.StringIO(), io.StringIO()
        line = CommandLine()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setattr(os, "environ", self._variables(url, environment))
            patch.setattr(sys, "path", list(sys.path))  # alembic.ini puts the chain's folder in front
            patch.setattr(messaging, "TERMWIDTH", None)  # of the terminal that the tests run on
            options = line.parser.parse_args(arguments)
            config = Config(str(self.folder / "alembic.ini"), stdout=out, cmd_opts=options)
            try:
                line.run_cmd(config, options)
                code = 0
            except SystemExit as stopped:
                code = int(stopped.code or 0)
            except Exception:  # noqa: BLE001 what Python would print, and nobody should ever see
                traceback.print_exc()
                code = 1
        return Result(code, out.getvalue(), err.getvalue())

    def upgrade(self, *before: str, to: str = "head", **environment: str) -> Result:
        return self.run(*before, "upgrade", to, **environment)

    def _variables(self, url: str | None, environment: dict[str, str]) -> dict[str, str]:
        variables = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
        variables |= {"TRIPWIRE_MIGRATIONS_URL": self.url if url is None else url, **environment}
        return {name: value for name, value in variables.items() if value}

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url, autocommit=True)

    def query(self, sql: str) -> list[tuple]:
        with self.connect() as connection:
            return connection.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        with self.connect() as connection:
            connection.execute(sql)

    def at(self) -> str | None:
        """The revision in the version table."""
        rows = self.query("SELECT version_num FROM tripwire.alembic_version")
        return rows[0][0] if rows else None

    def tables(self) -> set[str]:
        return {
            row[0] for row in self.query("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        }

    def wait_for_statement(self, fragment: str) -> int:
        """Wait until another session runs a statement with these words; returns its pid."""

        def running() -> int | None:
            rows = self.query(
                "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
                f" AND datname = current_database() AND query LIKE '%{fragment}%'"
            )
            return rows[0][0] if rows else None

        return eventually(running)


def eventually(ask: Callable[[], T | None]) -> T:
    """Ask until there is an answer."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError("it never happened")


def _function(statements: tuple[str, ...], *, concurrent: bool) -> str:
    lines = [f"op.execute({statement!r})" for statement in statements] or ["pass"]
    if not concurrent:
        return "\n".join(lines)
    return "with op.get_context().autocommit_block():\n" + indent("\n".join(lines), "    ")
