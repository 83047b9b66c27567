"""A small chain of revisions in a folder of its own, with the project's env.py, run by the real `alembic` command."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import indent
from typing import TypeVar

import psycopg

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
    environment: dict[str, str] = field(default_factory=dict)

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
        variables = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
        variables |= {"TRIPWIRE_MIGRATIONS_URL": self.url if url is None else url, **self.environment, **environment}
        return Deployer(
            subprocess.Popen(
                [sys.executable, "-m", "alembic", *arguments],
                cwd=self.folder,
                env={name: value for name, value in variables.items() if value},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )

    def run(self, *arguments: str, url: str | None = None, **environment: str) -> Result:
        return self.start(*arguments, url=url, **environment).finish()

    def upgrade(self, *before: str, to: str = "head", **environment: str) -> Result:
        return self.run(*before, "upgrade", to, **environment)

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
