"""What the chain makes, built once: each test compares with the same."""

import pytest

from tripwire_db import migrations
from tripwire_db.schema import drift as drift_module
from tripwire_db.schema.drift import chain_at
from tripwire_db.schema.drift.snapshot import Snapshot


@pytest.fixture(scope="session")
def expected() -> Snapshot:
    """What the chain makes at head."""
    return chain_at(migrations.heads()[0])


@pytest.fixture
def one_scratch(expected: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift_module, "chain_at", lambda _: expected)
