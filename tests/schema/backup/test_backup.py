"""A backup, damage, a restore: every row is back; and what is refused on the way."""

import json
import os
import stat
import tarfile
from pathlib import Path

import psycopg
import pytest

from tests.conftest import MakeDatabase
from tests.schema.backup.people import all_rows, fill, run
from tests.support.servers.versions import versions
from tripwire_db import migrations
from tripwire_db.errors import InvalidInput, Refused
from tripwire_db.schema.backup import look, make_backup, read_manifest, restore

DAMAGE = """
DELETE FROM auth.users WHERE email = 'student1@example.com';
UPDATE public.tripwire_users SET price = 1;
DELETE FROM public.video_tracking;
UPDATE public.lessons SET title = 'another';
"""
BY_HAND = """
ALTER TABLE public.users ADD COLUMN nickname varchar(20);
UPDATE public.users SET nickname = 'n';
CREATE TABLE tripwire.quarantine_1 (id int, row jsonb);
INSERT INTO tripwire.quarantine_1 VALUES (1, '{}');
CREATE TABLE public."Other app" (id int);
INSERT INTO public."Other app" VALUES (1);
"""
OLDER = "20261101090000"


@pytest.mark.parametrize("major", versions(15, 17, 18))
def test_every_row_is_back_after_damage_in_the_same_database_and_in_a_new_one(
    make_database: MakeDatabase, tmp_path: Path, major: int
) -> None:
    url = make_database(server=major)
    fill(url)
    run(url, BY_HAND)
    before = all_rows(url)
    backup = make_backup(url, tmp_path, jobs=2)

    run(url, DAMAGE)
    damaged = all_rows(url)
    planned = look(url, backup.file)
    assert all_rows(url) == damaged, "looking changes nothing"
    done = restore(url, backup.file)
    new = make_database(migrated=OLDER, server=major)
    assert look(new, backup.file).target == "behind"
    anew = restore(new, backup.file)

    assert backup.verified
    assert stat.S_IMODE(backup.file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [backup.file], "nothing is left over"
    changes = {change.table: (change.now, change.then) for change in planned.tables if not change.same}
    assert changes["public.users"] == (3, 4)
    assert changes["public.video_tracking"] == (0, 4)
    assert "public.lessons" in changes
    assert (planned.target, planned.applied, done.applied) == ("matching", False, True)
    assert [(one.table, one.needed, one.missing, one.unwritten) for one in done.outside] == [("auth.users", 4, 1, 0)]
    assert damaged != before
    assert all_rows(url) == before
    assert (done.added, anew.added) == ((), ("public.users.nickname", "tripwire.quarantine_1"))
    assert backup.manifest.left_out == ("public.Other app",)
    assert all_rows(new) == {table: rows for table, rows in before.items() if table != "Other app"}
    assert len(backup.notes) == 3, "what was left out, and what no revision makes, is told"


def test_one_snapshot_holds_for_all_of_it(database_url: str, tmp_path: Path) -> None:
    fill(database_url)
    before = all_rows(database_url)

    class Meanwhile:
        """Somebody who adds a student once the dump has begun."""

        done = False

        def began(self, what: str, total: int) -> None:
            if what == "dump":
                run(database_url, "INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'late@example.com')")
                run(
                    database_url,
                    "INSERT INTO public.users (id, email, full_name) SELECT id, email, 'L' FROM auth.users WHERE email ~ 'late'",
                )
                Meanwhile.done = True

        def advanced(self) -> None:
            pass

    backup = make_backup(database_url, tmp_path / "course.tar", verify=False, progress=Meanwhile())

    assert Meanwhile.done
    done = restore(database_url, backup.file)
    assert {**all_rows(database_url), "auth.users": []} == {**before, "auth.users": []}
    assert done.stranded == 1, "who came later has no rows any more, and is told"


def test_numbers_that_were_given_since_are_not_given_twice(database_url: str, tmp_path: Path) -> None:
    run(database_url, "SELECT nextval('tripwire.certificate_number_seq')")
    backup = make_backup(database_url, tmp_path / "course.tar", verify=False)
    run(database_url, "SELECT setval('tripwire.certificate_number_seq', 200000)")

    restore(database_url, backup.file)

    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT nextval('tripwire.certificate_number_seq')").fetchone() == (200001,)


def _cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def _no_archive(file: Path) -> None:
    file.write_bytes(b"-- SQL, say\n" * 1000)


def _changed(file: Path) -> None:
    content = file.read_bytes()
    at = content.index(b"student1@example.com")
    file.write_bytes(content[:at] + b"teacher" + content[at + 7 :])


def _newer(file: Path) -> None:
    content = file.read_bytes()
    (head,) = migrations.heads()
    file.write_bytes(content.replace(f'"revision": "{head}"'.encode(), b'"revision": "20990101000000"'))


def _newer_format(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b'"format": 1', b'"format": 9'))


def _another_tar(file: Path) -> None:
    with tarfile.open(file, "w") as archive:
        archive.add(__file__, "manifest.py")


SPOILT = {
    "cut off": _cut,
    "is no backup of tripwire-db": _no_archive,
    "its manifest, which is written last, is not there": _another_tar,
    r"damaged: auth\.users\.copy": _changed,
    "revision 20990101000000, which this version of tripwire-db does not know": _newer,
    "format that this version of tripwire-db does not know": _newer_format,
}


def test_a_wrong_file_is_refused_and_nothing_is_changed(database_url: str, tmp_path: Path) -> None:
    fill(database_url, 2)
    file = make_backup(database_url, tmp_path / "course.tar", verify=False).file
    whole, before = file.read_bytes(), all_rows(database_url)

    for said, spoil in SPOILT.items():
        file.write_bytes(whole)
        spoil(file)
        for what in (look, restore):
            with pytest.raises(Refused, match=said):
                what(database_url, file)

    assert all_rows(database_url) == before


def test_rows_that_are_not_what_was_counted_are_not_committed(database_url: str, tmp_path: Path) -> None:
    fill(database_url, 2)
    backup = make_backup(database_url, tmp_path / "course.tar", verify=False)
    run(database_url, "DELETE FROM public.video_tracking")
    before = all_rows(database_url)
    counted = backup.manifest.tables["public.user_statistics"].checksum
    backup.file.write_bytes(backup.file.read_bytes().replace(counted.encode(), counted[::-1].encode()))

    with pytest.raises(
        Refused, match=r"would not be as they were: public\.user_statistics \(other values\)\. No row was changed"
    ):
        restore(database_url, backup.file)

    assert all_rows(database_url) == before


def test_another_database_is_refused(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database()
    fill(url, 1)
    file = make_backup(url, tmp_path / "course.tar", verify=False).file
    somebodys, older, bare = (
        make_database(migrated=False),
        make_database(migrated=OLDER),
        make_database(migrated=None),
    )
    run(somebodys, "CREATE TABLE public.invoices (id int)")
    run(older, "INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'a@b.kz')")
    run(older, "INSERT INTO public.users (id, email, full_name) SELECT id, email, 'A' FROM auth.users")
    damaged = make_database()
    run(damaged, "DROP TABLE public.certificates")
    another = make_database()
    fill(another, 2)
    before = all_rows(another)

    for other, said in (
        (somebodys, r"not empty \(1 tables, public\.invoices"),
        (older, "is at revision 20261101090000 and has rows"),
        (bare, r"auth\.users is not here: run `tripwire-db bootstrap`"),
        (damaged, r"lacks public\.certificates: restore into a new database"),
        (another, r"it has rows of 3 people, none of whom is in the backup, and they would be lost"),
    ):
        with pytest.raises(Refused, match=said):
            look(other, file)
        with pytest.raises(Refused, match=said):
            restore(other, file)
    assert all_rows(another) == before


def test_an_address_that_somebody_else_has_here_stops_all_of_it(make_database: MakeDatabase, tmp_path: Path) -> None:
    url, new = make_database(), make_database()
    fill(url, 1)
    file = make_backup(url, tmp_path / "course.tar", verify=False).file
    run(new, "INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'dana@example.com')")
    before = all_rows(new)

    with pytest.raises(Refused, match=r"1 of 2 rows of auth\.users are missing here and could not be written"):
        restore(new, file)

    assert all_rows(new) == before


def test_a_file_that_is_there_is_never_written_over(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "course.tar"
    file.write_text("precious")
    with pytest.raises(InvalidInput, match="is there already"):
        make_backup(database_url, file)
    with pytest.raises(InvalidInput, match="cannot be written into"):
        make_backup(database_url, tmp_path / "nowhere" / "course.tar")

    assert file.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [file]


def test_a_database_without_alembic_and_a_role_that_sees_nothing_are_refused(
    make_database: MakeDatabase, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match="not under Alembic"):
        make_backup(make_database(migrated=False), tmp_path / "course.tar")
    url = make_database()
    as_student = f"{url}&options=-c%20role%3Dauthenticated"
    with pytest.raises(Refused, match="may not do that"):
        make_backup(as_student, tmp_path / "course.tar")
    assert list(tmp_path.iterdir()) == []


def test_the_manifest_tells_what_is_in_the_file(database_url: str, tmp_path: Path) -> None:
    fill(database_url, 2)
    backup = make_backup(database_url, tmp_path / "course.tar", verify=False)

    with tarfile.open(backup.file) as archive:
        content = archive.extractfile("manifest.json")
        assert content is not None
        document = json.load(content)
        assert archive.getnames()[-1] == "manifest.json", "so only a whole file has it"

    assert document["tables"]["public.tripwire_users"]["rows"] == 2
    assert document["outside"]["auth.users"]["rows"] == 3
    assert "encrypted_password" in document["outside"]["auth.users"]["columns"]
    assert (document["revision"],) == migrations.heads()
    assert read_manifest(backup.file) == backup.manifest
