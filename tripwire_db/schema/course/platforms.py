"""Databases as Supabase gives them: a check runs the chain on each."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tripwire_db.embedded.hosted import hosted_server


@contextmanager
def supabase_projects() -> Iterator[Mapping[str, str]]:
    """Run a hosted-like server, and yield the URL of a new project of each kind, by what it is called."""
    with hosted_server() as server:
        yield {
            "Supabase's older default privileges": server.create_project("older", privileges="old"),
            "Supabase's default privileges of 2026": server.create_project("newer", privileges="2026"),
        }
