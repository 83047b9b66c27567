"""Alembic from Python: the same revisions, the same `env.py`, without an alembic.ini.

The revisions stand in `alembic/` of a checkout and in `tripwire_db/_alembic` of an installed wheel. A URL goes to
`env.py` as it is, so `%` and `@` in a password need no further escaping than a URL asks for.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tripwire_db.postgres.search_path import PIN
from tripwire_db.settings import sqlalchemy_url

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import URL

__all__ = ["config", "current", "downgrade", "heads", "revisions", "script_location", "upgrade"]


def script_location() -> Path:
    """Give the folder of `env.py`: the wheel's own, else that of the checkout.

    Raises:
        FileNotFoundError: Neither is there: the package was copied without its revisions.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "_alembic", package.parent / "alembic"):
        if (folder / "env.py").is_file():
            return folder
    raise FileNotFoundError(f"No revisions beside {package}; install tripwire-db from its wheel or from a checkout.")


def config(url: "str | URL | None" = None, *, arguments: tuple[str, ...] = (), quiet: bool = False) -> "Config":
    """Give Alembic's configuration for one database.

    Args:
        url: Any `postgresql://` URL, of a direct or session connection; without one, the environment says where
            (TRIPWIRE_MIGRATIONS_URL, else TRIPWIRE_DATABASE_URL).
        arguments: What `alembic -x` would be given, for example `("accept-loss=yes",)`.
        quiet: Leave out the lines that a run writes on standard error.

    Examples:
        >>> from alembic import command
        >>> command.history(config("postgresql://localhost/tripwire"))  # doctest: +SKIP
    """
    from alembic.config import Config

    folder = str(script_location())
    if folder not in sys.path:  # revisions import revision_tools from there, also where env.py does not run
        sys.path.append(folder)
    configuration = Config(cmd_opts=argparse.Namespace(x=list(arguments)))
    configuration.set_main_option("script_location", folder.replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["quiet"] = quiet
    if url is not None:
        # As it is: env.py reads what libpq reads, a bare @ or % in the password too.
        configuration.attributes["url"] = url if isinstance(url, str) else url.render_as_string(hide_password=False)
    return configuration


def upgrade(url: "str | URL", revision: str = "head", *, quiet: bool = False) -> None:
    """Bring a database up to a revision.

    Args:
        url: A direct or session connection; a transaction pooler is refused.
        revision: A revision's id, `head`, or a step such as `+1`.
        quiet: Leave out the lines that the run writes on standard error.

    Raises:
        alembic.util.CommandError: A revision could not be carried out, for example since rows cannot be mended (they
            are named). It left nothing behind; those finished before it stay.

    Examples:
        >>> upgrade("postgresql://postgres@localhost:5432/tripwire")  # doctest: +SKIP
    """
    from alembic import command

    command.upgrade(config(url, quiet=quiet), revision)


def downgrade(url: "str | URL", revision: str, accept_loss: bool = False, *, quiet: bool = False) -> None:
    """Take a database down to an older revision; its catalog is then exactly what it was.

    Args:
        url: A direct or session connection; a transaction pooler is refused.
        revision: A revision's id, `base`, or a step such as `-1`.
        accept_loss: Go on where the older layout cannot hold rows or values; docs/reference/losses.md lists which.
        quiet: Leave out the lines that the run writes on standard error.

    Raises:
        alembic.util.CommandError: Something would be lost and `accept_loss` is false: the message has the counts, and
            nothing was changed.

    Examples:
        >>> downgrade("postgresql://postgres@localhost:5432/tripwire", "-1")  # doctest: +SKIP
    """
    from alembic import command

    arguments = ("accept-loss=yes",) if accept_loss else ()
    command.downgrade(config(url, arguments=arguments, quiet=quiet), revision)


def current(url: "str | URL") -> str | None:
    """Tell a database's revision, None where Alembic has never been; reads only.

    Examples:
        >>> current("postgresql://postgres@localhost:5432/tripwire") in heads()  # doctest: +SKIP
        True
    """
    target = sqlalchemy_url(url) if isinstance(url, str) else url.set(drivername="postgresql+psycopg")
    engine = create_engine(target, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            connection.execute(text(PIN))
            if connection.scalar(text("SELECT to_regclass('tripwire.alembic_version')")) is None:
                return None
            revision: str | None = connection.scalar(text("SELECT version_num FROM tripwire.alembic_version"))
            return revision
    finally:
        engine.dispose()


def heads() -> tuple[str, ...]:
    """Tell the newest revisions that come with this package: one, unless two were merged side by side."""
    from alembic.script import ScriptDirectory

    return tuple(ScriptDirectory.from_config(config()).get_heads())


def revisions() -> tuple[str, ...]:
    """Tell the ids of the chain, oldest first."""
    from alembic.script import ScriptDirectory

    return tuple(step.revision for step in reversed(list(ScriptDirectory.from_config(config()).walk_revisions())))
