"""Sends the statement of a flow on a connection, sync and async: to run it, or to have it explained."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import AsyncRawCursor, RawCursor
from psycopg.rows import tuple_row

from tripwire_db.engine.analysis import ANALYZE, PLAN, WHOLE_PLAN, Analysis, analysis_of
from tripwire_db.engine.connection import BoundedAsyncConnection, BoundedConnection
from tripwire_db.engine.reading import BINARY, read_json
from tripwire_db.engine.retry import Attempts
from tripwire_db.engine.statement import Flow, Row
from tripwire_db.errors import InvalidInput


def require_flow(flow: object) -> None:
    """Refuse to explain what is no flow."""
    if not isinstance(flow, Flow):
        raise InvalidInput("only a flow can be explained: one that a function of tripwire_db.flows gives")


def execute(connection: psycopg.Connection[Any], flow: Flow[Any], attempts: Attempts) -> Sequence[Row]:
    """Send a flow's statement once, and take its report."""
    cursor = RawCursor(connection, row_factory=flow.definition.rows_of)
    if not isinstance(connection, BoundedConnection):  # a caller's; ours have it once and for all
        read_json(cursor)
    return cursor.execute(*attempts.sending(flow), binary=BINARY).fetchall()


async def execute_async(connection: psycopg.AsyncConnection[Any], flow: Flow[Any], attempts: Attempts) -> Sequence[Row]:
    """As `execute`."""
    cursor = AsyncRawCursor(connection, row_factory=flow.definition.rows_of)
    if not isinstance(connection, BoundedAsyncConnection):
        read_json(cursor)
    await cursor.execute(*attempts.sending(flow), binary=BINARY)
    return await cursor.fetchall()


def plan_of(connection: psycopg.Connection[Any], flow: Flow[Any], how: str = PLAN) -> str:
    """The server's plan for a flow, as text; by `PLAN` the flow is not run."""
    return "\n".join(line for (line,) in _explained(connection, flow, how))


async def plan_of_async(connection: psycopg.AsyncConnection[Any], flow: Flow[Any], how: str = PLAN) -> str:
    """As `plan_of`."""
    return "\n".join(line for (line,) in await _explained_async(connection, flow, how))


def analyzed(
    connection: psycopg.Connection[Any], flow: Flow[Any], attempts: Attempts, *, plan: bool = False
) -> Analysis:
    """Run a flow for the server's account of it, and again for its report, and undo both."""
    attempts.flow = flow
    with connection.transaction(force_rollback=True):
        with connection.transaction(force_rollback=True):
            ((account,),) = _explained(connection, flow, ANALYZE)
        whole = ""
        if plan:
            with connection.transaction(force_rollback=True):
                whole = plan_of(connection, flow, WHOLE_PLAN)
        rows = execute(connection, flow, attempts)
    return analysis_of(flow, account[0], rows, whole)


async def analyzed_async(
    connection: psycopg.AsyncConnection[Any], flow: Flow[Any], attempts: Attempts, *, plan: bool = False
) -> Analysis:
    """As `analyzed`."""
    attempts.flow = flow
    async with connection.transaction(force_rollback=True):
        async with connection.transaction(force_rollback=True):
            ((account,),) = await _explained_async(connection, flow, ANALYZE)
        whole = ""
        if plan:
            async with connection.transaction(force_rollback=True):
                whole = await plan_of_async(connection, flow, WHOLE_PLAN)
        rows = await execute_async(connection, flow, attempts)
    return analysis_of(flow, account[0], rows, whole)


def _explained(connection: psycopg.Connection[Any], flow: Flow[Any], how: str) -> list[Any]:
    # Tuples, whatever rows a caller's connection gives.
    cursor = psycopg.Cursor(connection, row_factory=tuple_row)
    read_json(cursor)
    return cursor.execute(f"{how}{flow.sql()}".encode(), dict(flow.parameters)).fetchall()


async def _explained_async(connection: psycopg.AsyncConnection[Any], flow: Flow[Any], how: str) -> list[Any]:
    cursor = psycopg.AsyncCursor(connection, row_factory=tuple_row)
    read_json(cursor)
    await cursor.execute(f"{how}{flow.sql()}".encode(), dict(flow.parameters))
    return await cursor.fetchall()
