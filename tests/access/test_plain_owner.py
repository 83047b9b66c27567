"""The same access where the owner is no superuser, as on hosted Supabase: helpers see the rows, and nobody else does."""

from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.access import matrix
from tests.access.acting import acting_as
from tests.access.calls import arguments
from tests.access.conftest import PlainOwner
from tests.access.matrix import SUBJECTS, cells
from tests.access.people import parameters, row, settle, subject
from tripwire_db import migrations

FUNCTIONS = [name for name in matrix.lines(matrix.FUNCTIONS) if name not in matrix.TRIGGER_FUNCTIONS]


@pytest.fixture
def settled(plain_owner: PlainOwner) -> PlainOwner:
    migrations.upgrade(plain_owner.url)
    with psycopg.connect(plain_owner.url) as connection:
        settle(connection)
    return plain_owner


def test_every_caller_reads_what_the_matrix_says(settled: PlainOwner) -> None:
    with psycopg.connect(settled.superuser_url, autocommit=True) as connection:
        for cell in cells(matrix.TABLES):
            if cell.who == "anon":
                continue
            with acting_as(connection, cell.who):
                for which in SUBJECTS:
                    found = row(cell.what, subject(cell.who, which))
                    where = " AND ".join(f"{column} = %s" for column in found.found_by)
                    seen = connection.execute(
                        f"SELECT FROM public.{cell.what} WHERE {where}", parameters(found.found_by)
                    ).rowcount
                    assert seen == cell.reads(which), (cell, which)


def test_the_owner_and_its_members_are_backends(settled: PlainOwner) -> None:
    member = f"{settled.role}_app"
    with psycopg.connect(settled.superuser_url, autocommit=True) as superuser:
        superuser.execute(sql.SQL("CREATE ROLE {} LOGIN INHERIT").format(sql.Identifier(member)))
        superuser.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(settled.role), sql.Identifier(member)))
        try:
            for user in (settled.role, member):
                with psycopg.connect(settled.url, user=user) as connection:
                    assert_does_everything(connection)
        finally:
            superuser.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(member)))


def assert_does_everything(connection: psycopg.Connection[Any]) -> None:
    assert connection.execute("SELECT tripwire.is_backend()").fetchone() == (True,)
    for table in matrix.lines(matrix.TABLES):
        found = row(table, "stranger")
        where = " AND ".join(f"{column} = %s" for column in found.found_by)
        assert connection.execute(f"SELECT FROM public.{table} WHERE {where}", parameters(found.found_by)).rowcount == 1
    for function in FUNCTIONS:
        given = arguments(function, "boss")
        named = ", ".join(f"{name} => %s" for name in given)
        connection.execute(f"SELECT public.{function}({named})", list(given.values()))
