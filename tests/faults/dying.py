"""A process that is killed in the middle of a call: `python -m tests.faults.dying URL METHOD WHERE ARGUMENTS`.

WHERE is the moment: `before create_user`, `after create_user`, `before delete_user` or `after delete_user`.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from tripwire_db import PostgresAuth, TripwireRepository
from tripwire_db.engine.database import Database


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DyingAuth(PostgresAuth):
    """The auth service as it is, and the end of the process before or after one of its calls."""

    def __init__(self, url: str, moment: str) -> None:
        super().__init__(url)
        self._moment = moment

    def create_user(self, **arguments: Any) -> None:
        self._around("create_user", lambda: super(DyingAuth, self).create_user(**arguments))

    def delete_user(self, id: Any) -> bool:  # noqa: A002
        return bool(self._around("delete_user", lambda: super(DyingAuth, self).delete_user(id)))

    def _around(self, name: str, call: Callable[[], Any]) -> Any:
        if self._moment == f"before {name}":
            die()
        done = call()
        if self._moment == f"after {name}":
            die()
        return done


def main(url: str, method: str, moment: str, arguments: str) -> None:
    asked = json.loads(arguments)
    if refused := asked.pop("refused", None):
        # Every statement of this flow fails, so that its compensation is what is interrupted.
        run = Database.run

        def refusing(self: Database, flow: Any) -> Any:
            if flow.name == refused:
                from tripwire_db import Unavailable

                raise Unavailable("told to fail", applied=False)
            return run(self, flow)

        Database.run = refusing  # type: ignore[method-assign]
    with DyingAuth(url, moment) as auth, TripwireRepository.connect(url, auth=auth) as repository:
        getattr(repository, method)(**asked)


if __name__ == "__main__":
    main(*sys.argv[1:])
