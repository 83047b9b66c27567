"""Every row of a database's people, and of the log: what is there before a trial is there after it, and nothing else."""

from typing import Any

import psycopg

from tripwire_db.tables import metadata


def all_rows(url: str) -> dict[str, list[Any]]:
    """The rows of each of our tables and of `auth.users`, as text, sorted; as who sees everybody's."""
    names = [*(f"public.{table.name}" for table in metadata.sorted_tables), "auth.users"]
    with psycopg.connect(url) as connection:
        return {
            name: connection.execute(f"SELECT t::text FROM {name} AS t ORDER BY 1".encode()).fetchall()
            for name in names
        }
