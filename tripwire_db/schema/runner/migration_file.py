"""A revision as a file for `supabase db push`: the SQL of `--sql`, less what is psql's.

The CLI runs a file and writes its row of history in one transaction of its own, so there is no BEGIN and no COMMIT here.
A file that works CONCURRENTLY has no transaction: its statements are run one by one (CLI 2.122.1 and later), the version
comes last, and it may be pushed again after a failure.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import RevisionStep
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError

from tripwire_db.schema.project import Project
from tripwire_db.schema.runner.expectation import expectation
from tripwire_db.schema.runner.limits import Limits, spell
from tripwire_db.schema.runner.reload import Reload
from tripwire_db.schema.runner.steps import hooks
from tripwire_db.schema.runner.version_table import VersionTable

_HEADER = """\
-- Written by tripwire-db export-supabase from the revision of this id: change that, and export again.
-- For `supabase db push`, which keeps its own history; Alembic's version table is kept here."""
_LOCK_TABLE = re.compile(r"^LOCK TABLE\s[^;]*;", re.MULTILINE)
_CREATED_TABLE = re.compile(r"^CREATE TABLE (\w+\.\w+) \(", re.MULTILINE)
_CONCURRENTLY = re.compile(r"^((?:CREATE (?:UNIQUE )?|DROP )INDEX) CONCURRENTLY ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class MigrationFile:
    """One revision as Supabase's CLI reads it.

    Attributes:
        version: The revision's id, which is the version in both accounts.
        title: What stands in the file's name behind it.
        sql: The text.
    """

    version: str
    title: str
    sql: str

    @property
    def name(self) -> str:
        """The file's name, as the CLI wants it."""
        return f"{self.version}_{self.title}.sql"


def migration_files(
    config: Config, project: Project, settings: Limits, *, plain_indexes: bool = False
) -> Iterator[MigrationFile]:
    """Render every revision of a chain, oldest first; no database is needed.

    Args:
        config: Of the chain.
        project: Whose chain it is.
        settings: The timeouts that stand in each file.
        plain_indexes: Build indexes in the file's transaction, for a CLI before 2.122.1: writers wait meanwhile.

    Raises:
        CommandError: The chain has branches, which one row of files cannot show.
    """
    script = ScriptDirectory.from_config(config)
    if len(script.get_heads()) > 1:
        raise CommandError(f"The chain has several heads ({', '.join(script.get_heads())}): merge them, then export.")
    for revision in reversed(list(script.walk_revisions())):
        sql = _Rendering(config, script, project, settings, revision).text(plain_indexes=plain_indexes)
        title = Path(revision.path).stem.partition(f"{revision.revision}_")[2] or "migration"
        yield MigrationFile(revision.revision, title, sql)


class _Rendering:
    """The statements of one revision, as Alembic writes them offline."""

    def __init__(
        self, config: Config, script: ScriptDirectory, project: Project, settings: Limits, revision: Script
    ) -> None:
        self._revision = revision
        self._project = project
        self._settings = settings
        self._table = VersionTable.of(project)
        self._before = revision.down_revision if isinstance(revision.down_revision, str) else None
        self._outside = False
        self._statements = self._render(config, script)

    def text(self, *, plain_indexes: bool) -> str:
        """Write the whole file."""
        statements = [self._as_pushed(statement) for statement in self._statements]
        concurrent = self._outside and not plain_indexes
        if plain_indexes and self._outside:
            statements = [_CONCURRENTLY.sub(r"\1 ", statement) for statement in statements]
        first = self._first(statements) if self._before is None else ()
        name = f"upgrade {self._revision.revision}"
        before = [self._before] if self._before else None  # the first file decides for itself
        check = expectation(self._table, name, before, again=[self._revision.revision] if concurrent else ())
        parts = [_HEADER, self._timeouts(local=not concurrent), check, *first, *statements]
        return "\n\n".join(part.strip("\n") for part in parts) + "\n"

    def _render(self, config: Config, script: ScriptDirectory) -> list[str]:
        def only_this(_heads: Any, _context: Any) -> list[Any]:
            return [RevisionStep(script.revision_map, self._revision, is_upgrade=True)]

        written: list[str] = []
        options = dict(self._project.configure)
        with EnvironmentContext(
            config,
            script,
            fn=only_this,
            as_sql=True,
            starting_rev=self._before,
            destination_rev=self._revision.revision,
        ) as environment:
            environment.configure(
                dialect_name="postgresql",
                literal_binds=True,
                dialect_opts={"paramstyle": "named"},
                version_table=self._project.version_table,
                version_table_schema=self._project.version_table_schema,
                **options | hooks(options, Reload(wanted=self._project.notifies_postgrest)),
            )
            context = environment.get_context()
            context.impl.static_output = written.append  # type: ignore[method-assign,assignment]
            context.autocommit_block = self._leave_transaction  # type: ignore[method-assign]
            environment.run_migrations()
        return written

    @contextmanager
    def _leave_transaction(self) -> Iterator[None]:
        self._outside = True
        yield

    def _as_pushed(self, statement: str) -> str:
        """Put LOCK TABLE into a block: the server refuses it outside of BEGIN, which the CLI never writes."""
        return _LOCK_TABLE.sub(lambda found: f"DO $lock$\nBEGIN\n{found[0]}\nEND\n$lock$;", statement)

    def _timeouts(self, *, local: bool) -> str:
        scope = "true" if local else "false"  # of a session the CLI resets after each file
        return "\n".join(
            f"SELECT pg_catalog.set_config('{name}', '{spell(value)}', {scope});"
            for name, value in (
                ("lock_timeout", self._settings.lock_timeout),
                ("statement_timeout", self._settings.statement_timeout),
            )
        )

    def _first(self, statements: list[str]) -> Iterator[str]:
        """Decide what the first file meets: an empty database, or a version table that a downgrade left empty."""
        yield self._table.schema_as_sql()
        # Alembic's own CREATE TABLE would fail where a downgrade to base has left the table behind, empty.
        place = next(place for place, text in enumerate(statements) if text.startswith("CREATE TABLE "))
        yield statements.pop(place).replace("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1)
        made = sorted({table for text in statements for table in _CREATED_TABLE.findall(text)})
        listed = ", ".join(f"'{table}'" for table in made)
        advice = self._project.advice.get("42P07", "").replace("'", "''")
        advice = f" {advice}".replace("%", "%%") if advice else ""  # in the message: the CLI shows no HINT
        yield f"""DO $first$
DECLARE
    met text;
BEGIN
    SELECT string_agg(version_num, ', ') INTO met FROM {self._table};
    IF met IS NOT NULL THEN
        RAISE EXCEPTION 'This database is at % already. Run tripwire-db upgrade %: it fills in what db push reads.', met, met
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    SELECT string_agg(made, ', ') INTO met FROM unnest(ARRAY[{listed}]) AS made WHERE to_regclass(made) IS NOT NULL;
    IF met IS NOT NULL THEN
        RAISE EXCEPTION 'This database is not empty: it has %.{advice}', met
            USING ERRCODE = 'duplicate_table';
    END IF;
END
$first$;"""
