"""`scripts/mutate`: what it plants is a fault each, and it counts those that nothing found."""

import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.mutation import accepted, catalog, chain, edits, flows
from tests.mutation.mutants import Journal, Mutant, sample

FLOW = """
WITH student AS (SELECT id FROM public.users WHERE id = $1 AND role = 'student' FOR UPDATE),
    locked AS (SELECT pg_catalog.pg_advisory_xact_lock(1) AS taken),
    log AS (INSERT INTO public.log (who) SELECT id FROM student RETURNING who)
SELECT log.who FROM log
"""
REVISION = "CREATE TABLE public.x (n integer NOT NULL DEFAULT 1, CONSTRAINT c CHECK (n > 0))"


class _Test(NamedTuple):
    path: Path
    name: str


def test_each_step_lock_condition_and_returned_value_of_a_flow_is_taken_out() -> None:
    changed = {what: edit() for what, edit in edits.edited(FLOW, edits.of_flow)}

    assert changed.keys() == {
        "step log",
        "RETURNING who of step log",
        "lock of users",
        "advisory lock",
        "WHERE id = $1",
        "WHERE role = 'student'",
    }
    assert "SELECT id FROM student WHERE FALSE" in changed["step log"]
    assert "RETURNING CASE WHEN FALSE THEN who END AS who" in changed["RETURNING who of step log"]
    assert "FOR UPDATE" not in changed["lock of users"]
    assert "pg_advisory" not in changed["advisory lock"]
    assert "WHERE role = 'student'" in changed["WHERE id = $1"]


@pytest.mark.parametrize(
    ("statement", "what", "weaker"),
    [
        ("GRANT SELECT ON TABLE x TO authenticated", "granted to anon, too", "TO authenticated, anon"),
        ("CREATE POLICY p ON x USING (n > 1)", "USING (true)", "USING (TRUE)"),
        ("ALTER TABLE x ADD CONSTRAINT c CHECK (n > 0)", "CHECK c (true)", "CHECK (TRUE)"),
        (REVISION, "n without NOT NULL", "n integer DEFAULT 1"),
        ("CREATE UNIQUE INDEX i ON x (n) WHERE n > 0", "not unique", "CREATE INDEX i"),
        ("DELETE FROM x WHERE n > 0", "WHERE n > 0", "DELETE FROM x"),
    ],
)
def test_a_statement_of_a_revision_is_weakened(statement: str, what: str, weaker: str) -> None:
    changed = {name: edit() for name, edit in edits.edited(statement, edits.of_revision)}

    assert weaker in changed[what]
    assert "WHERE" not in changed[what] or what != "WHERE n > 0"


def test_a_statement_of_a_flow_is_changed_under_its_parameters_names() -> None:
    from tripwire_db.flows import statements

    statement = statements()["set_student_status"]

    changed = flows._changed(statement, "step update_status")

    assert changed.sql != statement.sql
    assert changed.sql.startswith("/* tripwire:set_student_status */")
    assert changed.prepared[1] == statement.prepared[1]
    assert flows._changed(statement, "of no such name").sql == statement.sql
    assert "UPDATE public.tripwire_users" in flows._changed(statement, flows.REWRITTEN).sql


def test_a_condition_of_a_list_is_one_change_whatever_other_filters_there_are() -> None:
    changes = [one.change for one in flows.mutants() if one.target == "list_students" and "granted_by" in one.change]

    # In the page, and in the count.
    assert [change[-4:] == " (2)" for change in changes] == [False, True]


def test_the_tests_of_a_flow_are_taken_in_rounds_over_their_files() -> None:
    many, few = Path("many.py"), Path("few.py")
    tests = [_Test(many, "a"), _Test(many, "b"), _Test(many, "c"), _Test(few, "d"), _Test(many, "a")]

    assert "".join(test.name for test in flows._in_rounds(tests)) == "adbc"


def test_the_files_that_are_about_a_flow_are_there() -> None:
    there = {path.stem for folder in flows.TESTS for path in Path(folder).glob("test_*.py")}

    assert {f"test_{name}" for names in flows.OWN.values() for name in names} <= there
    assert flows.OWN.keys() <= {one.target for one in flows.mutants()}


def test_a_helper_that_calls_a_flow_by_another_helper_is_one_of_its_helpers() -> None:
    assert {"complete", "graduate"} <= flows._helpers_of("complete_lesson")
    assert "complete" not in flows._helpers_of("reassign_students")


def test_a_run_that_was_stopped_goes_on_with_the_same_sample(tmp_path: Path) -> None:
    every = [Mutant(str(number), "changed", "", "") for number in range(100)]
    chosen = sample(every, 10, seed=7)
    Journal(tmp_path / "a" / "part.jsonl").record(chosen[0], "a rule")
    Journal(tmp_path / "a" / "part.jsonl").record(chosen[1], None)

    journal = Journal(tmp_path / "a" / "part.jsonl")

    assert sample(every, 10, seed=7) == chosen
    assert journal.left(chosen) == chosen[2:]
    assert journal.survivors(chosen) == [chosen[1]]


def test_drift_is_asked_of_each_change_alone() -> None:
    found: dict[str, str | None] = {}

    catalog.run(
        [
            Mutant("table", "opened", "", "GRANT SELECT ON public.users TO anon"),
            Mutant("table", "as it was", "", "SELECT 1"),
            Mutant("table", "missing", "", "ALTER TABLE public.nowhere RENAME TO x"),
            Mutant("row", "missing", "", "UPDATE pg_catalog.pg_class SET relname = 'x' WHERE relname = 'nowhere'"),
            Mutant("version", "gone", "", "ALTER TABLE tripwire.alembic_version RENAME COLUMN version_num TO x"),
        ],
        lambda mutant, by: found.update({mutant.name: by}),
    )

    assert found == {
        "table: opened": "grant",
        "table: as it was": None,
        "table: missing": "impossible: 42P01",
        "row: missing": "impossible: there is none",
        "version: gone": "refused: UndefinedColumn",
    }


def test_a_sample_is_even_over_the_kinds_of_changes() -> None:
    common = [Mutant(str(number), "changed", "", "", "common") for number in range(100)]
    rare = [Mutant(f"rare {number}", "changed", "", "", "rare") for number in range(3)]

    chosen = sample([*common, *rare], 8, seed=7)

    assert sorted(one.kind for one in chosen) == ["common"] * 5 + ["rare"] * 3


def test_what_is_accepted_is_a_change_that_there_is() -> None:
    every = {"chain": chain.mutants(), "flows": flows.mutants()}

    unused = {
        (part, name)
        for part, names in accepted.ACCEPTED.items()
        for name in names
        if not any(re.search(name, one.name) for one in every[part])
    }

    assert unused == set()


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_check_is_asked_of_each_changed_revision_and_finds_no_fault_with_an_unchanged_one() -> None:
    wanted = {
        "20261126115805 upgrade": "left out",
        "20261118090000 upgrade": "CREATE POLICY authenticated_select ON public.certificates .*: USING",
        "20261126075943 upgrade": r"REVOKE ALL ON FUNCTION public\.rpc_get_manager_stats.*: left out",
    }
    every = chain.mutants()
    changed = [
        next(one for one in every if one.target == target and re.search(change, one.change))
        for target, change in wanted.items()
    ]
    # That is what Supabase's default privileges open, and nothing else.
    changed[-1] = replace(changed[-1], after=changed[-1].before.partition(", anon")[0])
    unchanged = [Mutant(one.target, "unchanged", "\0", "") for one in changed[:2]]
    found: dict[str, str | None] = {}

    chain.run([*unchanged, *changed], lambda mutant, by: found.update({mutant.name: by}))

    assert {found[one.name] for one in unchanged} == {None}
    assert [found[one.name] for one in changed] == ["models", "structure", "default-privileges"]
