"""What a downgrade would lose is declared, listed in docs/reference/losses.md, counted, and refused unless it is accepted."""

from pathlib import Path

import psycopg
import pytest
from alembic.util import CommandError

from tests.conftest import MakeDatabase
from tests.schema.migrations.chain import losses, revisions
from tripwire_db import migrations
from tripwire_db.schema.check.rows import rows
from tripwire_db.schema.course.lost_rows import LOST_ROWS as PLANTED
from tripwire_db.schema.course.sample_rows import fill_v2

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "reference" / "losses.md"
BY_REVISION = {revision.revision: revision for revision in revisions()}
DECLARED = [(revision.revision, loss.what) for revision in revisions() for loss in losses(revision)]
BASELINE = revisions()[0].revision


def test_the_document_lists_what_the_revisions_declare() -> None:
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    listed = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines if line.startswith("| `")]

    assert listed == [(f"`{revision}`", what) for revision, what in DECLARED]


def test_every_declared_loss_is_planted_here() -> None:
    assert set(PLANTED) == {(revision, what) for revision, what in DECLARED if revision != BASELINE}


@pytest.mark.parametrize(("revision", "what"), PLANTED)
def test_a_loss_is_counted_and_refused_unless_it_is_accepted(
    revision: str, what: str, make_database: MakeDatabase
) -> None:
    url = make_database(migrated=BASELINE)
    with psycopg.connect(url) as connection:
        fill_v2(connection)
    migrations.upgrade(url, revision)
    migrations.downgrade(url, BY_REVISION[revision].down_revision)  # nothing to lose yet
    migrations.upgrade(url, revision)
    with psycopg.connect(url) as connection:
        healthy = rows(connection)
        connection.execute(PLANTED[revision, what])
        planted = rows(connection)

    with pytest.raises(CommandError) as refused:
        migrations.downgrade(url, BY_REVISION[revision].down_revision)

    assert f"This downgrade would lose: 1 {what}." in str(refused.value)
    assert "-x accept-loss=yes" in str(refused.value)
    assert migrations.current(url) == revision
    with psycopg.connect(url) as connection:
        assert rows(connection) == planted

    migrations.downgrade(url, BY_REVISION[revision].down_revision, accept_loss=True)
    migrations.upgrade(url, revision)
    with psycopg.connect(url) as connection:
        found = rows(connection)
        for table in ("users", "tripwire_user_profile", "user_achievements", "user_statistics"):
            assert found[table] == healthy[table]


def test_every_revision_that_can_lose_rows_declares_it() -> None:
    for revision in revisions():
        source = Path(revision.path).read_text(encoding="utf-8").split("def downgrade", 1)[1]
        if "DELETE FROM public" in source or "DROP TABLE public" in source:
            assert losses(revision), f"{revision.revision} can lose rows and declares nothing"
