"""The chain and `tables.py` describe one schema: compared object by object, as pg_dump sees it."""

import psycopg

from tests.conftest import MakeDatabase
from tripwire_db.schema.check.dump import columns_sorted, dump, objects
from tripwire_db.schema.course.models import make_from_models

# What metadata can't say: these come from the revisions' own SQL, and the access and analytics tests look at them.
BESIDE_TABLES = ("FUNCTION", "TRIGGER", "EVENT TRIGGER", "POLICY", "ROW SECURITY", "ACL", "SCHEMA", "DEFAULT ACL")
OURS_IN_TRIPWIRE = ("SEQUENCE tripwire.certificate_number_seq",)


def tables_of(url: str) -> dict[str, str]:
    """Read tables, constraints, indexes, defaults, comments and our sequence."""
    return {
        key: columns_sorted(text)
        for key, text in objects(dump(url)).items()
        if key.split(" public.")[0].split(" tripwire.")[0] not in BESIDE_TABLES
        and (" public." in key or key in OURS_IN_TRIPWIRE)
        and not key.startswith("COMMENT public.FUNCTION")
    }


def test_upgrade_head_makes_what_the_models_say(make_database: MakeDatabase, major: int) -> None:
    from_models = make_database(migrated=False, server=major)
    make_from_models(from_models)
    from_chain = make_database(server=major)

    said, made = tables_of(from_models), tables_of(from_chain)

    assert made.keys() == said.keys()
    assert {key: text for key, text in made.items() if text != said[key]} == {}
    assert len(made) > 60


def test_every_table_of_ours_has_row_level_security_and_every_function_a_search_path(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert (
            connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND NOT relrowsecurity"
            ).fetchall()
            == []
        )
        assert (
            connection.execute(
                """
                SELECT proname FROM pg_proc
                WHERE pronamespace IN ('public'::regnamespace, 'tripwire'::regnamespace)
                    AND NOT coalesce(array_to_string(proconfig, ',') LIKE '%search_path=%', false)
                """
            ).fetchall()
            == []
        )
