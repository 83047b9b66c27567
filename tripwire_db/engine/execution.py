"""Sends the statement of a flow on a connection, sync and async: to run it, or to have it explained."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import AsyncRawCursor, RawCursor
from psycopg.rows import tuple_row

from tripwire_db.engine.analysis import ANALYZE, WHOLE_PLAN, Analysis, analysis_of
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
    return cursor.execute(*attempts.sending(flow)).fetchall()


async def execute_async(connection: psycopg.AsyncConnection[Any], flow: Flow[Any], attempts: Attempts) -> Sequence[Row]:
    """As `execute`."""
    cursor = AsyncRawCursor(connection, row_factory=flow.definition.rows_of)
    await cursor.execute(*attempts.sending(flow))
    return await cursor.fetchall()


def analyzed(
    connection: psycopg.Connection[Any], flow: Flow[Any], attempts: Attempts, *, plan: bool = False
) -> Analysis:
    """Run a flow for the server's account of it, and again for its report, and undo both."""
    attempts.flow = flow

    def explained(how: str) -> list[Any]:
        with connection.transaction(force_rollback=True):
            cursor = psycopg.Cursor(connection, row_factory=tuple_row)
            return cursor.execute(f"{how}{flow.sql()}".encode(), dict(flow.parameters)).fetchall()

    with connection.transaction(force_rollback=True):
        ((account,),) = explained(ANALYZE)
        lines = explained(WHOLE_PLAN) if plan else ()
        rows = execute(connection, flow, attempts)
    return analysis_of(flow, account[0], rows, "\n".join(line for (line,) in lines))


async def analyzed_async(
    connection: psycopg.AsyncConnection[Any], flow: Flow[Any], attempts: Attempts, *, plan: bool = False
) -> Analysis:
    """As `analyzed`."""
    attempts.flow = flow

    async def explained(how: str) -> list[Any]:
        async with connection.transaction(force_rollback=True):
            cursor = psycopg.AsyncCursor(connection, row_factory=tuple_row)
            await cursor.execute(f"{how}{flow.sql()}".encode(), dict(flow.parameters))
            return await cursor.fetchall()

    async with connection.transaction(force_rollback=True):
        ((account,),) = await explained(ANALYZE)
        lines = await explained(WHOLE_PLAN) if plan else ()
        rows = await execute_async(connection, flow, attempts)
    return analysis_of(flow, account[0], rows, "\n".join(line for (line,) in lines))
