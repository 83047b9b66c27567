"""The chain with a changed revision in it, on databases as Supabase gives them."""

from collections.abc import Collection

from psycopg import sql

from tripwire_db.embedded.hosted import HOSTED_SUPERUSER, HostedServer
from tripwire_db.postgres.catalog import Catalog, Key, Object
from tripwire_db.postgres.connect import connect
from tripwire_db.schema.check.chain import Chain, Revision
from tripwire_db.schema.project import COURSE

_KINDS = ("old", "2026")


class Platform:
    """A hosted-like server that has a database of each kind for each revision that is changed, as those before it made it.

    Args:
        server: a running one.
        chain: unchanged until this is made.
        targets: the ids of the revisions that are changed later.
    """

    def __init__(self, server: HostedServer, chain: Chain, targets: Collection[str]) -> None:
        self._server, self._chain = server, chain
        self._sound: dict[str, tuple[Catalog, Catalog]] = {}
        for kind in _KINDS:
            url = server.create_project(kind, privileges=kind)
            COURSE.ready(url)
            below = _catalog(url)
            for revision in chain.revisions:
                if revision.id in targets:
                    self._copy(kind, f"{kind}_{revision.id}")
                chain.upgrade(url, revision)
                above = _catalog(url)
                self._sound[f"{kind}_{revision.id}"] = below, above
                below = above

    def is_as_it_was(self, revision: Revision) -> bool:
        """Whether the changed revision, up and down again, leaves the grants and the catalog that the unchanged one leaves.

        Then the chain as a whole is found no fault with on this platform; else it must be tried.
        """
        return all(self._leaves(f"{kind}_{revision.id}", revision) for kind in _KINDS)

    def _leaves(self, name: str, revision: Revision) -> bool:
        below, above = self._sound[name]
        url = self._copy(name, "tried")
        try:
            self._chain.upgrade(url, revision)
            if _grants(_catalog(url)) != _grants(above):
                return False
            self._chain.downgrade(url, revision)
            return _catalog(url) == below
        except Exception:  # noqa: BLE001 - whatever a revision raises is a difference
            return False
        finally:
            with connect(self._server.cluster.url(), autocommit=True) as connection:
                connection.execute("DROP DATABASE tried WITH (FORCE)")

    def _copy(self, template: str, name: str) -> str:
        self._server.cluster.create_database(name, template=template)
        with connect(self._server.url(name, user=HOSTED_SUPERUSER)) as connection:
            connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO postgres").format(sql.Identifier(name)))
        return self._server.url(name)


def _catalog(url: str) -> Catalog:
    with connect(url) as connection:
        connection.execute("SET LOCAL search_path = ''")
        return COURSE.read_catalog(connection)


def _grants(catalog: Catalog) -> dict[Key, Object]:
    return {key: item for key, item in catalog.items() if key.kind == "grant"}
