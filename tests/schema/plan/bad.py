"""Revisions that no careful DBA lets through, on top of a copy of the chain."""

import shutil
from pathlib import Path

import pytest

from tripwire_db import migrations

BAD = {
    "type_change": "ALTER TABLE public.tripwire_users ALTER COLUMN price TYPE numeric(12, 2)",
    "index": "CREATE INDEX idx_user_achievements_current ON public.user_achievements (current_value)",
    "foreign_key": "DO $$ BEGIN ALTER TABLE public.user_statistics ADD CONSTRAINT fk_bad FOREIGN KEY (user_id)"
    " REFERENCES public.users (id); END $$",
    "volatile_default": "ALTER TABLE public.users ADD COLUMN code uuid NOT NULL DEFAULT gen_random_uuid()",
}

_REVISION = '''"""Be bad: {name}."""

from alembic import op

revision = "{revision}"
down_revision = "{below}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute({sql!r})


def downgrade() -> None:
    pass
'''


def plant(folder: Path, revisions: dict[str, str] = BAD) -> dict[str, str]:
    """Copy the chain, without its releases, into a folder, with bad revisions on top; gives their ids by name."""
    shutil.copytree(migrations.script_location(), folder, ignore=shutil.ignore_patterns("__pycache__", "releases"))
    (below,) = migrations.heads()
    ids: dict[str, str] = {}
    for number, (name, sql) in enumerate(revisions.items(), start=1):
        ids[name] = f"20270101{number:06}"
        text = _REVISION.format(name=name, revision=ids[name], below=below, sql=sql)
        (folder / "versions" / f"{ids[name]}_{name}.py").write_text(text)
        below = ids[name]
    return ids


def take_chain(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Have the package use the chain of a folder."""
    patch.setattr(migrations, "script_location", lambda: folder)
