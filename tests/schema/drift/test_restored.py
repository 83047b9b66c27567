"""A database that was dumped from one version of PostgreSQL and restored into another has not drifted."""

import subprocess

import pytest

from tests.conftest import MakeDatabase
from tripwire_db.embedded import find_program
from tripwire_db.schema.drift import find_drift

WAYS = [
    pytest.param(18, 15, id="18-to-15"),
    pytest.param(15, 18, id="15-to-18"),
    pytest.param(17, 16, id="17-to-16", marks=pytest.mark.heavy),
    pytest.param(16, 17, id="16-to-17", marks=pytest.mark.heavy),
]


@pytest.mark.usefixtures("one_scratch")
@pytest.mark.parametrize(("old", "new"), WAYS)
def test_a_dump_restored_into_another_version_has_not_drifted(make_database: MakeDatabase, old: int, new: int) -> None:
    make_database(migrated=False, server=new)  # the roles, which no dump of a database holds
    restored = make_database(migrated=None, server=new)
    dumped = subprocess.run([find_program("pg_dump"), make_database(server=old)], capture_output=True, check=True)
    # As people restore into an older server: what that one does not know (SET transaction_timeout) is passed over.
    subprocess.run([find_program("psql"), "-qX", restored], input=dumped.stdout, capture_output=True, check=True)

    found = find_drift(restored)

    assert found.findings == ()
    assert found.not_ours == ()


def test_a_server_that_knows_no_right_to_maintain_does_not_lack_it(make_database: MakeDatabase) -> None:
    # v2 says GRANT ALL, which is more on the scratch server.
    assert find_drift(make_database(migrated="20261101090000", server=15)).findings == ()
