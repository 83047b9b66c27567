"""A deployer that is killed, or told to stop: the old revision or the new, and the next run goes on."""

import signal
from collections.abc import Callable

import psycopg
import pytest

from tests.schema.runner.chain import ROOT, WAIT_AT_GATE, Chain, Deployer, eventually
from tripwire_db.schema.check.dump import dump

_SESSIONS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'tripwire-db%'"
)


def _into_second_revision(chain: Chain, *, concurrent: bool = False) -> tuple[Deployer, int]:
    """Start an upgrade whose second revision stands at the gate."""
    chain.execute("CREATE TABLE public.gate ()")
    chain.add("CREATE TABLE public.first ()")
    if concurrent:
        chain.add(WAIT_AT_GATE, "CREATE INDEX CONCURRENTLY gate_x ON public.gate ((1))", concurrent=True)
    else:
        chain.add("CREATE TABLE public.second ()", WAIT_AT_GATE)
    chain.add("CREATE TABLE public.third ()")
    deployer = chain.start("upgrade", "head")
    return deployer, chain.wait_for_statement("public.gate) LOOP")


def test_after_sigkill_the_next_run_goes_on_from_there(chain: Chain) -> None:
    deployer, _ = _into_second_revision(chain)
    deployer.kill(signal.SIGKILL)
    deployer.finish()

    assert chain.at() == chain.revision(1)
    chain.execute("INSERT INTO public.gate DEFAULT VALUES")
    result = chain.upgrade()

    assert result.code == 0, result
    assert result.err.count("  upgrade 2026") == 2
    assert chain.at() == chain.revision(3)
    assert {"first", "second", "third"} <= chain.tables()


def test_after_sigkill_the_next_run_never_works_beside_the_orphaned_backend(chain: Chain) -> None:
    deployer, orphan = _into_second_revision(chain)
    # So that the server does not notice that its client is gone, as over a network that has swallowed the end of it.
    deployer.kill(signal.SIGSTOP)
    with chain.connect() as holder:
        free = "SELECT pg_try_advisory_lock(1953655152, 1), pg_try_advisory_lock(1953655152, 2)"
        assert holder.execute(free).fetchone() == (False, False)
    _terminate_all_but(chain, orphan)  # the deployer's lock is free, its migrating session is not

    follower = chain.start("upgrade", "head")
    assert follower.process.stderr is not None
    line = next(line for line in follower.process.stderr if "waiting" in line)
    assert f"the session of a deployer that is gone is still at work: pid {orphan}" in line
    assert "query: DO" in line
    assert chain.query(_SESSIONS + f" AND pid <> {orphan} AND state <> 'idle' AND query LIKE '%gate%'") == []

    chain.execute("INSERT INTO public.gate DEFAULT VALUES")  # the orphan ends its statement …
    eventually(lambda: chain.query(f"SELECT FROM pg_stat_activity WHERE pid = {orphan} AND state LIKE 'idle%'"))
    deployer.kill(signal.SIGKILL)  # … and then notices
    result = follower.finish()
    deployer.finish()

    assert result.code == 0, result
    assert chain.at() == chain.revision(3)


def test_the_server_notices_soon_that_a_killed_deployer_is_gone(chain: Chain) -> None:
    deployer, orphan = _into_second_revision(chain)
    deployer.kill(signal.SIGKILL)
    deployer.finish()
    eventually(lambda: not chain.query(f"SELECT FROM pg_stat_activity WHERE pid = {orphan}"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_told_to_stop_it_leaves_the_old_revision_and_says_so(chain: Chain, number: int, code: int) -> None:
    deployer, _ = _into_second_revision(chain)
    deployer.kill(number)
    result = deployer.finish()

    assert result.code == code, result
    assert f"Interrupted ({signal.Signals(number).name})" in result.err
    assert f"The database is at {chain.revision(1)}; 1 of 3 revisions were finished and stay" in result.err
    assert "Traceback" not in result.said
    assert chain.at() == chain.revision(1)
    assert "second" not in chain.tables()
    eventually(lambda: not chain.query(_SESSIONS))


def test_told_to_stop_again_and_again_it_still_says_where_the_database_stands(chain: Chain) -> None:
    deployer, _ = _into_second_revision(chain)
    for _ in range(5):
        deployer.kill(signal.SIGINT)
    result = deployer.finish()
    assert result.code == 130, result
    assert f"The database is at {chain.revision(1)}" in result.err


def test_told_to_stop_between_indexes_it_says_that_one_may_be_half_built(chain: Chain) -> None:
    deployer, _ = _into_second_revision(chain, concurrent=True)
    deployer.kill(signal.SIGINT)
    result = deployer.finish()
    assert result.code == 130, result
    assert "An index may be half built (INVALID)" in result.err


def test_told_to_stop_while_waiting_for_another_deployer_nothing_is_changed(chain: Chain) -> None:
    chain.add("CREATE TABLE public.a ()")
    with chain.connect() as other:
        other.execute("SELECT pg_advisory_lock(1953655152, 1)")
        waiting = chain.start("upgrade", "head")
        assert waiting.process.stderr is not None
        next(line for line in waiting.process.stderr if "another deployer" in line)
        waiting.kill(signal.SIGINT)
        result = waiting.finish()
    assert result.code == 130, result
    assert "Interrupted (SIGINT). Nothing was changed." in result.err


def test_a_terminated_backend_is_an_error_and_the_next_run_goes_on(chain: Chain) -> None:
    deployer, backend = _into_second_revision(chain)
    chain.execute(f"SELECT pg_terminate_backend({backend})")
    result = deployer.finish()

    assert result.code != 0
    assert "upgrade 20260102000000 failed" in result.out
    assert f"The database is at {chain.revision(1)}" in result.out
    assert "Traceback" not in result.said
    chain.execute("INSERT INTO public.gate DEFAULT VALUES")
    assert chain.upgrade().code == 0


def _terminate_all_but(chain: Chain, orphan: int) -> None:
    with psycopg.connect(chain.url, autocommit=True) as connection:
        connection.execute(f"SELECT pg_terminate_backend(pid) FROM ({_SESSIONS} AND pid <> {orphan}) AS other")
        eventually(lambda: len(chain.query(_SESSIONS)) == 1)


def test_losing_the_deployer_s_lock_on_the_way_does_not_let_anybody_in(chain: Chain) -> None:
    deployer, backend = _into_second_revision(chain)
    _terminate_all_but(chain, backend)
    follower = chain.start("-x", "deploy-wait=500ms", "upgrade", "head")
    refused = follower.finish()
    chain.execute("INSERT INTO public.gate DEFAULT VALUES")
    result = deployer.finish()

    assert refused.code != 0
    assert f"still at work: pid {backend}" in refused.out
    assert result.code == 0, result
    assert "The watch for blockers ended early" in result.err
    assert chain.at() == chain.revision(3)


@pytest.mark.heavy
def test_the_project_s_chain_killed_after_every_revision_ends_where_an_undisturbed_one_does(
    make_database: Callable[..., str],
) -> None:
    killed, calm = make_database(migrated=False), make_database()
    project = Chain(ROOT, killed)
    kills = 0
    while True:
        deployer = project.start("upgrade", "head")
        assert deployer.process.stderr is not None
        said = [next(line for line in deployer.process.stderr if line.startswith(("  upgrade", "Nothing to do")))]
        deployer.kill(signal.SIGKILL)  # in the next revision, or on the way to it
        said.append(deployer.finish().err)
        if "Nothing to do" in said[0]:
            break
        kills += 1

    assert kills >= 10
    assert project.at() == Chain(ROOT, calm).at()
    assert dump(killed) == dump(calm)
    assert project.query("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]
