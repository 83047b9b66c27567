"""A database that is exactly v2, one that is under Alembic already, and ones that are neither."""

import psycopg
import pytest

from tests.conftest import MakeDatabase
from tests.schema.migrations.chain import BASELINE
from tripwire_db import migrations
from tripwire_db.errors import Refused
from tripwire_db.schema.adopt import FIRST_REVISION, adopt, inspect
from tripwire_db.schema.check.dump import difference, dump
from tripwire_db.schema.check.rows import rows
from tripwire_db.schema.course.sample_rows import fill_v2


@pytest.fixture
def by_hand(make_database: MakeDatabase, major: int) -> str:
    """v2 with rows, as if Alembic had never been."""
    return unstamped(make_database(migrated=BASELINE, server=major))


def unstamped(url: str) -> str:
    with psycopg.connect(url) as connection:
        fill_v2(connection)
        connection.execute("DROP TABLE tripwire.alembic_version; DROP SCHEMA tripwire")
    return url


def test_exactly_v2_differs_in_nothing_and_is_stamped(by_hand: str) -> None:
    with psycopg.connect(by_hand) as connection:
        before = rows(connection)

    report = inspect(by_hand)

    assert (report.revision, report.differences, report.quarantined, report.blockers) == (None, (), (), ())
    assert migrations.current(by_hand) is None

    done = adopt(by_hand)

    assert (done.revision, done.applied, done.differences) == (FIRST_REVISION, True, ())
    assert migrations.current(by_hand) == FIRST_REVISION
    with psycopg.connect(by_hand) as connection:
        assert rows(connection) == before

    again = adopt(by_hand)
    assert (again.revision, again.applied) == (FIRST_REVISION, False)

    migrations.upgrade(by_hand)
    assert migrations.current(by_hand) == migrations.heads()[0]
    assert inspect(by_hand).revision == migrations.heads()[0]


def test_the_report_changes_nothing(make_database: MakeDatabase) -> None:
    url = unstamped(make_database(migrated=BASELINE))
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE public.tripwire_users DROP COLUMN price")
    before = dump(url)

    assert inspect(url).differences

    assert difference(before, dump(url)) == ""


def test_an_empty_database_is_sent_to_upgrade(empty_database_url: str) -> None:
    with pytest.raises(Refused, match=r"no public\.tripwire_users.*tripwire-db upgrade"):
        inspect(empty_database_url)
    with pytest.raises(Refused, match=r"no public\.tripwire_users"):
        adopt(empty_database_url)


def test_a_transaction_pooler_is_refused(make_database: MakeDatabase) -> None:
    from alembic.util import CommandError

    for call in (inspect, adopt):
        with pytest.raises(CommandError, match="TRIPWIRE_MIGRATIONS_URL"):
            call("postgresql://postgres@localhost:6543/postgres")


@pytest.mark.plain_server
def test_a_role_that_would_not_see_the_auth_users_is_refused_before_it_takes_everybody_for_gone(
    make_database: MakeDatabase,
) -> None:
    url = unstamped(make_database(migrated=BASELINE))
    with psycopg.connect(url) as connection:
        connection.execute(
            "DO $$ BEGIN CREATE ROLE deployer_who_sees_little LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
            "GRANT USAGE ON SCHEMA auth, public TO deployer_who_sees_little;"
            "GRANT ALL ON auth.users TO deployer_who_sees_little"
        )
    with pytest.raises(Refused, match=r"hides the rows of auth\.users"):
        inspect(url.replace("//postgres@", "//deployer_who_sees_little@"))
