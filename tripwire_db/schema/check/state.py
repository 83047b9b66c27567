"""What a database holds at one moment: its catalog, read and dumped, its rows, its sequences, its settings."""

from collections.abc import Mapping
from dataclasses import dataclass

from tripwire_db.postgres.catalog import Catalog
from tripwire_db.postgres.connect import connect
from tripwire_db.schema.check.dump import dump
from tripwire_db.schema.check.rows import roles, rows, sequences, settings
from tripwire_db.schema.project import Project


@dataclass(frozen=True, slots=True)
class State:
    """A database at one moment.

    Attributes:
        catalog: object by object.
        dumped: by pg_dump.
        rows: by table.
        sequences: the last number that each has given, less one step where it has given none.
        settings: of roles, and of the database.
        roles: of the whole server, and what each may by nature.
    """

    catalog: Catalog
    dumped: str
    rows: Mapping[str, list[str]]
    sequences: Mapping[str, int]
    settings: frozenset[str]
    roles: Mapping[str, str]


def read_state(url: str, project: Project) -> State:
    """Read all of it; nobody else is there to change it meanwhile."""
    with connect(url) as connection:
        connection.execute("SET LOCAL search_path = ''")
        return State(
            catalog=project.read_catalog(connection),
            dumped=dump_of(url, project),
            rows=rows(connection, None, without=project.version_table),
            sequences=sequences(connection),
            settings=settings(connection),
            roles=roles(connection),
        )


def dump_of(url: str, project: Project) -> str:
    """The catalog by pg_dump, without Alembic's own table."""
    schema, table = project.version_table_schema, project.version_table
    return dump(url, without=f"{schema}.{table}" if schema else table)
