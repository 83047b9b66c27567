"""Whether the chain and the models describe one schema: compared object by object, as the catalog has them."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

import sqlalchemy
from sqlalchemy.schema import CreateSchema

from tripwire_db.postgres.catalog import Catalog, Key, Object
from tripwire_db.postgres.connect import connect
from tripwire_db.schema.project import Project
from tripwire_db.settings import sqlalchemy_url

_KINDS = ("table", "column", "constraint", "index")

# Told by the revisions alone: who may see a table is none of the models' business.
_BESIDE_MODELS = {"row_level_security", "forced_row_level_security", "owner"}


def _make(url: str, project: Project) -> None:
    """Make the tables of a project's models in a scratch database, in the project's own way where it has one.

    Raises:
        ImportError: There are no such models.
    """
    if project.make_models is not None:
        project.call(project.make_models, url)
        return
    models = project.models()
    engine = sqlalchemy.create_engine(sqlalchemy_url(url))
    try:
        for metadata in [models] if isinstance(models, sqlalchemy.MetaData) else models or ():
            with engine.begin() as connection:
                for schema in sorted({table.schema for table in metadata.tables.values() if table.schema}):
                    connection.execute(CreateSchema(schema, if_not_exists=True))
            metadata.create_all(engine)
    finally:
        engine.dispose()


def disagreements(url: str, chain: Catalog, project: Project) -> Iterator[tuple[Key, str]]:
    """Make the models' tables in a scratch database, and yield where the chain's head differs."""
    _make(url, project)
    with connect(url) as connection:
        connection.execute("SET LOCAL search_path = ''")
        models = _tables_of(project.read_catalog(connection), project)
    made = _tables_of(chain, project)
    for key in sorted({*models, *made}, key=str):
        if key not in made:
            yield key, f"{key} is in the models, and the chain does not make it"
        elif key not in models:
            yield key, f"{key} is made by the chain, and the models do not have it"
        else:
            for name, said in _said(models[key]).items():
                if (is_ := _said(made[key]).get(name)) != said:
                    yield key, f"{key}: {name} is {said} in the models, and {is_} in the chain"


def _tables_of(catalog: Catalog, project: Project) -> dict[Key, Object]:
    """What the models speak of; Alembic's own table is in none of them."""
    schemas = tuple(f"{schema}." for schema in project.model_schemas)
    own = (f"{project.version_table_schema or project.home_schema}.{project.version_table}",)
    return {
        key: item
        for key, item in catalog.items()
        if key.kind in _KINDS
        and key.name.startswith(schemas)
        and not _is_beside(item.on_table or key.name, own, project)
    }


def _is_beside(table: str, own: tuple[str, ...], project: Project) -> bool:
    return table in own or any(fnmatchcase(table, pattern) for pattern in project.beside_models)


def _said(item: Object) -> dict[str, str | None]:
    return {name: value for name, value in item.attributes.items() if name not in _BESIDE_MODELS}
