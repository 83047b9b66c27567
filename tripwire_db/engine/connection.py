"""Connections that do not wait for ever, belong to one process, and notice a commit that its standby has not confirmed."""

import os
from typing import Any, Self

import psycopg
from psycopg.errors import Diagnostic

from tripwire_db.engine.driver_errors import ANSWER_TIMEOUT_SECONDS
from tripwire_db.engine.reading import read_json
from tripwire_db.errors import InvalidInput, TripwireError
from tripwire_db.postgres.url import libpq_url, parse
from tripwire_db.postgres.waiting import LateError, bounded

TRANSACTION_POOLER_PORT = 6543
CANCEL_TIMEOUT_SECONDS = 1.0
"""How long calling it off may take, and the answer to that; then the connection is taken for lost."""
CONNECT_TIMEOUT_SECONDS = 5
# How often psycopg wakes a wait that nothing else wakes; so exact are the time limits.
_INTERVAL_SECONDS = 0.1


def connection_arguments(url: object, transaction_pooler: bool | None = None) -> dict[str, Any]:
    """What psycopg needs to connect to `url`: any `postgresql://` URL, unix sockets included.

    Behind a transaction pooler (told, or seen from Supabase's port for it, 6543) nothing may rely on a session:
    a prepared statement belongs to one. Where nobody has told, each new connection also looks for itself.

    Raises:
        InvalidInput: `url` is no PostgreSQL URL.
    """
    if not isinstance(url, str):
        raise InvalidInput("the database URL must be a string that begins with postgresql://")
    arguments = parse(libpq_url(url))
    told = transaction_pooler is not None
    if transaction_pooler is None:
        transaction_pooler = str(arguments.get("port", "")) == str(TRANSACTION_POOLER_PORT)
    defaults = {"connect_timeout": CONNECT_TIMEOUT_SECONDS, "application_name": "tripwire-db", "keepalives_idle": 30}
    return {
        **defaults,
        **arguments,
        "client_encoding": "UTF8",  # not the role's, nor that of PGCLIENTENCODING, which may lack letters of a name
        "prepare_threshold": None if transaction_pooler else 5,
        "look_for_pooler": not told and not transaction_pooler,
    }


_WHO_ANSWERS = "SELECT pg_catalog.pg_backend_pid()"


def _is_direct(greeted: int, answered: Any) -> bool:
    """Whether the process that answers is the one that greeted; a pooler greets with a number of its own.

    Behind one that hands each transaction to another session, a statement that one client has prepared would be run with
    the parameters of another, who has prepared a different one under the same name: at best an error, at worst somebody
    else's flow.
    """
    return answered is not None and answered[0] == greeted


class StandbyWait:
    """Whether the server ended its wait for a synchronous standby early: then the commit may be lost in a failover.

    PostgreSQL reports success then, with a warning: the transaction is committed on this server alone.

    Attributes:
        cut_short: True from that warning on, until it is set back.
    """

    def __init__(self) -> None:
        self.cut_short = False

    def notice(self, notice: Diagnostic) -> None:
        """Take note of the warning; told by the function that sends it, since its text comes in any language."""
        if notice.source_function == "SyncRepWaitForLSN":
            self.cut_short = True


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that does not wait for ever. A statement that is not answered in time is called off.

    The server then says that it did nothing, or the answer came just now, or there is still silence: a lost connection.
    Without that a statement that waits for a table's lock, which no lock_timeout of its own can bound since the lock is
    taken before the statement begins, would take effect long after its caller was told to try again.

    It belongs to the process that opened it: a child refuses to use it, and closing it there leaves the parent's open.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.process = os.getpid()
        self.standby_wait = StandbyWait()
        self.add_notice_handler(self.standby_wait.notice)
        read_json(self)

    @classmethod
    def connect(cls, conninfo: str = "", *, look_for_pooler: bool = False, **options: Any) -> Self:  # type: ignore[override]
        """As psycopg's; with `look_for_pooler`, nothing is prepared where a pooler stands between."""
        connection = super().connect(conninfo, **{**options, "autocommit": True})
        if look_for_pooler:
            try:
                answered = connection.execute(_WHO_ANSWERS).fetchone()
            except BaseException:
                connection.close()
                raise
            if not _is_direct(connection.info.backend_pid, answered):
                connection.prepare_threshold = None
        return connection

    def wait(self, gen: Any, interval: float = _INTERVAL_SECONDS, timeout: float | None = None) -> Any:
        """As psycopg's, with an end; see the class."""
        _require_process(self.process)
        if timeout is not None:  # psycopg's own, of a part of its work
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(bounded(gen, ANSWER_TIMEOUT_SECONDS), interval)
        except LateError:
            pass
        try:
            self.cancel_safe(timeout=CANCEL_TIMEOUT_SECONDS)
            return super().wait(bounded(gen, CANCEL_TIMEOUT_SECONDS), interval)
        except psycopg.OperationalError as silence:
            if silence.sqlstate is not None:
                raise  # the server has spoken: as a rule it says that the statement was called off
            self.close()
            raise psycopg.OperationalError(f"no answer within {ANSWER_TIMEOUT_SECONDS:g} s") from None

    def close(self) -> None:
        """Close the connection in the process that opened it; elsewhere it stays the parent's."""
        # libpq would say goodbye to the server, in the parent's name.
        if self.process == os.getpid():
            super().close()


class BoundedAsyncConnection(psycopg.AsyncConnection[Any]):
    """The same for asyncio."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.process = os.getpid()
        self.standby_wait = StandbyWait()
        self.add_notice_handler(self.standby_wait.notice)
        read_json(self)

    @classmethod
    async def connect(cls, conninfo: str = "", *, look_for_pooler: bool = False, **options: Any) -> Self:  # type: ignore[override]
        """As `BoundedConnection.connect`."""
        connection = await super().connect(conninfo, **{**options, "autocommit": True})
        if look_for_pooler:
            try:
                answered = await (await connection.execute(_WHO_ANSWERS)).fetchone()
            except BaseException:
                await connection.close()
                raise
            if not _is_direct(connection.info.backend_pid, answered):
                connection.prepare_threshold = None
        return connection

    async def wait(
        self,
        gen: Any,
        interval: float = _INTERVAL_SECONDS,
        timeout: float | None = None,  # noqa: ASYNC109 - psycopg's own argument
    ) -> Any:
        """As psycopg's, with an end; see the class."""
        _require_process(self.process)
        if timeout is not None:
            return await super().wait(gen, interval, timeout)
        try:
            return await super().wait(bounded(gen, ANSWER_TIMEOUT_SECONDS), interval)
        except LateError:
            pass
        try:
            await self.cancel_safe(timeout=CANCEL_TIMEOUT_SECONDS)
            return await super().wait(bounded(gen, CANCEL_TIMEOUT_SECONDS), interval)
        except psycopg.OperationalError as silence:
            if silence.sqlstate is not None:
                raise
            await self.close()
            raise psycopg.OperationalError(f"no answer within {ANSWER_TIMEOUT_SECONDS:g} s") from None

    async def close(self) -> None:
        """As `BoundedConnection.close`."""
        if self.process == os.getpid():
            await super().close()


def _require_process(process: int) -> None:
    if process != os.getpid():
        raise TripwireError(
            "this process was forked in the middle of a call, whose connection stays with its parent: fork between "
            "calls, or make the call again here"
        )
