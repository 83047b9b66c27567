"""`tripwire-db downgrade`: take a database back to an older revision."""

from typing import Annotated

import typer

from tripwire_db.cli import options, output, targets
from tripwire_db.cli.schema import common

Revision = Annotated[str, typer.Argument(metavar="REVISION", help="An id, base, or a step such as -1.")]
AcceptLoss = Annotated[
    bool,
    typer.Option("--accept-loss", help="Go on where the older layout cannot hold some rows or values: they are lost."),
]


def downgrade(
    revision: Revision,
    accept_loss: AcceptLoss = False,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Take the schema back to an older revision; its catalog is then exactly what it was.

    Where rows or values would be lost it refuses, with counts, unless --accept-loss is given.
    """
    if revision.startswith("--"):  # a step such as -1 is no option, so an unknown option looks like a revision
        raise typer.BadParameter(f"No such option: {revision}")
    from alembic.util import CommandError

    from tripwire_db.errors import Refused

    with targets.migrations(database_url) as target:
        arguments = ("accept-loss=yes",) if accept_loss else ()
        try:
            outcome = common.migrate(target.url, "downgrade", revision, arguments=arguments)
        except CommandError as error:  # which tells how `alembic` is asked
            raise Refused(str(error).replace("-x accept-loss=yes", "--accept-loss")) from error
    if as_json:
        output.show_json(outcome)
