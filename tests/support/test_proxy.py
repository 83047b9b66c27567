"""The tests' own proxy: what it counts, and what it does to a connection."""

import time
from collections.abc import Callable

import psycopg
import pytest

from tests.support.servers.proxy import Proxy, Verdict

MakeDatabase = Callable[..., str]


@pytest.fixture
def plain(make_database: MakeDatabase, make_proxy: Callable[[str], Proxy]) -> Proxy:
    return make_proxy(make_database(migrated=None))


@pytest.fixture
def counted(make_database: MakeDatabase, make_proxy: Callable[[str], Proxy]) -> Proxy:
    url = make_database(migrated=None)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE hits (id int)")
    return make_proxy(url)


def hits(proxy: Proxy) -> int:
    with psycopg.connect(proxy.url, autocommit=True) as connection:
        return connection.execute("SELECT count(*) FROM hits").fetchone()[0]


def test_connecting_is_not_counted_and_each_statement_is(plain: Proxy):
    with psycopg.connect(plain.url, autocommit=True) as connection:
        assert plain.round_trips == 0
        connection.execute("SELECT 1")
        connection.execute("SELECT %s::int", (2,))
        assert plain.round_trips == 2
        assert plain.messages["B"] == 1


def test_a_transaction_of_one_statement_is_three_round_trips(plain: Proxy):
    with psycopg.connect(plain.url) as connection:
        connection.execute("SELECT 1")
        connection.commit()
        assert plain.round_trips == 3


def test_large_answers_and_statements_arrive_whole(plain: Proxy):
    with psycopg.connect(plain.url, autocommit=True) as connection:
        text = "x" * 3_000_000
        assert connection.execute("SELECT %s::text", (text,)).fetchone() == (text,)


def test_delay_costs_both_ways(plain: Proxy):
    with psycopg.connect(plain.url, autocommit=True) as connection:
        plain.delay = 0.05
        started = time.monotonic()
        connection.execute("SELECT 1")
        assert 0.1 <= time.monotonic() - started < 1


@pytest.mark.parametrize(("verdict", "applied"), [(Verdict.CUT_BEFORE, 0), (Verdict.SWALLOW, 1)])
def test_a_cut_connection_is_lost_before_or_after_the_commit(counted: Proxy, verdict: Verdict, applied: int):
    with psycopg.connect(counted.url, autocommit=True) as connection:
        counted.plan(verdict)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("INSERT INTO hits VALUES (1)")
    assert hits(counted) == applied
    assert counted.verdicts[verdict] == 1


def test_a_statement_sent_before_the_cut_may_still_take_effect(counted: Proxy):
    with psycopg.connect(counted.url, autocommit=True) as connection:
        counted.plan(Verdict.CUT_AFTER)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("INSERT INTO hits VALUES (1)")
    assert hits(counted) in {0, 1}


def test_cutting_all_leaves_no_connection(plain: Proxy):
    with psycopg.connect(plain.url, autocommit=True) as connection:
        connection.execute("SELECT 1")
        assert plain.open_connections == 1
        plain.cut_all()
        assert plain.open_connections == 0
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
