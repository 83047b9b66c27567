"""Databases for the tests of one process: a migrated template, and a clone of it for each test."""

import itertools
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from tripwire_db import migrations
from tripwire_db.embedded import Cluster, embedded_bin_dir, home
from tripwire_db.postgres.connect import connect
from tripwire_db.postgres.url import sqlalchemy_url
from tripwire_db.schema.bootstrap import bootstrap

_SETTINGS = {"fsync": False, "synchronous_commit": False, "full_page_writes": False, "max_connections": 400}
_numbers = itertools.count(1)


@contextmanager
def embedded_server() -> Iterator[str]:
    """The embedded server of this run of tests, fast rather than durable; xdist's workers share one. Gives its URL."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or secrets.token_hex(8)
    cluster = Cluster(embedded_bin_dir(), home() / "scratch" / f"plugin-{run[:16]}", settings=_SETTINGS)
    with cluster:
        yield cluster.url()
    cluster.remove_if_abandoned()


@contextmanager
def migrated_template(server_url: str) -> Iterator[str]:
    """A database at the newest revision, to be cloned. Gives its name."""
    name = _new_name("template")
    with _database(server_url, name):
        bootstrap(url_of(server_url, name))
        migrations.upgrade(url_of(server_url, name), quiet=True)
        yield name


@contextmanager
def clone(server_url: str, template: str) -> Iterator[str]:
    """A copy of a template, dropped at the end even while sessions are connected. Gives its URL."""
    name = _new_name("test")
    with _database(server_url, name, template):
        yield url_of(server_url, name)


def url_of(server_url: str, database: str) -> str:
    """The URL of another database of the same server, for the same role."""
    url = sqlalchemy_url(server_url).set(drivername="postgresql", database=database)
    return url.render_as_string(hide_password=False)


def _new_name(kind: str) -> str:
    return f"tripwire_{kind}_{secrets.token_hex(4)}_{next(_numbers)}"


@contextmanager
def _database(server_url: str, name: str, template: str = "template1") -> Iterator[None]:
    with connect(server_url, autocommit=True) as connection:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield
    finally:
        with connect(server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
