"""Catalogs by pg_dump: all that it sees, owners and grants included, as text and object by object."""

import difflib
import re
import subprocess

from tripwire_db.embedded import find_program
from tripwire_db.errors import Unavailable

_HEADER = re.compile(
    r"^-- Name: (?P<name>.+); Type: (?P<type>[^;]+); Schema: (?P<schema>[^;]+); Owner:.*$", re.MULTILINE
)


def dump(url: str, *options: str, without: str = "tripwire.alembic_version") -> str:
    """Dump a database's catalog, without Alembic's own table.

    Args:
        url: The database.
        options: More of pg_dump's.
        without: The table to leave out.

    Raises:
        Unavailable: pg_dump failed.
    """
    command: list[str] = [
        str(find_program("pg_dump")),
        "--schema-only",
        # Without it the dump holds a random token.
        "--restrict-key=tripwire",
        f"--exclude-table={without}",
        *options,
        url,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise Unavailable(f"pg_dump failed: {done.stderr.strip()[:500]}", applied=False)
    return done.stdout


def objects(dumped: str) -> dict[str, str]:
    """Split a dump into its objects: "TABLE public.users" → its text."""
    headers = list(_HEADER.finditer(dumped))
    ends = [*(header.start() for header in headers[1:]), len(dumped)][: len(headers)]
    return {
        f"{header['type']} {header['schema']}.{header['name']}": dumped[header.end() : end]
        .replace("\n--\n", "\n")
        .strip()
        for header, end in zip(headers, ends, strict=True)
    }


def columns_sorted(text: str) -> str:
    """Put the columns of a CREATE TABLE in alphabetical order: added ones stand at the end, and that is no difference."""
    match = re.match(r"(CREATE TABLE \S+ \(\n)(.*?)(\n\);.*)", text, re.DOTALL)
    if match is None:
        return text
    lines = sorted(line.strip().removesuffix(",") for line in match[2].splitlines())
    return match[1] + "\n".join(lines) + match[3]


def difference(before: str, after: str) -> str:
    """What differs, as a unified diff; empty where nothing does."""
    return "\n".join(difflib.unified_diff(before.splitlines(), after.splitlines(), "before", "after", n=2, lineterm=""))
