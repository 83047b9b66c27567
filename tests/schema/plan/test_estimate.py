"""What was measured with few rows and with many, scaled to the live tables; the numbers are chosen so that the answer is plain."""

from dataclasses import replace

import pytest

from tripwire_db.schema.plan import Plan, PlannedRevision, TableSize
from tripwire_db.schema.plan.estimate import Scale, planned_revision
from tripwire_db.schema.plan.measure import Measured
from tripwire_db.schema.tracing import Lock, TableWork, TracedRevision, TracedStatement

ITEMS, SHOPS = "public.items", "public.shops"
LIVE = {ITEMS: TableSize(100_000, 8_000_000, 2_000_000), SHOPS: TableSize(50, 8192, 16384)}
HERE = {ITEMS: TableSize(1_000, 80_000, 20_000), SHOPS: TableSize(50, 8192, 16384)}


def lock(mode: str, table: str = ITEMS, *, held: bool = True) -> Lock:
    return Lock(table, table, mode, held)


def statement(
    sql: str, seconds: float, *locks: Lock, work: tuple[TableWork, ...] = (), inside: bool = True
) -> TracedStatement:
    return TracedStatement(sql, inside, seconds, locks, work, wal_bytes=10_000 if work else 0)


def planned(*many: TracedStatement, few: tuple[TracedStatement, ...] = ()) -> PlannedRevision:
    revision = TracedRevision("1", "a title", down=False, statements=many, tables=frozenset(LIVE))
    at_rest = {("1", number): one for number, one in enumerate(few)}
    return planned_revision(revision, Scale(Measured("18.6", 1_000, (revision,), at_rest, HERE), LIVE), ())


def test_what_grows_between_few_rows_and_many_grows_with_the_live_table() -> None:
    rewrite = statement(
        "ALTER …", 0.11, lock("ACCESS EXCLUSIVE"), work=(TableWork(ITEMS, rewritten=True, scans=1, read=1_000),)
    )
    alone = statement("CREATE FUNCTION …", 0.2)

    revision = planned(rewrite, alone, few=(replace(rewrite, seconds=0.01, wal_bytes=0), replace(alone, seconds=0.1)))

    first, second = revision.statements
    assert first.live_seconds == pytest.approx(0.01 + 0.10 * 100)
    assert first.wal_bytes == 10_000 * 100
    assert first.space_bytes == 10_000_000
    assert second.live_seconds == pytest.approx(0.2), "it handles no rows"
    assert revision.live_seconds == pytest.approx(10.21)
    assert revision.scratch_seconds == pytest.approx(0.31)


def test_rows_of_each_table_weigh_by_their_own_growth() -> None:
    both = (TableWork(ITEMS, scans=1, read=1_000, updated=50), TableWork(SHOPS, scans=1, read=50))

    (one,) = planned(statement("UPDATE …", 1.0, work=both)).statements

    assert one.live_seconds == pytest.approx((1_050 * 100 + 50) / 1_100)
    assert one.work[0].changed_rows == 5_000


def test_a_lock_holds_others_up_to_the_end_and_a_stronger_one_is_told_again() -> None:
    revision = planned(
        statement("SELECT 1", 1.0),
        statement("UPDATE", 2.0, lock("ROW EXCLUSIVE"), work=(TableWork(SHOPS, updated=1),)),
        statement("LOCK", 1.0, lock("SHARE"), lock("ACCESS SHARE", SHOPS)),
        statement("LOCK again", 1.0, lock("SHARE ROW EXCLUSIVE")),
        statement("ALTER", 1.0, lock("ACCESS EXCLUSIVE"), lock("ROW EXCLUSIVE", "public.made_meanwhile")),
    )

    assert [(block.holdup, block.statement, block.start, block.seconds) for block in revision.blocks] == [
        ("other migrations", 1, 1.0, 5.0),
        ("writes", 2, 3.0, 3.0),
        ("reads and writes", 4, 5.0, 1.0),
    ]


def test_an_update_holds_up_who_writes_to_its_rows_and_concurrently_nobody_for_long() -> None:
    change = (TableWork(SHOPS, updated=3),)
    update = planned(statement("UPDATE", 2.0, lock("ROW EXCLUSIVE", SHOPS), work=change))
    index = planned(
        *(statement("CREATE", 1.0, lock("SHARE UPDATE EXCLUSIVE", held=False), inside=False) for _ in range(2))
    )

    assert [(block.table, block.holdup) for block in update.blocks] == [(SHOPS, "writes to changed rows")]
    assert [(block.holdup, block.start, block.seconds) for block in index.blocks] == [
        ("other migrations", 0.0, 1.0),
        ("other migrations", 1.0, 1.0),
    ]
    assert not index.transactional


def test_max_block_is_held_to_writes_alone(empty_plan: Plan) -> None:
    index = planned(statement("CREATE", 9.0, lock("SHARE UPDATE EXCLUSIVE", held=False), inside=False))
    alter = planned(statement("ALTER", 2.0, lock("ACCESS EXCLUSIVE")))
    plan = replace(empty_plan, revisions=(index, alter))

    assert plan.live_seconds == pytest.approx(11.0)
    assert plan.blocks_longer_than(2.0) == ()
    assert [block.table for _, block in plan.blocks_longer_than(1.9)] == [ITEMS]
