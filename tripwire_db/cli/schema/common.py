"""Moving a database along the chain of revisions, for `upgrade`, `downgrade` and `demo`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tripwire_db.errors import InvalidInput

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory


@dataclass(frozen=True, slots=True)
class Step:
    """A revision that was applied or taken back, and the seconds it took."""

    revision: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Migration:
    """What a migration did.

    Attributes:
        before: the revision the database was at; None for none.
        after: the one it is at now.
        revisions: what was applied or taken back, in this order.
        seconds: the time of the whole command, waiting included.
        waited: the seconds of it that another deployer was waited for.
        notified: whether PostgREST was told by the command, since no event trigger does it.
    """

    before: str | None
    after: str | None
    revisions: tuple[Step, ...]
    seconds: float
    waited: float
    notified: bool


def migrate(url: str, command: str, revision: str, *, arguments: tuple[str, ...] = ()) -> Migration:
    """Run `upgrade` or `downgrade`, which tell on standard error what they do.

    Args:
        url: a direct or session connection.
        command: `upgrade` or `downgrade`.
        revision: an id, `head`, `base`, or a step such as `+1` or `-1`.
        arguments: what `alembic -x` would be given.

    Raises:
        InvalidInput: there is no such revision.
        alembic.util.CommandError: it could not be done; the message says why, and where the database stands.
    """
    from alembic import command as alembic
    from sqlalchemy import make_url

    from tripwire_db import migrations
    from tripwire_db.settings import sqlalchemy_url

    configuration = migrations.config(make_url(sqlalchemy_url(url)), arguments=arguments)
    _require(revision)
    getattr(alembic, command)(configuration, revision)
    outcome = configuration.attributes["outcome"]
    return Migration(
        before=outcome.before,
        after=outcome.after,
        # Told as "upgrade 20261101090000", as in the log.
        revisions=tuple(Step(name.rpartition(" ")[2], round(seconds, 3)) for name, seconds in outcome.revisions),
        seconds=round(outcome.seconds, 3),
        waited=round(outcome.waited, 3),
        notified=outcome.notified,
    )


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
        found = revision in {"head", "heads", "base"} or bool(revision and chain().get_revision(revision))
    except CommandError:
        found = False
    if not found:
        raise InvalidInput(
            f"there is no revision {revision!r}: give head, base, a step such as +1 or -1, or an id that "
            "`tripwire-db status` or `alembic history` shows"
        )
