"""A flow is prepared once on a connection, whatever the sizes of its values: psycopg tells statements by their types, too."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.backend.flows.world import World, emptied, world
from tests.support.servers.proxy import Proxy
from tripwire_db.engine.parameters import as_text

PREPARED_AFTER = 6
"""psycopg prepares at the sixth execution."""
PREPARE = re.compile(rb"P.{4}_pg3_\d+\x00/\* tripwire:(\w+) \*/", re.DOTALL)


@pytest.fixture
def traced(kind: str, module_url: str) -> Iterator[tuple[World, Proxy]]:
    emptied(module_url)
    with ExitStack() as stack:
        proxy = stack.enter_context(Proxy(module_url))
        yield stack.enter_context(world(kind, module_url, through=proxy.url, pool_size=1)), proxy


def prepared(proxy: Proxy) -> Counter[str]:
    """How often each flow was prepared, as the server was told."""
    return Counter(name.decode() for request in proxy.requests for name in PREPARE.findall(request.payload))


def test_values_of_all_sizes_are_prepared_once(traced: tuple[World, Proxy]):
    it, proxy = traced
    repository, manager, admin = it.repository, it.manager(), it.manager(role="admin")
    sizes = [0, 1, 40_000, 2_000_000, 86_000]
    it.execute("UPDATE lessons SET duration_seconds = 86400")
    proxy.reset()
    for n in range(3 * PREPARED_AFTER):
        size = sizes[n % len(sizes)]
        student = it.student(manager, price=[None, 5, 40_000, Decimal("70000.50"), 3_000_000][n % 5]).user_id
        repository.update_video_tracking(
            user_id=student,
            lesson_id=67,
            segments=[[], [(0, 10)], [(0.5, 40_000), (50_000, 80_000)]][n % 3],
            position=min(size, 86_400),
            client_duration=[None, 1800, 40_000, 86_400][n % 4],
        )
        entry = repository.log_activity(
            manager_id=manager.user_id, action_type="email_sent", details=[None, {"n": size}][n % 2]
        )
        repository.get_manager_activity(
            manager_id=manager.user_id,
            limit=[1, 300][n % 2],
            before=[None, entry][n % 2],
            action_types=[None, ["email_sent"]][n % 2],
        )
        repository.get_sales_leaderboard(limit=[1, 1000][n % 2], since=[None, date(2026, 1, 1)][n % 2])
        repository.correct_student(user_id=student, manager_id=admin.user_id, price=[7, 40_000][n % 2])
        repository.reassign_students(
            from_manager_id=manager.user_id,
            to_manager_id=admin.user_id,
            manager_id=admin.user_id,
            user_ids=[[student], None][n % 2],
        )
        repository.list_students(limit=[1, 200][n % 2])
        repository.search_watched_segments(lesson_id=[67, 40_000][n % 2], segment=[(0, 10), (0.5, 70_000)][n % 2])
    assert set(prepared(proxy).values()) == {1}
    expected = {"create_tripwire_user", "update_video_tracking", "log_activity", "list_students", "reassign_students"}
    assert expected <= set(prepared(proxy))


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        (0, "int2"),
        (2**63 - 1, "int8"),
        (True, "bool"),
        (1.5, "float8"),
        (1e300, "float8"),
        (Decimal("70000.50"), "numeric"),
        (Decimal("1E+3"), "numeric"),
        (UUID(int=7), "uuid"),
        (date(1, 1, 1), "date"),
        (date(9999, 12, 31), "date"),
        (datetime(2026, 3, 2, 9, 0, 0, 5, tzinfo=UTC), "timestamptz"),
        (["a,b", 'say "x"', "back\\slash", "", "NULL", "{}", " "], "text[]"),
        ([], "uuid[]"),
        ([UUID(int=1), UUID(int=2)], "uuid[]"),
        ([1, None, 70_000, -5], "int8[]"),
        ("Әлия ☃ 𝒜", "text"),
        (None, "int4"),
    ],
    ids=str,
)
def test_a_value_comes_back_as_it_was_sent(module_url: str, value: object, type_: str):
    with psycopg.connect(module_url) as connection:
        (back,) = connection.execute(f"SELECT %s::{type_}", [as_text(value)]).fetchone()
    assert back == value
    assert type(back) is type(value)


def test_json_comes_back_as_it_was_sent(module_url: str):
    sent = {"a": [1, None, True, 'ә"\\'], "b": {}}
    with psycopg.connect(module_url) as connection:
        (back,) = connection.execute("SELECT %s::jsonb", [as_text(Jsonb(sent))]).fetchone()
    assert back == sent


class Colour(StrEnum):
    RED = "red"

    def __str__(self) -> str:
        return "another text"


class Number(IntEnum):
    SEVEN = 7

    def __str__(self) -> str:
        return "seven"


def test_a_subclass_is_sent_as_what_python_takes_it_for():
    assert as_text(Colour.RED) == "red"
    assert as_text(Number.SEVEN) == "7"


def test_what_no_flow_has_is_refused():
    with pytest.raises(TypeError, match="timedelta"):
        as_text(timedelta(1))
