"""Supabase's own command line, on a project folder and a database; no container, no account."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from tests.support.servers.finding import supabase_program
from tests.support.servers.postgres import Postgres
from tripwire_db.embedded.hosted import HostedServer


@dataclass(frozen=True)
class Supabase:
    """`supabase`, with one folder."""

    program: Path
    folder: Path
    server: Postgres | HostedServer

    @classmethod
    def at(cls, folder: Path, server: Postgres | HostedServer) -> "Supabase":
        return cls(supabase_program(), folder, server)

    def run(self, *words: str, url: str) -> subprocess.CompletedProcess[str]:
        """Run a command on a database; it takes no socket."""
        place = self.server.url(str(conninfo_to_dict(url)["dbname"]), tcp=True)
        target = f"--remote={place}{'&' if '?' in place else '?'}sslmode=disable"
        return subprocess.run(
            [self.program, *words, target, "--workdir", self.folder, "--agent", "no", "--yes"],
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "SUPABASE_NO_UPDATE_NOTIFIER": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def advisors(self, url: str) -> list[dict[str, Any]]:
        """Give the findings that its advisors have for a database."""
        done = self.run("db", "advisors", "--level", "info", "--fail-on", "none", "--output-format", "json", url=url)
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)["results"]
        return found
