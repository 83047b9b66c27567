"""The chain as the tests see it: its revisions in their order, and what each declares to lose."""

from typing import Any

from alembic.script import Script, ScriptDirectory

from tripwire_db import migrations

BASELINE = "20261101090000"


def revisions() -> list[Script]:
    """Every revision, oldest first."""
    directory = ScriptDirectory.from_config(migrations.config())
    return list(reversed(list(directory.walk_revisions())))


def losses(revision: Script) -> tuple[Any, ...]:
    """What a revision declares that its downgrade loses: values with `what` and `rows`."""
    return tuple(getattr(revision.module, "LOSSES", ()))
