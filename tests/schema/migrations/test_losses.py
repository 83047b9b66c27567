"""What a downgrade would lose is declared, listed in docs/reference/losses.md, counted, and refused unless it is accepted."""

from pathlib import Path

import psycopg
import pytest
from alembic.util import CommandError

from tests.conftest import MakeDatabase
from tests.schema.migrations.chain import losses, revisions
from tripwire_db import migrations
from tripwire_db.schema.check.rows import rows
from tripwire_db.schema.course.sample_rows import MANAGERS, STUDENTS, fill_v2

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "reference" / "losses.md"
STRANGER = "00000000-0000-4000-8000-0000000000ff"

COURSE_GROWS = """
INSERT INTO public.modules (id, position, title) VALUES (19, 4, 'Module 4');
INSERT INTO public.lessons (id, module_id, title) VALUES (70, 19, 'Lesson 4');
"""

# (revision, what): a row that only the newer layout holds
PLANTED = {
    ("20261103090000", "certificates"): (
        f"INSERT INTO public.certificates (user_id, number, url, full_name) VALUES ('{STUDENTS[0]}', 'TW-1', 'u', 'n')"
    ),
    ("20261103090000", "counter of certificate numbers (numbers would be given twice)"): (
        "SELECT nextval('tripwire.certificate_number_seq')"
    ),
    ("20261103090000", "modules that are not as they came"): "UPDATE public.modules SET title = 'Mine' WHERE id = 16",
    ("20261103090000", "lessons that are not as they came"): (
        "UPDATE public.lessons SET duration_seconds = 60 WHERE id = 67"
    ),
    ("20261104090000", "video tracking rows with counted time that the stored total does not give"): (
        f"UPDATE public.video_tracking SET last_seen_at = now() WHERE user_id = '{STUDENTS[0]}' AND lesson_id = 67"
    ),
    ("20261106090000", "students whose status 'blocked' would become 'inactive'"): (
        f"UPDATE public.tripwire_users SET status = 'blocked' WHERE user_id = '{STUDENTS[0]}'"
    ),
    ("20261106090000", "log entries of newer kinds"): (
        f"INSERT INTO public.sales_activity_log (manager_id, action_type) VALUES ('{MANAGERS[0]}', 'lesson_completed')"
    ),
    ("20261105150000", "log entries without a manager who still exists"): (
        "INSERT INTO public.sales_activity_log (action_type) VALUES ('user_deleted')"
    ),
    ("20261105150000", "log entries whose target is gone and would be forgotten"): (
        "INSERT INTO public.sales_activity_log (manager_id, target_user_id, action_type) "
        f"VALUES ('{MANAGERS[0]}', '{STRANGER}', 'user_deleted')"
    ),
    ("20261110090000", "unlocks of modules beyond 16-18"): (
        f"{COURSE_GROWS} INSERT INTO public.module_unlocks (user_id, module_id) VALUES ('{STUDENTS[0]}', 19)"
    ),
    ("20261110090000", "progress rows beyond modules 16-18 or lessons 67-69"): (
        f"{COURSE_GROWS} INSERT INTO public.student_progress (user_id, module_id, lesson_id) VALUES ('{STUDENTS[0]}', 19, 70)"
    ),
    ("20261110090000", "video tracking rows beyond lessons 67-69"): (
        f"{COURSE_GROWS} INSERT INTO public.video_tracking (user_id, lesson_id) VALUES ('{STUDENTS[0]}', 70)"
    ),
    ("20261126104328", "log entries about corrections, reassignments, lessons and completed courses"): (
        "INSERT INTO public.sales_activity_log (action_type) VALUES ('user_corrected')"
    ),
}
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
