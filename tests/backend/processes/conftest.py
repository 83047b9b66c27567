"""What tests of processes, event loops and closing stand on."""

from collections.abc import Iterator

import pytest

from tests.backend.flows.world import World, world


@pytest.fixture
def it(database_url: str) -> Iterator[World]:
    """People and rows, arranged and seen through a sync repository and a connection of the test's own."""
    with world("sync", database_url) as ground:
        yield ground
