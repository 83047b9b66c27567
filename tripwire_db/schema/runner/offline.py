"""`--sql`: the same migration as text, with its timeouts, for a DBA to read and to apply with psql."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic.runtime.environment import EnvironmentContext
from sqlalchemy.schema import CreateTable

from tripwire_db.schema.project import Project
from tripwire_db.schema.runner.expectation import expectation
from tripwire_db.schema.runner.limits import Limits
from tripwire_db.schema.runner.reload import Reload
from tripwire_db.schema.runner.steps import Steps, hooks
from tripwire_db.schema.runner.transactions import RESET, timeouts, waits_for_snapshots
from tripwire_db.schema.runner.version_table import VersionTable

_HEADER = r"""-- Written by alembic --sql. Apply it with: psql --no-psqlrc --file=<this file> <URL>
-- on a direct or session connection. Each revision checks that the database is where it expects it, and psql stops there.
\set ON_ERROR_STOP on
SET client_encoding = 'UTF8';"""

_ENCODING = """DO $encoding$
BEGIN
    IF pg_catalog.current_setting('server_encoding') <> '{0}' THEN
        RAISE EXCEPTION 'This database has the encoding %, and needs {0}.', pg_catalog.current_setting('server_encoding')
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END
$encoding$;"""


def run_offline(environment: EnvironmentContext, settings: Limits, project: Project, options: dict[str, Any]) -> None:
    """Write the SQL of a command to standard output.

    Args:
        environment: Of the command.
        settings: The timeouts stand in the text, around each BEGIN.
        project: Whose chain it is.
        options: For `configure()`.
    """
    steps = Steps(environment.context_opts["fn"], ())
    writer = _Writer(environment, settings, steps, project)
    environment.configure(
        dialect_name="postgresql",
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
        fn=steps,
        **options | hooks(options, Reload(wanted=project.notifies_postgrest), steps.applied),
    )
    writer.begin()
    with environment.begin_transaction():
        environment.run_migrations()


class _Writer:
    """Puts the timeouts behind each BEGIN, and around statements outside of a transaction."""

    def __init__(self, environment: EnvironmentContext, settings: Limits, steps: Steps, project: Project) -> None:
        self._environment = environment
        self._settings = settings
        self._steps = steps
        self._table = VersionTable.of(project)
        self._search_path = project.search_path
        self._encoding = project.encoding
        self._checked: Any = None

    def begin(self) -> None:
        """Write what comes before the first BEGIN, and take over BEGIN and the blocks outside of transactions."""
        context = self._environment.get_context()
        self._write = context.impl.static_output
        # A downgrade to base leaves the table, empty; that it is empty is checked.
        version_table = context._version  # noqa: SLF001 - Alembic has no other door to it
        version_table.set_creator_ddl(CreateTable(version_table, if_not_exists=True))
        if isinstance(context.impl.output_buffer, io.TextIOWrapper):
            context.impl.output_buffer.reconfigure(encoding="utf-8")  # standard output's own may be that of LC_ALL=C
        self._write(_HEADER)
        if self._search_path:
            self._write(f"SET search_path = {self._search_path};")
        if self._environment.get_starting_revision_argument() is None and (make_schema := self._table.schema_as_sql()):
            self._write(self._timeouts(local=False))
            self._write(make_schema)
            self._write(_RESET)
        if self._encoding:
            self._write(_ENCODING.format(self._encoding))
        plain_begin, plain_block = context.impl.emit_begin, context.autocommit_block

        def emit_begin() -> None:
            plain_begin()
            self._write(self._timeouts(local=True))
            if self._steps.current is not self._checked:
                self._checked = self._steps.current
                self._check()

        @contextmanager
        def autocommit_block() -> Iterator[None]:
            with plain_block():
                self._check()  # again: what failed before COMMIT is rolled back, and the rest of the file may still run
                self._write(self._timeouts(local=False))
                with self._patience():
                    yield
                self._write(_RESET)

        context.impl.emit_begin = emit_begin  # type: ignore[method-assign]
        context.autocommit_block = autocommit_block  # type: ignore[method-assign]

    @contextmanager
    def _patience(self) -> Iterator[None]:
        """Let statements that wait for snapshots wait longer."""
        impl = self._environment.get_context().impl
        plain_execute, patient = impl.static_output, False

        def write(text: str) -> None:
            nonlocal patient
            if patient is not waits_for_snapshots(text):
                patient = not patient
                plain_execute(self._timeouts(local=False, patient=patient))
            plain_execute(text)

        impl.static_output = write  # type: ignore[method-assign]
        try:
            yield
        finally:
            impl.static_output = plain_execute  # type: ignore[method-assign]

    def _timeouts(self, *, local: bool, patient: bool = False) -> str:
        return _in_lines(timeouts(self._settings, local=local, patient=patient))

    def _check(self) -> None:
        """Refuse a database that is elsewhere, and one that is being migrated by somebody else."""
        self._write(expectation(self._table, self._steps.name, self._steps.expected))


def _in_lines(statements: str) -> str:
    return statements.replace("; ", ";\n") + ";"


_RESET = _in_lines(RESET)
