"""A real PostgREST in front of one database, and the tokens it takes."""

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt

from tests.support.servers.finding import postgrest_program
from tests.support.servers.process import Process, free_port

JWT_SECRET = "a secret of the tests that has thirty-two characters or more"


@dataclass(frozen=True)
class PostgREST:
    """Where it listens, and how to be let in."""

    url: str
    process: Process = field(repr=False)
    secret: str = JWT_SECRET

    def token(self, role: str | None, sub: object = None, *, expires_in: float = 600, **claims: Any) -> str:
        """Sign a token; without role or sub it has none."""
        payload: dict[str, Any] = {"exp": int(time.time() + expires_in), **claims}
        if role is not None:
            payload["role"] = role
        if sub is not None:
            payload["sub"] = str(sub)
        return jwt.encode(payload, self.secret, algorithm="HS256")

    def log(self) -> str:
        return self.process.output()


@contextmanager
def postgrest(
    database_url: str, *, schemas: str = "public", pool: int = 5, tx_end: str = "commit"
) -> Iterator[PostgREST]:
    """Run a PostgREST as the role authenticator; it listens for reloads on the channel pgrst.

    With `tx_end="commit-allow-override"` a request that sends `Prefer: tx=rollback` is answered and undone.
    """
    program = postgrest_program()
    port, admin_port = free_port(), free_port()
    with Process("postgrest") as process:

        def ready() -> bool:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{admin_port}/ready", timeout=5) as answer:
                    return answer.status == 200
            except (urllib.error.URLError, ConnectionError):
                return False

        process.start(
            [program],
            env={
                "PGRST_DB_URI": database_url.replace("//postgres@", "//authenticator@", 1),
                "PGRST_DB_SCHEMAS": schemas,
                "PGRST_DB_ANON_ROLE": "anon",
                "PGRST_DB_POOL": str(pool),
                "PGRST_DB_CHANNEL_ENABLED": "true",
                "PGRST_DB_TX_END": tx_end,
                "PGRST_JWT_SECRET": JWT_SECRET,
                "PGRST_SERVER_HOST": "127.0.0.1",
                "PGRST_SERVER_PORT": str(port),
                "PGRST_ADMIN_SERVER_PORT": str(admin_port),
                "PGRST_LOG_LEVEL": "info",
            },
            ready=ready,
        )
        yield PostgREST(f"http://127.0.0.1:{port}", process)
