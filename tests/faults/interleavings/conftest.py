"""A stage for the module's scenes, on which random ids are the same in each run."""

from collections.abc import Iterator

import pytest

from tests.faults.interleavings.scenes import Stage
from tripwire_db.repository import accounts, auth_users


@pytest.fixture(scope="module")
def module_stage(module_url: str) -> Iterator[Stage]:
    stage = Stage(module_url)
    yield stage
    stage.close()


@pytest.fixture
def stage(module_stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    for module in (accounts, auth_users):
        monkeypatch.setattr(module, "uuid4", module_stage.new_id)
    return module_stage
