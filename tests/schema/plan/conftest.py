"""What the tests of plans share."""

from datetime import UTC, datetime

import pytest

from tripwire_db.schema.plan import LiveState, Plan


@pytest.fixture
def empty_plan() -> Plan:
    """A plan of no revisions, to be filled by `dataclasses.replace`."""
    return Plan(
        database="postgres@db.example.com:5432/postgres",
        server_version="17.6",
        scratch_version="18.6",
        before="a",
        after="b",
        down=False,
        drift=(),
        revisions=(),
        live=LiveState(datetime(2026, 11, 26, tzinfo=UTC), (), (), (), ()),
        measured_with=0,
        measured_table="public.tripwire_users",
        notes=(),
    )
