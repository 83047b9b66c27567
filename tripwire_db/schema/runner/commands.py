"""What each of Alembic's commands needs: a lock and a connection, a connection alone, or no database at all."""

import sys
from typing import Any

from alembic import context
from alembic.runtime.environment import EnvironmentContext

from tripwire_db.schema.runner import models
from tripwire_db.schema.runner.errors import MigrationError
from tripwire_db.schema.runner.naming import namer
from tripwire_db.schema.runner.offline import run_offline
from tripwire_db.schema.runner.online import Command, read, write
from tripwire_db.schema.runner.settings import Settings
from tripwire_db.schema.runner.target import MISSING, Target

VERSION_SCHEMA = "tripwire"
VERSION_TABLE = "alembic_version"


def run() -> None:
    """Carry out the command that Alembic was given; called by env.py.

    Raises:
        MigrationError: It could not be done; says why, where the database stands, and what to do.
    """
    # alembic.context is a row of functions around this object, and keeps the one that names the command to itself.
    environment: EnvironmentContext = context._proxy  # type: ignore[attr-defined]  # noqa: SLF001
    config = environment.config
    _let_revisions_import_from(environment.script.dir)
    # alembic.command hands over a function defined inside the command: "upgrade.<locals>.upgrade".
    name = environment.context_opts["fn"].__qualname__.partition(".")[0]
    arguments: dict[str, str] = environment.get_x_argument(as_dictionary=True)
    settings = Settings.read(arguments, config.attributes)
    options: dict[str, Any] = {
        "version_table": VERSION_TABLE,
        "version_table_schema": VERSION_SCHEMA,
        "transaction_per_migration": True,
        "process_revision_directives": namer(environment.script, getattr(config.cmd_opts, "rev_id", None)),
    }
    if name in {"check", "revision"} and _compares(environment, name):
        options |= models.options()
    if environment.is_offline_mode():
        run_offline(environment, settings, options)
        return
    if not _needs_database(environment, name, arguments):
        environment.configure(dialect_name="postgresql", as_sql=True, **options)
        environment.run_migrations()
        return
    target = Target.find(config, arguments.get("url"))
    command = Command(name, environment, settings, options, target, arguments.get("accept-loss") == "yes")
    if "destination_rev" in environment.context_opts:
        write(command)
    else:
        read(command, search_path=models.SEARCH_PATH if "target_metadata" in options else None)


def _let_revisions_import_from(folder: str) -> None:
    """Put the chain's folder on the path, at its end, where nothing in it can shadow a module of somebody else."""
    if folder not in sys.path:
        sys.path.append(folder)


def _needs_database(environment: EnvironmentContext, name: str, arguments: dict[str, str]) -> bool:
    if name == "merge":
        return False
    if name == "revision":
        return _compares(environment, name)
    if name == "history":
        options = environment.config.cmd_opts
        if options is not None and hasattr(options, "indicate_current"):  # under the `alembic` command
            return bool(options.indicate_current) or "current" in (options.rev_range or "")
        try:
            Target.find(environment.config, arguments.get("url"))
        except MigrationError as error:
            if str(error) != MISSING:
                raise
            return False
    return True


def _compares(environment: EnvironmentContext, name: str) -> bool:
    """Whether the command compares the models with a database."""
    revision = environment.context_opts.get("revision_context")
    return name == "check" or (revision is not None and bool(revision.command_args["autogenerate"]))
