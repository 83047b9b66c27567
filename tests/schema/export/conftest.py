"""Projects as hosted Supabase has them, for its own command line."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.servers.finding import postgres_bin
from tests.support.servers.supabase import Supabase
from tripwire_db import migrations
from tripwire_db.embedded.hosted import HostedServer, Privileges, hosted_server
from tripwire_db.schema.export import export


@dataclass(frozen=True)
class Hosted:
    """One kind of hosted project: a server, and the default privileges of its time."""

    server: HostedServer
    privileges: Privileges

    def project(self, at: str | None = None) -> str:
        """Make a new project, and give its URL for `postgres`; the chain has come as far as `at`."""
        url = self.server.create_project(f"course_{uuid4().hex[:12]}", privileges=self.privileges)
        if at is not None:
            migrations.upgrade(url, at, quiet=True)
        return url


def _kinds(*kinds: tuple[int, Privileges]) -> list[Any]:
    """Those of the newest hosted version by default, the others where there are minutes to spare."""
    newest: tuple[int, Privileges] = (17, "2026")
    return [
        pytest.param(kind, id=f"pg{kind[0]}-{kind[1]}", marks=() if kind == newest else pytest.mark.heavy)
        for kind in kinds
    ]


EVERY_KIND = _kinds((15, "old"), (15, "2026"), (17, "old"), (17, "2026"))


@pytest.fixture(scope="session")
def hosted_servers() -> Iterator[Callable[[int], HostedServer]]:
    """Give the hosted-like server of a version, started once for each worker."""
    running: dict[int, HostedServer] = {}
    with ExitStack() as stack:

        def server(major: int) -> HostedServer:
            if major not in running:
                running[major] = stack.enter_context(hosted_server(postgres_bin(major), tcp_port=0))
            return running[major]

        yield server


@pytest.fixture(params=_kinds((15, "old"), (17, "2026")))
def hosted(request: pytest.FixtureRequest, hosted_servers: Callable[[int], HostedServer]) -> Hosted:
    """The oldest and the newest kind of project; `EVERY_KIND` where a test names it."""
    major, privileges = request.param
    return Hosted(hosted_servers(major), privileges)


@pytest.fixture
def supabase(tmp_path: Path, hosted: Hosted) -> Supabase:
    """Supabase's command line, in a folder that holds the exported chain."""
    export(tmp_path)
    return Supabase.at(tmp_path, hosted.server)
