"""A real Redis that keeps nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.servers.finding import redis_program
from tests.support.servers.process import Process, free_port, takes_connections


class Redis:
    """Where it listens; its process may be killed by a test."""

    def __init__(self, port: int, process: Process) -> None:
        self.port = port
        self.url = f"redis://127.0.0.1:{port}/0"
        self.process = process


@contextmanager
def redis() -> Iterator[Redis]:
    """Run a Redis on a free port of loopback."""
    program = redis_program()
    port = free_port()
    with Process("redis") as process:
        arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        process.start([program, *arguments], env={}, ready=lambda: takes_connections(port))
        yield Redis(port, process)
