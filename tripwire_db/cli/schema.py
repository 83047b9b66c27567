"""Moving a database along the chain of revisions, for `upgrade`, `downgrade` and `demo`."""

from typing import TYPE_CHECKING, Any

from tripwire_db.errors import InvalidInput

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory


def migrate(url: str, command: str, revision: str, *, arguments: tuple[str, ...] = (), quiet: bool = False) -> Any:
    """Run `upgrade` or `downgrade`; give the runner's `Outcome`: before, after, revisions, seconds, waited, notified.

    Args:
        url: a direct or session connection.
        command: `upgrade` or `downgrade`.
        revision: an id, `head`, `base`, or a step such as `+1` or `-1`.
        arguments: what `alembic -x` would be given.
        quiet: say nothing on the way.

    Raises:
        InvalidInput: there is no such revision.
        alembic.util.CommandError: it could not be done; the message says why, and where the database stands.
    """
    from alembic import command as alembic
    from sqlalchemy import make_url

    from tripwire_db import migrations
    from tripwire_db.settings import sqlalchemy_url

    configuration = migrations.config(make_url(sqlalchemy_url(url)), arguments=arguments)
    configuration.attributes["quiet"] = quiet
    _require(revision)
    getattr(alembic, command)(configuration, revision)
    return configuration.attributes["outcome"]


def chain() -> "ScriptDirectory":
    """The revisions that come with this package."""
    from alembic.script import ScriptDirectory

    from tripwire_db import migrations

    return ScriptDirectory.from_config(migrations.config())


def _require(revision: str) -> None:
    from alembic.util import CommandError

    if revision.startswith(("+", "-")) and revision[1:].isdigit():
        return
    try:
        found = revision in {"head", "heads", "base"} or chain().get_revision(revision) is not None
    except CommandError:
        found = False
    if not found:
        raise InvalidInput(
            f"there is no revision {revision!r}: give head, base, a step such as +1 or -1, or an id that "
            "`tripwire-db status` or `alembic history` shows"
        )
