"""How large a flow's plan is: what starts and stops with each call, and costs a small statement most of its time."""

from typing import Any

import psycopg
import pytest

from tests.backend.flows.plans import kept_plan

NODES = {"update_video_tracking": 52, "complete_lesson": 124, "create_tripwire_user": 72}


@pytest.fixture
def kind() -> str:
    return "sync"  # both repositories send the same statements


def nodes(plan: dict[str, Any]) -> int:
    return 1 + sum(nodes(part) for part in plan.get("Plans", ()))


@pytest.mark.parametrize("flow", NODES)
def test_the_plan_of_a_flow_has_no_more_nodes_than_it_needs(module_url: str, flow: str):
    with psycopg.connect(module_url) as connection:
        # A bitmap scan is two nodes where an index scan is one; which of them, the table's size decides.
        connection.execute("SET LOCAL enable_bitmapscan = off")
        connection.execute("SET LOCAL enable_seqscan = off")
        plan = kept_plan(connection, flow)
    assert nodes(plan) <= NODES[flow], f"{flow} has {nodes(plan)} nodes"
