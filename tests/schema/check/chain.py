"""A small chain of revisions in a folder of its own, held to all rules."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import BigInteger, Column, DateTime, Identity, Integer, MetaData, String, Table, Text, func

from tests.schema.check.planted import BASE, FILLS, ROWS, TABLES, UNTABLES, Planted, write
from tripwire_db import migrations
from tripwire_db.schema.check import Report, check
from tripwire_db.schema.project import Project

METADATA = MetaData()
Table("towns", METADATA, Column("id", Integer, primary_key=True, autoincrement=False), Column("name", Text))
Table("events", METADATA, Column("id", Integer, primary_key=True, autoincrement=False), Column("said", Text))
Table(
    "people",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", String(255)),
    Column("town_id", Integer),
    Column("updated_at", DateTime(timezone=True), server_default=func.now(), nullable=False),
)


def make(folder: Path, planted: Sequence[Planted]) -> dict[Path, Planted]:
    """Write env.py, the first revision and those on top of it; give the latter by their files."""
    (folder / "versions").mkdir(parents=True)
    for name in ("env.py", "revision_tools.py"):
        shutil.copy(migrations.script_location() / name, folder / name)
    losses = "LOSSES = (Loss('towns', 'FROM public.towns'), Loss('people', 'FROM public.people'), Loss('events', 'FROM public.events'))\n"
    write(folder, BASE, None, Planted("", TABLES, UNTABLES, head=losses), "Begin.")
    FILLS.sql = {BASE: ROWS}
    made: dict[Path, Planted] = {}
    below = BASE
    for number, one in enumerate(planted, start=1):
        revision = str(int(BASE) + number)
        made[write(folder, revision, below, one)] = one
        FILLS.sql[revision] = one.fill or "SELECT 1"
        below = revision
    return made


def judge(
    folder: Path,
    *,
    metadata: MetaData | None = None,
    new_since: str | None = None,
    scenes: str | None = None,
    lost_rows: str | None = None,
) -> Report:
    """Check it, with rows in its tables."""
    project = Project(
        folder=lambda: folder,
        metadata=metadata,
        version_table_schema="tripwire",
        timed_revisions=True,
        schemas=("public", "tripwire"),
        home_schema="tripwire",
        baseline=BASE,
        prepare="tripwire_db.schema.bootstrap:bootstrap",
        make_models=None,
        scenes=scenes,
        lost_rows=lost_rows,
        sample_rows={revision: f"tests.schema.check.planted:FILLS.f{revision}" for revision in FILLS.sql},
    )
    return check(folder, new_since=new_since, project=project)
