"""What an operation is: a generator without I/O, which yields what it wants done and is sent what came of it.

It yields a `Flow`, an `AuthCall` or an `InTransaction`, and is sent the result or thrown the error; the sync and the async
repository drive the same ones, step by step, and so does whatever wants to see what happens between two steps.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from tripwire_db.auth import Auth, EmailExists
from tripwire_db.engine.statement import Flow
from tripwire_db.errors import AuthFailed, TripwireError
from tripwire_db.flows.shared.context import FlowContext
from tripwire_db.postgres.errors import without_rows

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AuthCall:
    """A call of the auth service, to be made without holding anything."""

    call: Callable[[], Any]

    def make(self) -> Any:
        """Make the call; whatever an auth object of somebody's own raises ends as one of our errors.

        Raises:
            EmailExists, TripwireError: as `Auth` has them.
            AuthFailed: it raised anything else, so nobody can know what it did.
        """
        try:
            return self.call()
        except (EmailExists, TripwireError):
            raise
        except Exception as error:  # noqa: BLE001 - somebody else's object, told by its class
            name, cause = type(error).__name__, without_rows(error)
        # Raised out here, so that a driver's own error, which repeats rows, is not its context.
        raise AuthFailed(
            f"the auth object raised {name}, so nobody can know what it did: call again, which is safe, "
            "and let its methods raise AuthFailed",
            applied=None,
        ) from cause


@dataclass(frozen=True, slots=True)
class InTransaction:
    """Steps to be done in one transaction, the only one that may be open while the network is waited for.

    `begin` makes the steps anew for each attempt; `name` tells them in logs and errors.
    """

    name: str
    begin: "Callable[[], Operation[Any]]"


Wanted = Flow[Any] | AuthCall | InTransaction
Operation = Generator[Wanted, Any, T]


@dataclass(frozen=True, slots=True)
class Services:
    """What operations work with: the course's terms, and the auth service."""

    context: FlowContext
    auth: Auth
