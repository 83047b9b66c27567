"""A real PgBouncer in transaction mode in front of one cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from tests.support.servers.finding import pgbouncer_program
from tests.support.servers.process import Process, free_port, takes_connections


class PgBouncer:
    """Where it listens."""

    def __init__(self, port: int, process: Process) -> None:
        self.port = port
        self.process = process

    def url(self, database: str, user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{quote(database, safe='')}"


@contextmanager
def pgbouncer(
    socket_dir: Path,
    port: int,
    *,
    pool_size: int = 5,
    pool_mode: str = "transaction",
    users: tuple[str, ...] = ("postgres", "authenticator"),
) -> Iterator[PgBouncer]:
    """Run a PgBouncer, in transaction mode unless said otherwise, for every database of the server behind the socket."""
    program = pgbouncer_program()
    listen_port = free_port()
    with Process("pgbouncer") as process:
        names = process.write("users.txt", "".join(f'"{user}" ""\n' for user in users))
        configuration = process.write(
            "pgbouncer.ini",
            "[databases]\n"
            f"* = host={socket_dir} port={port}\n"
            "[pgbouncer]\n"
            "listen_addr = 127.0.0.1\n"
            f"listen_port = {listen_port}\n"
            "unix_socket_dir =\n"
            "auth_type = trust\n"
            f"auth_file = {names}\n"
            f"pool_mode = {pool_mode}\n"
            f"default_pool_size = {pool_size}\n"
            "max_client_conn = 500\n"
            "ignore_startup_parameters = extra_float_digits\n"
            "server_check_delay = 5\n",
        )
        process.start([program, configuration], env={}, ready=lambda: takes_connections(listen_port))
        yield PgBouncer(listen_port, process)
