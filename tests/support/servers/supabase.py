"""Supabase's own command line, on a project folder and a database; no container, no account."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from tests.support.servers.finding import supabase_program
from tests.support.servers.postgres import Postgres


@dataclass(frozen=True)
class Supabase:
    """`supabase`, with one folder."""

    program: Path
    folder: Path
    server: Postgres

    @classmethod
    def at(cls, folder: Path, server: Postgres) -> "Supabase":
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
