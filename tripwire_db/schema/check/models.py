"""Whether the chain and `tables.py` describe one schema: compared object by object, as the catalog has them."""

from collections.abc import Iterator

import psycopg
import sqlalchemy

from tripwire_db.postgres.catalog import Catalog, Key, Object, read_catalog
from tripwire_db.settings import sqlalchemy_url
from tripwire_db.tables import metadata

_KINDS = ("table", "column", "constraint", "index")

# Told by the revisions alone: who may see a table is none of the models' business.
_BESIDE_MODELS = {"row_level_security", "forced_row_level_security", "owner"}


def make_from_models(url: str) -> None:
    """Make the tables of the models, with what they lean on, in a bootstrapped database."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE SCHEMA tripwire; CREATE SEQUENCE tripwire.certificate_number_seq START WITH 100001")
    engine = sqlalchemy.create_engine(sqlalchemy_url(url))
    try:
        metadata.create_all(engine)
    finally:
        engine.dispose()
    with psycopg.connect(url) as connection:
        for table in metadata.sorted_tables:
            for index in table.indexes:
                serves = index.info["serves"].replace("'", "''")
                connection.execute(f"COMMENT ON INDEX public.{index.name} IS '{serves}'".encode())


def disagreements(url: str, chain: Catalog) -> Iterator[tuple[Key, str]]:
    """Make the models' tables in a bootstrapped scratch database, and yield where the chain's head differs."""
    make_from_models(url)
    with psycopg.connect(url) as connection:
        connection.execute("SET LOCAL search_path = ''")
        models = _tables_of(read_catalog(connection))
    made = _tables_of(chain)
    for key in sorted({*models, *made}, key=str):
        if key not in made:
            yield key, f"{key} is in the models, and the chain does not make it"
        elif key not in models:
            yield key, f"{key} is made by the chain, and the models do not have it"
        else:
            for name, said in _said(models[key]).items():
                if (is_ := _said(made[key]).get(name)) != said:
                    yield key, f"{key}: {name} is {said} in the models, and {is_} in the chain"


def _tables_of(catalog: Catalog) -> dict[Key, Object]:
    return {key: item for key, item in catalog.items() if key.kind in _KINDS and key.name.startswith("public.")}


def _said(item: Object) -> dict[str, str | None]:
    return {name: value for name, value in item.attributes.items() if name not in _BESIDE_MODELS}
