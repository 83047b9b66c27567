"""A database made by hand on hosted Supabase comes under Alembic, as `postgres`, who is no superuser there."""

import psycopg
import pytest

from tests.cli.conftest import run_command
from tests.schema.hosted.test_hosted import V2, as_superuser
from tripwire_db import migrations
from tripwire_db.embedded.hosted import HostedServer, Privileges
from tripwire_db.errors import Refused, Unavailable
from tripwire_db.schema.adopt import adopt, inspect
from tripwire_db.schema.course.sample_rows import fill_v2
from tripwire_db.schema.doctor import examine
from tripwire_db.schema.drift import find_drift

# What a script without GRANTs leaves under the privileges of 2026.
UNGRANTED = """
REVOKE SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public FROM anon, authenticated, service_role;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM anon, authenticated, service_role;
"""


def by_hand(server: HostedServer, database: str, privileges: Privileges) -> str:
    """v2 with rows, as its script makes it in a new project."""
    url = server.create_project(database, privileges=privileges)
    migrations.upgrade(url, V2, quiet=True)
    with psycopg.connect(url) as connection:
        fill_v2(connection)
        connection.execute("DROP TABLE tripwire.alembic_version; DROP SCHEMA tripwire")
        if privileges == "2026":
            connection.execute(UNGRANTED)
    return url


@pytest.mark.parametrize("privileges", ["old", "2026"])
def test_it_is_adopted_upgraded_and_neither_drift_nor_doctor_finds_anything(
    server: HostedServer, database: str, privileges: Privileges
) -> None:
    url = by_hand(server, database, privileges)

    report = inspect(url)
    done = adopt(url)
    migrations.upgrade(url, quiet=True)

    assert report.blockers == ()
    assert {difference.action for difference in report.differences} == (
        {"service_role may run it, too"} if privileges == "2026" else set()
    )
    assert done.differences == report.differences
    assert find_drift(url).findings == ()
    assert examine(url) == ()


@pytest.mark.parametrize(
    ("kind", "name"), [("TABLE", "public.users"), ("FUNCTION", "public.rpc_get_manager_stats(uuid)")]
)
def test_what_another_role_owns_is_to_be_settled_first(
    server: HostedServer, database: str, kind: str, name: str
) -> None:
    url = by_hand(server, database, "old")
    as_superuser(server, database, f"ALTER {kind} {name} OWNER TO supabase_admin")

    told = run_command("adopt", url=url)

    (blocker,) = inspect(url).blockers
    assert blocker.startswith(f"{kind.lower()} {name} belongs to supabase_admin")
    assert "Next: settle what stands above" in " ".join(told.out.split())
    assert "--apply" not in told.out
    with pytest.raises(Refused, match=r"nothing was changed: .* belongs to supabase_admin"):
        adopt(url)

    as_superuser(server, database, blocker.partition("have it run ")[2])
    assert inspect(url).blockers == ()


def test_a_role_that_may_create_nothing_is_told_what_to_grant(server: HostedServer, database: str) -> None:
    url = by_hand(server, database, "old")
    as_superuser(
        server,
        database,
        f"REVOKE ALL ON SCHEMA public FROM postgres; ALTER DATABASE {database} OWNER TO supabase_admin",
    )

    blockers = inspect(url).blockers

    assert [blocker.partition("run ")[2] for blocker in blockers] == [
        f"GRANT CREATE ON DATABASE {database} TO postgres",
        "GRANT CREATE ON SCHEMA public TO postgres",
    ]


def test_a_statement_that_takes_longer_than_the_project_s_time_out_is_not_ended(
    server: HostedServer, database: str
) -> None:
    url = by_hand(server, database, "old")
    as_superuser(
        server,
        database,
        f"""
        CREATE FUNCTION extensions.slow() RETURNS event_trigger LANGUAGE plpgsql AS
            $$ BEGIN IF tg_tag = 'CREATE SCHEMA' THEN PERFORM pg_sleep(2.2); END IF; END $$;
        CREATE EVENT TRIGGER slow ON ddl_command_start EXECUTE FUNCTION extensions.slow();
        ALTER DATABASE {database} SET statement_timeout = '2s';
        """,
    )

    assert adopt(url).applied


def test_one_that_takes_too_long_for_us_says_what_to_set(
    server: HostedServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = by_hand(server, database, "old")
    as_superuser(
        server,
        database,
        """
        CREATE FUNCTION extensions.endless() RETURNS event_trigger LANGUAGE plpgsql AS
            $$ BEGIN IF tg_tag = 'CREATE TABLE' THEN PERFORM pg_sleep(3600); END IF; END $$;
        CREATE EVENT TRIGGER endless ON ddl_command_start EXECUTE FUNCTION extensions.endless();
        """,
    )
    monkeypatch.setenv("TRIPWIRE_STATEMENT_TIMEOUT", "5s")

    with pytest.raises(Unavailable, match=r"nothing was changed: .* longer than 5s\. TRIPWIRE_STATEMENT_TIMEOUT"):
        adopt(url)

    assert migrations.current(url) is None
