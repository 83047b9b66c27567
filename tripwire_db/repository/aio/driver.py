"""Runs what a method asks for: one flow, or an operation that also calls the auth service."""

from typing import Any, TypeVar

from tripwire_db.engine.database import AsyncDatabase
from tripwire_db.engine.statement import Flow
from tripwire_db.engine.within import AsyncWithin, needs_auth
from tripwire_db.repository.aio.blocking import Runner, require_loop, run_blocking, run_to_the_end
from tripwire_db.repository.base import RepositoryBase
from tripwire_db.repository.operation import AuthCall, InTransaction, Operation, Wanted

T = TypeVar("T")


class Driver(RepositoryBase):
    """Drives operations: gives each what it wants done, and sends it what came of it."""

    _database: AsyncDatabase
    _reports: AsyncDatabase | None = None
    """Where the sales functions run instead, if anywhere."""
    _inside: AsyncWithin | None = None
    """Where flows run instead, in a repository made by `within`."""

    async def _perform(self, wanted: Flow[T] | Operation[T]) -> T:
        if isinstance(wanted, Flow):
            return await (self._inside or self._database).run(wanted)
        if self._inside is not None:
            raise needs_auth()
        require_loop(self._database)
        return await self._drive(wanted, self._database.run)

    async def _report(self, flow: Flow[T]) -> T:
        """Run one of the sales functions, where reports are read."""
        return await (self._inside or self._reports or self._database).run(flow)

    async def _drive(self, operation: Operation[T], run: Runner) -> T:
        """Do what an operation wants, one thing after another, and send it what came of it."""
        answer: Any = None
        failure: Exception | None = None
        while True:
            try:
                wanted = operation.send(answer) if failure is None else operation.throw(failure)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            answer, failure = None, None
            try:
                answer = await self._do(wanted, run)
            except Exception as error:  # noqa: BLE001 - thrown into the operation, which decides
                failure = error

    async def _do(self, wanted: Wanted, run: Runner) -> Any:
        if isinstance(wanted, AuthCall):
            return await run_blocking(wanted.make)
        if isinstance(wanted, InTransaction):
            return await run_to_the_end(
                self._database.transact(wanted.name, lambda inside: self._drive(wanted.begin(), inside))
            )
        return await run(wanted)
