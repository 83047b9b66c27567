"""Supabase's own account of migrations, kept true beside Alembic's: `db push` and `migration list` read it.

Where `supabase_migrations.schema_migrations` exists, it says of the chain's revisions what Alembic's table says, in each
revision's own transaction, after upgrades, downgrades and stamps. Versions that are not the chain's are left alone.
"""

from collections.abc import Iterable
from typing import Any

import psycopg
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext

from tripwire_db.schema.project import Project
from tripwire_db.schema.runner.errors import MigrationError
from tripwire_db.schema.runner.limits import Limits
from tripwire_db.schema.runner.migration_file import MigrationFile, migration_files
from tripwire_db.schema.runner.transactions import driver

_TABLE = "supabase_migrations.schema_migrations"
# Asked of the catalog: to_regclass is refused to a role that may not use the schema.
_FIND = """
SELECT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
    AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_table_privilege(c.oid, 'INSERT')
    AND pg_catalog.has_table_privilege(c.oid, 'DELETE')
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'supabase_migrations' AND c.relname = 'schema_migrations'
"""


class History:
    """Keeps the account; called by Alembic when the version table has been written (`on_version_apply`)."""

    def __init__(self, environment: EnvironmentContext, files: Iterable[MigrationFile]) -> None:
        """Take the chain as files; without any the account is not kept."""
        self._script = environment.script
        self._files = {file.version: file for file in files}

    @classmethod
    def find(cls, connection: psycopg.Connection[Any], environment: EnvironmentContext, project: Project) -> "History":
        """Look whether the database has such an account, and render what belongs into it.

        Args:
            connection: To look with.
            environment: Of the command, before `configure()`.
            project: Whose chain it is.

        Raises:
            MigrationError: There is one that this role may not write.
        """
        found = connection.execute(_FIND).fetchone() if project.keeps_supabase_history else None
        if found is None:
            return cls(environment, ())
        if not found[0]:
            raise MigrationError(
                f"{_TABLE} is here, and this role may not write it, so `supabase db push` would be told wrong: GRANT USAGE "
                f"ON SCHEMA supabase_migrations and SELECT, INSERT, DELETE ON {_TABLE}, or migrate as its owner."
            )
        try:
            return cls(environment, list(migration_files(environment.config, project, Limits())))
        finally:
            environment.__enter__()  # rendering put an environment of its own behind `alembic.context`

    def __call__(self, *, ctx: MigrationContext, heads: Iterable[str], **_: Any) -> None:
        """Write what belongs to these heads, in the transaction at work."""
        if self._files and ctx.connection is not None:
            self.keep(driver(ctx.connection), heads)

    def keep(self, connection: psycopg.Connection[Any], heads: Iterable[str]) -> None:
        """Let the account say that the database is at these heads; commits nothing."""
        if not self._files:
            return
        at = tuple(heads)
        wanted = {step.revision for step in self._script.iterate_revisions(at, "base")} if at else set()
        undone = [version for version in self._files if version not in wanted]
        connection.execute(f"DELETE FROM {_TABLE} WHERE version = ANY (%s)", (undone,))
        known = {row[0] for row in connection.execute(f"SELECT version FROM {_TABLE}").fetchall()}
        for version, file in self._files.items():
            if version in wanted - known:
                connection.execute(
                    f"INSERT INTO {_TABLE} (version, name, statements) VALUES (%s, %s, %s)",
                    (version, file.title, [file.sql.removesuffix(";\n")]),
                )
