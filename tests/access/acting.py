"""A caller in SQL: the role and the claims that PostgREST would set, in a transaction that is rolled back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from tests.access.people import claims


@contextmanager
def acting_as(connection: psycopg.Connection[Any], who: str, **more: Any) -> Iterator[None]:
    """Be a caller of the matrix for a while; keyword arguments change claims of the token, None takes one away."""
    found = claims(who, **more)
    role = claims(who)["role"]  # what the session is, whatever the claims go on to say
    with connection.transaction(force_rollback=True):
        connection.execute("SELECT set_config('request.jwt.claims', %s, true)", [json.dumps(found)])
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
        yield
