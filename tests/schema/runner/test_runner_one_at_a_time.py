"""Two deployers at once: one works, the other waits, and says for whom."""

import time

import psycopg
import pytest

from tests.schema.runner.chain import WAIT_AT_GATE, Chain, eventually

_DEPLOYER = "SELECT pg_advisory_lock(1953655152, 1)"


@pytest.mark.parametrize(
    "rounds", [pytest.param(3, id="3 times"), pytest.param(10, id="10 times", marks=pytest.mark.heavy)]
)
def test_two_upgrades_started_together_make_one_chain(chain: Chain, rounds: int) -> None:
    chain.add("CREATE TABLE public.a (id int PRIMARY KEY, x int)", down=("DROP TABLE public.a",))
    chain.add(
        "CREATE INDEX CONCURRENTLY a_x ON public.a (x)", down=("DROP INDEX CONCURRENTLY public.a_x",), concurrent=True
    )
    chain.add("CREATE TABLE public.done (at timestamptz DEFAULT now())", down=("DROP TABLE public.done",))
    for _ in range(rounds):
        results = [deployer.finish() for deployer in [chain.start("upgrade", "head") for _ in range(2)]]

        assert [result.code for result in results] == [0, 0], results
        did = sorted(result.err.count("  upgrade ") for result in results)
        assert did == [0, 3], results
        assert "Nothing to do: the database is at 20260103000000 (head)." in results[0].err + results[1].err
        assert chain.at() == chain.revision(3)
        assert chain.query("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]
        assert chain.run("downgrade", "base").code == 0


def test_who_waits_names_who_works_and_then_finds_nothing_to_do(chain: Chain) -> None:
    chain.execute("CREATE TABLE public.gate ()")
    chain.add(WAIT_AT_GATE)
    first = chain.start("upgrade", "head")
    chain.wait_for_statement("gate")
    second = chain.start("upgrade", "head")
    _until_two_deployers(chain)
    time.sleep(0.3)  # nothing tells from outside that a poll has failed
    chain.execute("INSERT INTO public.gate DEFAULT VALUES")

    did, waited = first.finish(), second.finish()

    assert (did.code, waited.code) == (0, 0), (did, waited)
    assert "waiting up to 10min: another deployer is at work: pid" in waited.err
    assert "tripwire-db upgrade by" in waited.err
    assert "Nothing to do" in waited.err


def test_waiting_is_bounded_and_changes_nothing(chain: Chain) -> None:
    chain.add("CREATE TABLE public.a ()")
    with chain.connect() as other:
        other.execute(_DEPLOYER)
        start = time.monotonic()

        result = chain.upgrade("-x", "deploy-wait=700ms")

        assert result.code != 0
        assert time.monotonic() - start < 5
        assert f"another deployer is at work: pid {other.info.backend_pid}" in result.out
        assert "Nothing was changed" in result.out
    assert "a" not in chain.tables()


def test_a_reader_of_the_revision_does_not_wait_for_a_deployer(chain: Chain) -> None:
    chain.add("CREATE TABLE public.a ()")
    assert chain.upgrade().code == 0
    with chain.connect() as other:
        other.execute(_DEPLOYER)
        assert chain.revision(1) in chain.run("current").out


def test_another_database_of_the_same_server_is_free(chain: Chain) -> None:
    chain.add("CREATE TABLE public.a ()")
    with psycopg.connect(chain.url, dbname="postgres", autocommit=True) as other:
        other.execute(_DEPLOYER)
        assert chain.upgrade("-x", "deploy-wait=1s").code == 0


def _until_two_deployers(chain: Chain) -> None:
    eventually(
        lambda: (
            len(
                chain.query(
                    "SELECT FROM pg_stat_activity WHERE datname = current_database()"
                    " AND application_name LIKE 'tripwire-db upgrade%'"
                )
            )
            >= 3
        )
    )
