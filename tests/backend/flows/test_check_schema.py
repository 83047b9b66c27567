"""A repository tells whether the schema is the one that its package is made for."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.backend.flows.both import opened
from tests.backend.flows.world import World
from tests.support.servers.postgres import Postgres
from tripwire_db import PostgresAuth, SchemaState, migrations
from tripwire_db.expected import EXPECTED_REVISION


@contextmanager
def at_revision(it: World, revision: str) -> Iterator[None]:
    it.execute("UPDATE tripwire.alembic_version SET version_num = %s", revision)
    try:
        yield
    finally:
        it.execute("UPDATE tripwire.alembic_version SET version_num = %s", EXPECTED_REVISION)


def test_the_expected_revision_is_the_chains_head():
    assert migrations.heads() == (EXPECTED_REVISION,), "run scripts/expected-revision"


def test_a_schema_at_the_head_is_ready(it: World):
    assert it.repository.check_schema() == SchemaState(EXPECTED_REVISION, EXPECTED_REVISION, ready=True)


@pytest.mark.parametrize("revision", ["20261126115805", "20991231235959"])
def test_an_older_or_newer_schema_is_named_and_not_ready(it: World, revision: str):
    with at_revision(it, revision):
        assert it.repository.check_schema() == SchemaState(revision, EXPECTED_REVISION, ready=False)
    assert it.repository.check_schema().ready


def test_a_schema_that_is_older_than_the_question_is_not_ready(it: World):
    it.execute("ALTER FUNCTION tripwire.schema_revision() RENAME TO not_there")
    try:
        assert it.repository.check_schema() == SchemaState(None, EXPECTED_REVISION, ready=False)
    finally:
        it.execute("ALTER FUNCTION tripwire.not_there() RENAME TO schema_revision")


def test_a_database_without_our_schema_is_not_ready(kind: str, module_url: str, postgres_18: Postgres):
    elsewhere = postgres_18.url("template1")
    with PostgresAuth(module_url) as auth, opened(kind, elsewhere, auth=auth) as repository:
        assert repository.check_schema() == SchemaState(None, EXPECTED_REVISION, ready=False)
