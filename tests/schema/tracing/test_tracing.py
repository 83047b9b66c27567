"""Tracing: what a statement locks, rewrites, scans and changes is seen, however its SQL is put together."""

from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from alembic.util import CommandError
from psycopg.errors import LockNotAvailable

from tests.schema.runner.chain import Chain
from tripwire_db.postgres.connect import connect
from tripwire_db.schema.check.chain import opened
from tripwire_db.schema.tracing import (
    BLOCKED,
    CONFLICTS,
    TableWork,
    TracedRevision,
    TracedStatement,
    Tracer,
    trace,
    tracing_server,
)

ROWS = 100
ITEMS = "public.items"
SHOPS = "public.shops"
TABLES = """
CREATE TABLE public.shops (id int PRIMARY KEY, name text);
CREATE TABLE public.items (id int PRIMARY KEY, shop_id int NOT NULL, price int NOT NULL);
INSERT INTO public.shops SELECT n, 'a shop' FROM generate_series(1, 10) AS n;
INSERT INTO public.items SELECT n, 1 + n % 10, n FROM generate_series(1, 100) AS n;
CREATE FUNCTION public.raise_prices() RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN UPDATE public.items SET price = price + 1 WHERE price > 90; END $$;
"""


@dataclass(frozen=True)
class Case:
    """A statement, and what must be seen of it: modes by table, and the work on it."""

    sql: str
    locks: dict[str, set[str]]
    work: tuple[TableWork, ...] = ()
    nested: str = ""
    concurrent: bool = False
    before: tuple[str, ...] = ()


def rewritten(**more: object) -> TableWork:
    scanned = {"scans": 2, "read": 2 * ROWS}  # once for the rows and once for each index
    return TableWork(ITEMS, **{"rewritten": True, "indexes_built": ("public.items_pkey",), **scanned, **more})


CASES = {
    "type change": Case(
        "ALTER TABLE public.items ALTER COLUMN price TYPE bigint",
        {ITEMS: {"SHARE", "ACCESS EXCLUSIVE"}},
        (rewritten(),),
    ),
    "type change put together in a DO block": Case(
        "DO $$ BEGIN EXECUTE 'ALTER TABLE public.it' || 'ems ALTER COLUMN price TYPE numeric'; END $$",
        {ITEMS: {"SHARE", "ACCESS EXCLUSIVE"}},
        (rewritten(),),
        nested="ALTER TABLE public.items ALTER COLUMN price TYPE numeric",
    ),
    "volatile default": Case(
        "ALTER TABLE public.items ADD COLUMN code uuid NOT NULL DEFAULT gen_random_uuid()",
        {ITEMS: {"SHARE", "ACCESS EXCLUSIVE"}},
        (rewritten(),),
    ),
    "constant default": Case(
        "ALTER TABLE public.items ADD COLUMN stock int NOT NULL DEFAULT 0", {ITEMS: {"ACCESS EXCLUSIVE"}}
    ),
    "validated CHECK": Case(
        "ALTER TABLE public.items ADD CONSTRAINT positive CHECK (price >= 0)",
        {ITEMS: {"ACCESS EXCLUSIVE"}},
        (TableWork(ITEMS, scans=1, read=ROWS),),
    ),
    "CHECK that is not validated": Case(
        "ALTER TABLE public.items ADD CONSTRAINT small CHECK (price < 1000) NOT VALID", {ITEMS: {"ACCESS EXCLUSIVE"}}
    ),
    "VALIDATE": Case(
        "ALTER TABLE public.items VALIDATE CONSTRAINT small",
        {ITEMS: {"SHARE UPDATE EXCLUSIVE"}},
        (TableWork(ITEMS, scans=1, read=ROWS),),
    ),
    "validated foreign key in a DO block": Case(
        "DO $$ BEGIN ALTER TABLE public.items ADD CONSTRAINT items_shop_id FOREIGN KEY (shop_id) REFERENCES public.shops (id);"
        " END $$",
        {ITEMS: {"SHARE ROW EXCLUSIVE", "ACCESS SHARE"}, SHOPS: {"SHARE ROW EXCLUSIVE", "ACCESS SHARE", "ROW SHARE"}},
        (TableWork(ITEMS, scans=1, read=ROWS), TableWork(SHOPS, scans=1, read=10)),
        nested="ALTER TABLE public.items ADD CONSTRAINT items_shop_id",
    ),
    "index": Case(
        "CREATE INDEX items_price ON public.items (price)",
        {ITEMS: {"SHARE"}},
        (TableWork(ITEMS, scans=1, read=ROWS, indexes_built=("public.items_price",)),),
    ),
    "index CONCURRENTLY": Case(
        "CREATE INDEX CONCURRENTLY items_shop_price ON public.items (shop_id, price)",
        {ITEMS: {"SHARE UPDATE EXCLUSIVE"}},
        (TableWork(ITEMS, scans=2, read=2 * ROWS, indexes_built=("public.items_shop_price",)),),
        concurrent=True,
    ),
    "drop CONCURRENTLY": Case(
        "DROP INDEX CONCURRENTLY public.items_shop_price", {ITEMS: {"SHARE UPDATE EXCLUSIVE"}}, concurrent=True
    ),
    "SET UNLOGGED": Case(
        "ALTER TABLE public.items SET UNLOGGED",
        {ITEMS: {"SHARE", "ACCESS EXCLUSIVE"}},
        (rewritten(scans=3, read=3 * ROWS, indexes_built=("public.items_pkey", "public.items_price")),),
        before=("ALTER TABLE public.items DROP CONSTRAINT items_shop_id",),
    ),
    "CLUSTER": Case(
        "CLUSTER public.items USING items_price",
        {ITEMS: {"SHARE", "ACCESS EXCLUSIVE"}},
        (rewritten(scans=0, read=0, indexes_built=("public.items_pkey", "public.items_price")),),
    ),
    "LOCK TABLE": Case(
        "LOCK TABLE public.items, public.shops", {ITEMS: {"ACCESS EXCLUSIVE"}, SHOPS: {"ACCESS EXCLUSIVE"}}
    ),
    "UPDATE of every row": Case(
        "UPDATE public.items SET price = price",
        {ITEMS: {"ROW EXCLUSIVE"}},
        (TableWork(ITEMS, scans=1, read=ROWS, updated=ROWS),),
    ),
    "what a function changes": Case(
        "SELECT public.raise_prices()",
        {ITEMS: {"ROW EXCLUSIVE"}},
        (TableWork(ITEMS, scans=1, read=ROWS, updated=10),),
        nested="UPDATE public.items SET price = price + $1 WHERE price > $2",
        before=("DROP INDEX public.items_price",),
    ),
    "a percent sign": Case(
        "DELETE FROM public.shops WHERE id + 0 = 10 AND name LIKE 'a%'",
        {SHOPS: {"ROW EXCLUSIVE"}},
        (TableWork(SHOPS, scans=1, read=10, deleted=1),),
    ),
    "TRUNCATE": Case(
        "TRUNCATE public.items", {ITEMS: {"SHARE", "ACCESS EXCLUSIVE"}}, (TableWork(ITEMS, emptied=True, scans=1),)
    ),
    "a new table": Case("CREATE TABLE public.news (id int PRIMARY KEY)", {}),
}


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TracedRevision]:
    """One run of a chain with a revision for each case."""
    with tracing_server() as server:
        url = server.create_database("traced")
        chain = Chain.make(tmp_path_factory.mktemp("traced"), url)
        chain.add(*TABLES.strip().split(";\n"))
        ids = {}
        for name, case in CASES.items():
            if case.before:
                chain.add(*case.before)
            ids[name] = chain.add(case.sql, concurrent=case.concurrent)
        assert chain.upgrade(to=chain.revision(1)).code == 0
        with opened(chain.folder / "alembic") as revisions, server.tracer(url) as tracer:
            trace(tracer, revisions.config(url), "upgrade", "head")
        found = {revision.revision: revision for revision in tracer.revisions}
        return {name: found[revision] for name, revision in ids.items()}


@pytest.mark.parametrize("name", CASES)
def test_locks_and_work_of_a_statement_are_seen(traced: dict[str, TracedRevision], name: str) -> None:
    case, revision = CASES[name], traced[name]
    (statement,) = revision.statements

    assert statement.sql == case.sql
    of_tables = [lock for lock in statement.locks if lock.relation == lock.table]
    modes: dict[str, set[str]] = {}
    for lock in of_tables:
        modes.setdefault(lock.table, set()).add(lock.mode)
    assert modes == case.locks
    assert {lock.held for lock in statement.locks} <= {not case.concurrent}
    # How CLUSTER reads the old rows is the planner's choice.
    work = statement.work if name != "CLUSTER" else tuple(replace(one, scans=0, read=0) for one in statement.work)
    assert work == case.work
    assert any(case.nested in nested.sql for nested in statement.nested) if case.nested else not statement.nested
    assert revision.transactional is not case.concurrent
    assert statement.seconds > 0
    assert revision.tables >= {ITEMS, SHOPS}


def test_a_lock_is_told_by_the_first_statement_that_takes_it_and_each_statement_of_a_text_is_one(
    tmp_path: Path,
) -> None:
    with tracing_server() as server:
        url = server.create_database("traced")
        with connect(url) as connection:
            connection.execute(TABLES)
        chain = Chain.make(tmp_path, url)
        chain.add(
            "UPDATE public.shops SET name = 'of 10%' WHERE id = 1; LOCK TABLE public.shops IN SHARE MODE;\n"
            "ALTER TABLE public.shops ADD COLUMN town text; -- the last; really\n"
        )
        chain.add(
            body="from sqlalchemy import text\nop.execute(text('UPDATE public.shops SET name = :n WHERE id = 2').bindparams(n='secret'))"
        )
        chain.add("CREATE TABLE public.half (id int); SELECT 1/0")
        with (
            opened(chain.folder / "alembic") as revisions,
            server.tracer(url) as tracer,
            pytest.raises(CommandError, match="division by zero"),
        ):
            trace(tracer, revisions.config(url), "upgrade", "head")
        with opened(chain.folder / "alembic") as revisions, server.tracer(url) as down:
            trace(down, revisions.config(url), "downgrade", "base")

    first, second, failed = tracer.revisions
    assert [modes_of(statement) for statement in first.statements] == [
        {"ROW EXCLUSIVE"},
        {"SHARE"},
        {"ACCESS EXCLUSIVE"},
    ]
    assert [one.sql.split()[0] for one in first.statements] == ["UPDATE", "LOCK", "ALTER"]
    assert "'of 10%'" in first.statements[0].sql
    assert second.statements[0].work[0].updated == 1
    assert "secret" not in repr(second)
    assert [one.sql.split()[0] for one in failed.statements] == ["CREATE"], "what came before the failure is told"
    assert [(one.revision, one.down) for one in down.revisions] == [
        (chain.revision(2), True),
        (chain.revision(1), True),
    ]


def modes_of(statement: TracedStatement) -> set[str]:
    return {lock.mode for lock in statement.locks if lock.table == lock.relation}


def is_refused(connection: psycopg.Connection, mode: str) -> bool:
    try:
        with connection.transaction():
            connection.execute(f"LOCK TABLE public.items IN {mode} MODE NOWAIT".encode())
    except LockNotAvailable:
        return True
    return False


def test_what_a_mode_blocks_is_what_the_server_makes_wait(make_database) -> None:
    url = make_database(migrated=None)
    with connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.items (id int)")
    tries = {
        "reads and writes": "SELECT FROM public.items",
        "writes": "INSERT INTO public.items VALUES (1)",
        "other migrations": "CREATE INDEX ON public.items (id)",
    }
    for mode, blocked in BLOCKED.items():
        with connect(url) as holding, connect(url, autocommit=True) as trying:
            holding.execute(f"LOCK TABLE public.items IN {mode} MODE".encode())
            waits_for = {held for held in BLOCKED if is_refused(trying, held)}
            assert waits_for == CONFLICTS[mode], "a lock waits for whom it makes wait"
            trying.execute("SET lock_timeout = '10ms'")
            waits = []
            for what, sql in tries.items():
                try:
                    trying.execute(sql.encode())
                except LockNotAvailable:
                    waits.append(what)
            assert (waits or ["nothing"])[0] == blocked, mode
            holding.rollback()


def test_where_the_server_has_no_counters_of_functions_the_rest_is_traced(tmp_path: Path, make_database) -> None:
    url = make_database(migrated=None)
    with connect(url) as connection:
        connection.execute(TABLES)
    chain = Chain.make(tmp_path, url)
    chain.add("SELECT public.raise_prices()")
    with opened(chain.folder / "alembic") as revisions, Tracer(url) as tracer:
        trace(tracer, revisions.config(url), "upgrade", "head")

    (statement,) = tracer.revisions[0].statements
    assert (statement.nested, statement.work[0].updated) == ((), 10)
