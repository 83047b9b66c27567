"""A server as hosted Supabase has it: the newest PostgreSQL in every run, the hosted 15 and 17 where there are minutes to spare."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.support.servers.finding import postgres_bin
from tests.support.servers.versions import versions
from tripwire_db.embedded.hosted import HostedServer, hosted_server


@pytest.fixture(scope="package", params=versions(15, 17, 18))
def server(request: pytest.FixtureRequest) -> Iterator[HostedServer]:
    with hosted_server(postgres_bin(request.param)) as running:
        yield running


@pytest.fixture
def database() -> str:
    """The name of a database that is not there yet."""
    return f"course_{uuid4().hex[:12]}"
