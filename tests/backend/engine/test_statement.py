"""The flow engine without a server: statements, their parameters, and what an error's table says."""

from types import ModuleType

import pytest
from sqlalchemy import Integer, func, insert, literal, select, update

from tripwire_db.engine.statement import Flow, FlowStatement, StatementBuilder, into, param, statements_in
from tripwire_db.tables import tripwire_users, user_statistics


def counted(rows, asked):
    return rows[0].n, asked["least"]


def build(b: StatementBuilder) -> None:
    student = b.gate(
        "student",
        select(tripwire_users.c.user_id).join_from(
            b.settings, tripwire_users, tripwire_users.c.price >= param("least", Integer)
        ),
    )
    written = b.step(
        "write_statistics",
        into(user_statistics, student, user_id=student.c.user_id, lessons_completed=literal(7)).returning(
            user_statistics.c.user_id
        ),
    )
    b.report(select(func.count().label("n")).select_from(written))


WRITING = FlowStatement("count_and_write", build, counted)


def test_a_flow_is_a_value_of_a_statement_and_its_parameters():
    flow = WRITING.flow(least=5, at=None)
    assert isinstance(flow, Flow)
    assert (flow.name, flow.parameters) == ("count_and_write", {"least": 5, "at": None})


def test_constants_stand_in_the_statement_and_only_parameters_are_bound():
    flow = WRITING.flow(least=5, at=None)
    assert "%(least)s" in flow.sql()
    assert "7" in flow.sql()
    sql, values = flow.prepared()
    assert b"$1" in sql
    assert b"$2" in sql
    assert b"%" not in sql
    assert sorted(map(str, values)) == ["5", "None"]


def test_a_statement_begins_with_a_comment_that_names_its_flow():
    assert WRITING.sql.startswith("/* tripwire:count_and_write */ WITH ")
    assert WRITING.flow(least=5, at=None).prepared()[0].startswith(b"/* tripwire:count_and_write */ WITH ")


def test_a_statement_sets_its_lock_timeout_before_it_locks():
    assert "set_config('lock_timeout', '4s', true)" in WRITING.sql
    assert WRITING.sql.index("settings AS MATERIALIZED") < WRITING.sql.index("student AS MATERIALIZED")


def test_each_steps_rows_are_counted_in_the_report():
    assert "rows_write_statistics" in WRITING.sql


def test_a_step_is_found_by_the_table_it_writes():
    assert WRITING.step_of("user_statistics") == "write_statistics"
    assert WRITING.step_of("users") is None
    assert WRITING.step_of(None) is None


def test_where_two_steps_write_one_table_the_first_is_named():
    def writes_twice(b: StatementBuilder) -> None:
        b.step("first", insert(user_statistics).values(user_id=param("u")))
        b.step("second", update(user_statistics).values(lessons_completed=1))
        b.report(select(literal(1).label("n")))

    assert FlowStatement("twice", writes_twice, counted).step_of("user_statistics") == "first"


def test_a_flow_that_only_reads_says_so():
    reads = FlowStatement("reads", lambda b: b.report(select(literal(1).label("n"))), counted)
    assert not reads.writes
    assert WRITING.writes


def test_a_flow_that_reports_nothing_is_a_defect():
    with pytest.raises(AssertionError, match="reports nothing"):
        FlowStatement("mute", lambda _: None, counted).sql  # noqa: B018 - the property is what fails


def test_a_percent_sign_of_the_statement_survives_both_forms():
    percent = FlowStatement("percent", lambda b: b.report(select(literal("100%").label("n"))), counted)
    assert "100%%" in percent.sql
    assert b"100%'" in percent.prepared[0]


def test_statements_are_found_in_modules_by_their_flows_names():
    one, other = ModuleType("one"), ModuleType("other")
    one.WRITING = WRITING
    other.IMPORTED = WRITING
    assert statements_in(one, other) == {"count_and_write": WRITING}


def test_two_statements_of_one_name_are_a_defect():
    module = ModuleType("module")
    module.ONE = WRITING
    module.OTHER = FlowStatement("count_and_write", build, counted)
    with pytest.raises(AssertionError, match="two statements are called count_and_write"):
        statements_in(module)
