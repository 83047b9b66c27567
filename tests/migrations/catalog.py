"""Catalogs by pg_dump: everything it sees, owners and grants included, as text and object by object."""

import difflib
import re
import subprocess

from tripwire_db.embedded import find_program

_HEADER = re.compile(
    r"^-- Name: (?P<name>.+); Type: (?P<type>[^;]+); Schema: (?P<schema>[^;]+); Owner:.*$", re.MULTILINE
)


def dump(url: str, *options: str) -> str:
    """Dump the catalog, without Alembic's own table, which every database of ours has."""
    command = [
        find_program("pg_dump"),
        "--schema-only",
        "--restrict-key=tripwire",
        "--exclude-table=tripwire.alembic_version",
        *options,
        url,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(dumped: str) -> dict[str, str]:
    """Split a dump into its objects: "TABLE public.users" → its text."""
    headers = list(_HEADER.finditer(dumped))
    ends = [header.start() for header in headers[1:]] + [len(dumped)]
    found: dict[str, str] = {}
    for header, end in zip(headers, ends, strict=True):
        key = f"{header['type']} {header['schema']}.{header['name']}"
        assert key not in found, f"two objects called {key}"
        found[key] = dumped[header.end() : end].replace("\n--\n", "\n").strip()
    return found


def columns_sorted(text: str) -> str:
    """Put the columns of a CREATE TABLE in alphabetical order: that added ones stand at the end is no difference."""
    match = re.match(r"(CREATE TABLE \S+ \(\n)(.*?)(\n\);.*)", text, re.DOTALL)
    if match is None:
        return text
    lines = sorted(line.strip().removesuffix(",") for line in match[2].splitlines())
    return match[1] + "\n".join(lines) + match[3]


def difference(before: str, after: str) -> str:
    """Say what differs, as a unified diff; empty where nothing does."""
    return "\n".join(difflib.unified_diff(before.splitlines(), after.splitlines(), "before", "after", n=2, lineterm=""))
