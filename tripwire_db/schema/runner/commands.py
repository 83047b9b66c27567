"""What each of Alembic's commands needs: a lock and a connection, a connection alone, or no database at all."""

import sys
from typing import Any

from alembic import context
from alembic.runtime.environment import EnvironmentContext

from tripwire_db.schema.project import Models, Project
from tripwire_db.schema.runner import models
from tripwire_db.schema.runner.autogenerate import literal_sql
from tripwire_db.schema.runner.errors import MigrationError
from tripwire_db.schema.runner.limits import Limits
from tripwire_db.schema.runner.naming import namer
from tripwire_db.schema.runner.offline import run_offline
from tripwire_db.schema.runner.online import Command, read, write
from tripwire_db.schema.runner.target import NoDatabase, Target

_OWN_OPTIONS = frozenset(
    {"as_sql", "connection", "dialect_name", "dialect_opts", "dont_mutate", "fn", "literal_binds", "url"}
    | {"transaction_per_migration", "transactional_ddl"}
)


def run(
    target_metadata: Models | None = None,
    *,
    version_table_schema: str | None = None,
    project: Project | None = None,
    **configure: Any,
) -> None:
    """Carry out the command that Alembic was given; all that an env.py has to call.

    Args:
        target_metadata: The models, for `alembic check` and `alembic revision --autogenerate`.
        version_table_schema: The schema of Alembic's own table, made where it is missing; None leaves the table where
            Alembic would put it.
        project: A whole description, instead of the two above.
        configure: Whatever else `context.configure()` takes and the runner does not decide itself, for example
            `include_object`, `compare_server_default` or `version_table`.

    Raises:
        MigrationError: It could not be done; says why, where the database stands, and what to do.

    Examples:
        >>> run(target_metadata=metadata, version_table_schema=None)  # doctest: +SKIP
    """
    if refused := sorted(_OWN_OPTIONS & configure.keys()):
        raise MigrationError(f"run() decides {', '.join(refused)} itself: leave it out of env.py.")
    if project is None:
        table = configure.pop("version_table", "alembic_version")
        project = Project(
            metadata=target_metadata,
            version_table=table,
            version_table_schema=version_table_schema,
            configure=configure,
        )
    # alembic.context is a row of functions around this object, and keeps the one that names the command to itself.
    environment: EnvironmentContext = context._proxy  # type: ignore[attr-defined]  # noqa: SLF001
    _let_revisions_import_from(environment.script.dir)
    _run(environment, project)


def _run(environment: EnvironmentContext, project: Project) -> None:
    config = environment.config
    # alembic.command hands over a function defined inside the command: "upgrade.<locals>.upgrade".
    name = environment.context_opts["fn"].__qualname__.partition(".")[0]
    arguments: dict[str, str] = environment.get_x_argument(as_dictionary=True)
    settings = Limits.read(arguments, config.attributes, others=project.arguments)
    compares = name in {"check", "revision"} and _compares(environment, name)
    options: dict[str, Any] = {
        **project.configure,
        "version_table": project.version_table,
        "version_table_schema": project.version_table_schema,
        "transaction_per_migration": True,
        **models.options(project, compares=compares),
    }
    if project.timed_revisions:
        name_it = namer(environment.script, getattr(config.cmd_opts, "rev_id", None))
        options["process_revision_directives"] = literal_sql(environment, name_it) if project.literal_sql else name_it
    if environment.is_offline_mode():
        run_offline(environment, settings, project, options)
        return
    if not _needs_database(environment, name, arguments, project):
        environment.configure(dialect_name="postgresql", as_sql=True, **options)
        environment.run_migrations()
        return
    target = Target.find(config, arguments.get("url"), project.url_variables, project.url_example)
    command = Command(name, environment, settings, project, options, target, arguments.get("accept-loss") == "yes")
    if "destination_rev" in environment.context_opts:
        write(command)
    else:
        read(command, search_path=models.search_path(project) if compares else None)


def _let_revisions_import_from(folder: str) -> None:
    """Put the chain's folder on the path, at its end, where nothing in it can shadow a module of somebody else."""
    if folder not in sys.path:
        sys.path.append(folder)


def _needs_database(environment: EnvironmentContext, name: str, arguments: dict[str, str], project: Project) -> bool:
    if name == "merge":
        return False
    if name == "revision":
        return _compares(environment, name)
    if name == "history":
        options = environment.config.cmd_opts
        if options is not None and hasattr(options, "indicate_current"):  # under the `alembic` command
            return bool(options.indicate_current) or "current" in (options.rev_range or "")
        try:
            Target.find(environment.config, arguments.get("url"), project.url_variables, project.url_example)
        except NoDatabase:
            return False
    return True


def _compares(environment: EnvironmentContext, name: str) -> bool:
    """Whether the command compares the models with a database."""
    revision = environment.context_opts.get("revision_context")
    return name == "check" or (revision is not None and bool(revision.command_args["autogenerate"]))
