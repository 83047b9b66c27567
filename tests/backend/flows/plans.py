"""Plans of flows, as a connection keeps them."""

import json
from typing import Any

import psycopg

from tripwire_db.flows import statements


def kept_plan(connection: psycopg.Connection[Any], flow: str) -> dict[str, Any]:
    """Give the plan of a flow's prepared statement that serves all values."""
    sql, parameters = statements()[flow].prepared
    connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    connection.execute(b"PREPARE flow AS " + sql)
    nothing = ", ".join(["NULL"] * len(parameters))
    row = connection.execute(f"EXPLAIN (FORMAT JSON) EXECUTE flow ({nothing})".encode()).fetchone()
    assert row is not None
    (explained,) = row[0] if isinstance(row[0], list) else json.loads(row[0])
    plan: dict[str, Any] = explained["Plan"]
    return plan
