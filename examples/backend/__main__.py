"""`python -m examples.backend`: the backend, on the embedded server where no database is named."""

import argparse
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import jwt
import uvicorn

from tripwire_db import CreatedManager, PostgresAuth, TripwireRepository, bootstrap, migrations

DATABASE = "example"


@contextmanager
def embedded_database() -> Iterator[str]:
    """A migrated database on the embedded server, which stops with us and keeps its data. Gives its URL."""
    from psycopg.errors import DuplicateDatabase

    from tripwire_db.embedded import embedded_cluster

    with embedded_cluster() as cluster:
        try:
            url = cluster.create_database(DATABASE)
        except DuplicateDatabase:
            url = cluster.url(DATABASE)
        bootstrap(url)
        migrations.upgrade(url, quiet=True)
        yield url


def token_of(manager: CreatedManager) -> str:
    """A token as Supabase Auth would sign it, for a day."""
    claims = {
        "sub": str(manager.user_id),
        "aud": "authenticated",
        "exp": time.time() + 86_400,
        "app_metadata": {"tripwire": {"kind": "manager"}},
    }
    return jwt.encode(claims, os.environ["SUPABASE_JWT_SECRET"], "HS256")


def serve(host: str, port: int) -> None:
    """Answer until SIGTERM or Ctrl-C: requests that came before are answered, then the repository is closed."""
    # uvicorn passes the signal on when all is closed; as an exception it also closes what is around us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.run("examples.backend.app:app", host=host, port=port)


def main() -> None:
    """Serve on the database of the environment, else on the embedded one with a manager to try it as."""
    parser = argparse.ArgumentParser(prog="python -m examples.backend", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    asked = parser.parse_args()
    if os.environ.get("TRIPWIRE_DATABASE_URL"):
        serve(asked.host, asked.port)
        return
    with embedded_database() as url:
        os.environ |= {"TRIPWIRE_DATABASE_URL": url, "SUPABASE_JWT_SECRET": secrets.token_hex(32)}
        with PostgresAuth(url) as auth, TripwireRepository.connect(url, auth=auth) as repository:
            manager = repository.create_manager(email="dana@example.com", full_name="Dana Akhmetova")
        print(f"TOKEN={token_of(manager)}", flush=True)
        serve(asked.host, asked.port)


if __name__ == "__main__":
    main()
