"""A table that somebody else has locked: who it is, a bounded stall for everybody, and success once it is free."""

import threading
import time

import psycopg
import pytest

from tests.schema.runner.chain import Chain, Deployer, Result, eventually

_LOCK = "LOCK TABLE public.a IN ACCESS SHARE MODE"
_SHORT = ("-x", "lock-timeout=400ms")


@pytest.fixture
def chain_on_a(chain: Chain) -> Chain:
    """The first revision makes a table, the second needs it for itself."""
    chain.add("CREATE TABLE public.a (id int)", down=("DROP TABLE public.a",))
    assert chain.upgrade().code == 0
    chain.add("ALTER TABLE public.a ADD COLUMN x int", down=("ALTER TABLE public.a DROP COLUMN x",))
    return chain


def _block(chain: Chain, sql: str = _LOCK) -> psycopg.Connection:
    blocker = psycopg.connect(chain.url, application_name="nightly report")
    blocker.execute(sql)
    return blocker


def _pid(blocker: psycopg.Connection) -> str:
    return f"blocked by pid {blocker.info.backend_pid} "


def _release_after(blocker: psycopg.Connection, deployer: Deployer, words: str) -> Result:
    """End the blocker once the deployer has said these words; returns everything it said."""
    said: list[str] = []
    assert deployer.process.stderr is not None
    for line in deployer.process.stderr:
        said.append(line)
        if words in line:
            break
    blocker.close()
    result = deployer.finish()
    return Result(result.code, result.out, "".join(said) + result.err)


def test_the_blocker_is_named_and_the_revision_succeeds_once_it_is_gone(chain_on_a: Chain) -> None:
    blocker = _block(chain_on_a)
    blocked_by = _pid(blocker)
    deployer = chain_on_a.start(*_SHORT, "upgrade", "head")

    result = _release_after(blocker, deployer, "Attempt 2 of 10")

    assert result.code == 0, result
    assert f"{blocked_by}(user postgres, nightly report" in result.err
    assert f"query: {_LOCK}" in result.err
    assert "waits for AccessExclusiveLock on public.a" in result.err
    assert "idle in transaction" in result.err
    assert chain_on_a.at() == chain_on_a.revision(2)


def test_the_blockers_query_is_told_without_its_literals_and_cannot_steer_a_terminal(chain_on_a: Chain) -> None:
    blocker = _block(chain_on_a, f"/* \x1b]0;owned\x07 */ SELECT 'hush\x1b[2J', 4711 AS \"a\u202eb\"; {_LOCK}")

    result = chain_on_a.upgrade(*_SHORT, "-x", "lock-attempts=1")

    blocker.close()
    assert f'query: SELECT ?, ? AS "a�b"; {_LOCK}' in result.said.replace("a?b", "a�b")
    assert not [secret for secret in ("hush", "4711", "owned", "\x1b", "\u202e") if secret in result.said]


def test_after_the_last_attempt_the_message_names_the_blocker_and_earlier_revisions_stay(chain: Chain) -> None:
    chain.add("CREATE TABLE public.first ()")
    chain.execute("CREATE TABLE public.a ()")
    chain.add("ALTER TABLE public.a ADD COLUMN x int")
    blocker = _block(chain)

    result = chain.upgrade(*_SHORT, "-x", "lock-attempts=2")

    assert result.code != 0
    assert "upgrade 20260102000000 failed: lock timeout after 400ms" in result.out
    assert _pid(blocker) in result.out
    assert _LOCK in result.out
    assert "lock timeout after 400ms, 2 times." in result.out
    assert f"The database is at {chain.revision(1)}; 1 of 2 revisions were finished and stay" in result.out
    assert "Traceback" not in result.said
    assert chain.at() == chain.revision(1)
    blocker.close()
    assert chain.upgrade().code == 0


def test_other_traffic_is_never_stalled_longer_than_the_lock_timeout(chain_on_a: Chain) -> None:
    blocker = _block(chain_on_a)
    deployer = chain_on_a.start("-x", "lock-timeout=1s", "-x", "lock-attempts=3", "upgrade", "head")
    slowest, stop = [0.0], threading.Event()

    def traffic() -> None:
        with chain_on_a.connect() as connection:
            while not stop.is_set():
                start = time.monotonic()
                connection.execute("SELECT count(*) FROM public.a")
                slowest[0] = max(slowest[0], time.monotonic() - start)
                stop.wait(0.01)

    thread = threading.Thread(target=traffic)
    thread.start()
    try:
        result = deployer.finish()
    finally:
        stop.set()
        thread.join()
        blocker.close()

    assert result.code != 0
    assert 0.3 < slowest[0] < 1.5, "it did queue behind the revision, and no longer than the timeout"


def test_a_relative_target_means_the_same_after_a_failed_attempt(chain: Chain) -> None:
    chain.execute("CREATE TABLE public.a ()")
    chain.add("CREATE TABLE public.first ()")
    chain.add("ALTER TABLE public.a ADD COLUMN x int")
    chain.add("CREATE TABLE public.third ()")
    chain.add("CREATE TABLE public.fourth ()")
    blocker = _block(chain)
    deployer = chain.start(*_SHORT, "upgrade", "+2")

    result = _release_after(blocker, deployer, "Attempt 2 of 10")

    assert result.code == 0, result
    assert chain.at() == chain.revision(2)


def test_an_index_built_beside_the_traffic_waits_for_who_writes_the_table(chain: Chain) -> None:
    chain.add("CREATE TABLE public.a (x int)")
    assert chain.upgrade().code == 0
    chain.add("DROP INDEX IF EXISTS public.a_x", "CREATE INDEX CONCURRENTLY a_x ON public.a (x)", concurrent=True)
    blocker = _block(chain, "INSERT INTO public.a VALUES (1)")
    blocked_by = _pid(blocker)
    deployer = chain.start(*_SHORT, "upgrade", "head")

    result = _release_after(blocker, deployer, "waits for")

    assert result.code == 0, result
    assert blocked_by in result.err
    assert "Attempt" not in result.err, "nobody queues behind it, so it waits by time"
    assert chain.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'public.a_x'::regclass") == [(True,)]


def test_an_index_waits_for_old_snapshots_of_other_tables_by_time_and_names_who_holds_them(chain: Chain) -> None:
    chain.execute("CREATE TABLE public.other ()")
    chain.add("CREATE TABLE public.a (x int)")
    assert chain.upgrade().code == 0
    chain.add("DROP INDEX IF EXISTS public.a_x", "CREATE INDEX CONCURRENTLY a_x ON public.a (x)", concurrent=True)
    old = _block(chain, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT FROM public.other")

    result = chain.upgrade(*_SHORT, "-x", "concurrent-wait=1s")

    assert result.code != 0
    assert f"waits for the end of a transaction that began before it, {_pid(old)}" in result.err
    assert "lock timeout after 1s. It waited for the end of a transaction" in result.out
    assert "An index may be half built (INVALID); running it again begins by dropping it." in result.out
    assert "rolled back" not in result.said

    deployer = chain.start(*_SHORT, "upgrade", "head")
    result = _release_after(old, deployer, "waits for the end")

    assert result.code == 0, result
    assert chain.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'public.a_x'::regclass") == [(True,)]


def test_a_prepared_transaction_in_the_way_is_called_one(chain_on_a: Chain) -> None:
    blocker = _block(chain_on_a)
    blocker.execute("PREPARE TRANSACTION 'forgotten'")
    blocker.close()
    result = chain_on_a.upgrade(*_SHORT, "-x", "lock-attempts=1")
    chain_on_a.execute("ROLLBACK PREPARED 'forgotten'")
    assert "a prepared transaction (see pg_prepared_xacts" in result.out


def test_a_deadlock_is_tried_again(chain: Chain) -> None:
    chain.execute("CREATE TABLE public.a ()")
    chain.execute("CREATE TABLE public.b ()")
    chain.execute("CREATE TABLE public.gate ()")
    chain.add("LOCK TABLE public.a", "SELECT pg_sleep(0.05)", "ALTER TABLE public.b ADD COLUMN x int")
    other = psycopg.connect(chain.url)
    other.execute("SET deadlock_timeout = '1h'")  # so that the server chooses the other one
    other.execute("LOCK TABLE public.b")
    deployer = chain.start("-x", "lock-timeout=20s", "upgrade", "head")
    eventually(
        lambda: chain.query(
            "SELECT 1 FROM pg_locks WHERE relation = 'public.b'::regclass AND NOT granted"
            " AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())"
        )
    )

    def cross() -> None:
        other.execute("LOCK TABLE public.a")
        other.close()

    thread = threading.Thread(target=cross)
    thread.start()
    result = deployer.finish()
    thread.join()

    assert result.code == 0, result
    assert "deadlock" in result.err
    assert "Attempt 2 of 10" in result.err
