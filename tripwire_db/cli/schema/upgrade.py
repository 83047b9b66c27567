"""`tripwire-db upgrade`: bring a database up to a revision."""

from typing import Annotated

import typer

from tripwire_db.cli import options, output, targets
from tripwire_db.cli.schema import common

Revision = Annotated[str, typer.Argument(metavar="REVISION", help="An id, head, or a step such as +1.")]


def upgrade(
    revision: Revision = "head", database_url: options.DatabaseUrl = None, as_json: options.Json = False
) -> None:
    """Bring the schema up to a revision, on a live database.

    One deployer at a time, bounded waits for locks, one transaction a revision: `alembic upgrade` does the same.
    """
    with targets.migrations(database_url, may_create=True) as target:
        if target.cluster is not None:  # ours, so surely no Supabase
            from tripwire_db.schema.bootstrap import bootstrap

            bootstrap(target.url)
        outcome = common.migrate(target.url, "upgrade", revision)
    if as_json:
        output.show_json(outcome)
