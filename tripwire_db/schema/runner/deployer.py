"""The two sessions of a deployer: one holds the deployers' lock and looks around, the other migrates."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self

import psycopg

from tripwire_db.schema.project import Project
from tripwire_db.schema.runner.connect import connect, settle, wake_triggers
from tripwire_db.schema.runner.errors import MigrationError
from tripwire_db.schema.runner.limits import Limits
from tripwire_db.schema.runner.locks import DEPLOYER, SESSION, acquire
from tripwire_db.schema.runner.pooler import refuse_known_pooler, refuse_transaction_pooler
from tripwire_db.schema.runner.target import Target


class Deployer:
    """Opens the sessions, locks included, and opens them again where they were lost.

    Attributes:
        lock: Holds the deployers' lock.
        migrating: Migrates, once `open_migrating` was called.
        waited: The seconds that other deployers were waited for.
    """

    lock: psycopg.Connection[Any]
    migrating: psycopg.Connection[Any]

    def __init__(
        self, target: Target, command: str, project: Project, settings: Limits, *, say: Callable[[str], None]
    ) -> None:
        """Prepare; nothing is opened.

        Args:
            target: The database.
            command: What is being done, for pg_stat_activity.
            project: Whose it is.
            settings: How long to wait.
            say: Called with a line for people.
        """
        self.waited = 0.0
        self._target = target
        self._command = command
        self._project = project
        self._settings = settings
        self._say = say
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Take the deployers' lock.

        Raises:
            MigrationError: The database cannot be reached, or is none that may be migrated from here.
        """
        refuse_known_pooler(self._target)
        with ExitStack() as stack:
            self.lock = stack.enter_context(connect(self._target, self._command))
            refuse_transaction_pooler(self.lock, self._target)
            self._refuse_encoding()
            settle(self.lock, self._project.search_path)
            self._say(f"{self._command} of {self._target} (URL from {self._target.source})")
            self._take_lock()
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the sessions, and so give the locks back."""
        self._open.close()

    def open_migrating(self) -> None:
        """Open the session that migrates; its lock waits for one that a lost deployer has left at work."""
        self.migrating = self._open.enter_context(connect(self._target, self._command))
        settle(self.migrating, self._project.search_path)
        for setting in wake_triggers(self.migrating):
            self._say(
                f"  WARNING: {setting} silences triggers. This role may not change its {setting}: have a superuser run "
                f"ALTER ROLE {self.migrating.info.user} RESET {setting}."
            )
        self.waited += acquire(self.migrating, SESSION, wait=self._settings.deploy_wait, say=self._say)

    def open_again(self) -> None:
        """Open what was lost; the session that migrates in any case."""
        self.migrating.close()
        try:
            self.lock.execute("SELECT")
        except psycopg.Error:
            self.lock.close()
            self.lock = self._open.enter_context(connect(self._target, self._command))
            settle(self.lock, self._project.search_path)
            self._take_lock()
        self.open_migrating()

    def _take_lock(self) -> None:
        settings = self._settings
        self.lock.execute(f"SET lock_timeout = {settings.lock_timeout}".encode())
        self.waited += acquire(self.lock, DEPLOYER, wait=settings.deploy_wait, say=self._say)

    def _refuse_encoding(self) -> None:
        if said := self._project.wrong_encoding(self.lock):
            raise MigrationError(said)
