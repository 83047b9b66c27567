"""Where the revisions meet a database: `alembic` and `tripwire_db.migrations` both run through here."""

import logging.config
import os
import sys
from pathlib import Path

from sqlalchemy import create_engine, make_url, pool, text
from sqlalchemy.engine import URL

from alembic import context

# Revisions import `revision_tools` from beside this file; they import nothing from tripwire_db.
sys.path.insert(0, str(Path(__file__).parent))

from tripwire_db.tables import metadata  # noqa: E402

VERSION_SCHEMA = "tripwire"


def database_url() -> URL:
    """Say where the database is: -x url=…, the caller's own, then the environment."""
    given = (
        context.get_x_argument(as_dictionary=True).get("url")
        or context.config.attributes.get("url")
        or os.environ.get("TRIPWIRE_MIGRATIONS_URL")
        or os.environ.get("TRIPWIRE_DATABASE_URL")
    )
    if not given:
        raise SystemExit("Set TRIPWIRE_MIGRATIONS_URL (a direct or session connection to the database), or give -x url=…")
    return make_url(given).set(drivername="postgresql+psycopg")


def run_offline() -> None:
    """Print the SQL instead of running it."""
    context.configure(
        dialect_name="postgresql",
        dialect_opts={"paramstyle": "named"},
        target_metadata=metadata,
        version_table_schema=VERSION_SCHEMA,
        transaction_per_migration=True,
    )
    context.get_context().impl.static_output(f"CREATE SCHEMA IF NOT EXISTS {VERSION_SCHEMA};")
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    """Run the revisions, each in a transaction of its own."""
    engine = create_engine(database_url(), poolclass=pool.NullPool)
    with engine.connect() as setup:
        if not setup.scalar(text("SELECT to_regnamespace(:name) IS NOT NULL"), {"name": VERSION_SCHEMA}):
            setup.execute(text(f"CREATE SCHEMA {VERSION_SCHEMA}"))
            setup.commit()
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            version_table_schema=VERSION_SCHEMA,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


if context.config.config_file_name is not None and not logging.getLogger().handlers:
    logging.config.fileConfig(context.config.config_file_name, disable_existing_loggers=False)

if context.is_offline_mode():
    run_offline()
else:
    run_online()
