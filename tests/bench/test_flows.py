"""The flows hold the numbers that README promises: beside bare psycopg, and beside ten statements in a transaction."""

import pytest
from rich.console import Console

from benchmarks.flows import measure, table_of

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]


def test_the_flows_hold_their_bounds(database_url: str):
    figures = measure(database_url, lambda _: None)
    Console(width=120).print(table_of(figures))
    assert [figure.name for figure in figures if not figure.holds] == []
