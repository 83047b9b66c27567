"""The tables of `tables.py` in a scratch database, with what they lean on."""

import sqlalchemy

from tripwire_db.postgres.connect import connect
from tripwire_db.settings import sqlalchemy_url
from tripwire_db.tables import metadata


def make_from_models(url: str) -> None:
    """Make the tables of the models, with what they lean on, in a bootstrapped database."""
    with connect(url) as connection:
        connection.execute("CREATE SCHEMA tripwire; CREATE SEQUENCE tripwire.certificate_number_seq START WITH 100001")
    engine = sqlalchemy.create_engine(sqlalchemy_url(url))
    try:
        metadata.create_all(engine)
    finally:
        engine.dispose()
    with connect(url) as connection:
        for table in metadata.sorted_tables:
            for index in table.indexes:
                serves = index.info["serves"].replace("'", "''")
                connection.execute(f"COMMENT ON INDEX public.{index.name} IS '{serves}'".encode())
