"""One flow is one statement is one round trip; every statement can be cached; both repositories have the same methods."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.backend.flows.scenes import METHODS, SCENES
from tests.backend.flows.world import World, emptied, world
from tests.faults.acts import WRITING
from tests.support.servers.proxy import Proxy
from tripwire_db import AsyncTripwireRepository, TripwireRepository
from tripwire_db.auth import postgres
from tripwire_db.engine.statement import FlowStatement, statements_in
from tripwire_db.flows import statements

# These change the auth user, too.
ONE_STATEMENT = [scene for scene in SCENES if scene not in {"delete_student", "correct_student", "reset_password"}]
STATEMENTS = statements() | statements_in(postgres)

WARM_UP = 7
"""psycopg prepares a statement at its sixth execution on a connection, which costs one more trip, once."""


@pytest.fixture
def traced(kind: str, module_url: str) -> Iterator[tuple[World, Proxy]]:
    emptied(module_url)
    with ExitStack() as stack:
        proxy = stack.enter_context(Proxy(module_url))
        yield stack.enter_context(world(kind, module_url, through=proxy.url, pool_size=1)), proxy


@pytest.mark.parametrize("scene", ONE_STATEMENT)
def test_a_call_is_one_round_trip_on_the_wire(traced: tuple[World, Proxy], scene: str):
    it, proxy = traced
    prepare: Callable = SCENES[scene][1]
    for _ in range(WARM_UP):
        prepare(it)()
    call = prepare(it)
    proxy.reset()
    call()
    assert proxy.round_trips == 1
    assert dict(proxy.messages) == {"B": 1, "D": 1, "E": 1, "S": 1}, "a prepared statement: nothing is parsed again"


TRIPS_AGAIN = {
    "create_tripwire_user": 2,  # who has the e-mail, and the report
    "create_manager": 2,
    "delete_student": 5,  # and a transaction, in which the auth user is looked for
}


def test_called_again_beside_other_students_nothing_is_sent_twice(traced: tuple[World, Proxy]):
    """As if it had lost a race that there is not."""
    it, proxy = traced
    it.graduate()
    trips: dict[str, int] = {}
    for act in WRITING:
        if act.method in {"correct_student", "reset_password"} and act.has_auth:
            continue  # counted below
        asked = act.arguments(it)
        act.call(it.repository, asked)
        proxy.reset()
        act.call(it.repository, asked)
        trips[act.name] = proxy.round_trips
    assert trips == {name: TRIPS_AGAIN.get(name, 1) for name in trips}


@pytest.mark.parametrize("scene", ONE_STATEMENT)
def test_the_first_run_on_a_connection_is_one_round_trip_too(traced: tuple[World, Proxy], scene: str):
    it, proxy = traced
    it.repository.get_manager_stats(manager_id="00000000-0000-0000-0000-000000000000")  # connects
    call = SCENES[scene][1](it)
    proxy.reset()
    call()
    assert proxy.round_trips == 1


def test_behind_a_transaction_pooler_nothing_is_prepared_and_a_call_is_one_round_trip(kind: str, module_url: str):
    emptied(module_url)
    with Proxy(module_url) as proxy, world(kind, module_url, through=proxy.url, transaction_pooler=True) as it:
        for _ in range(WARM_UP):
            it.student()
        manager = it.manager()
        proxy.reset()
        it.student(manager)
        assert proxy.round_trips == 1
        assert all(b"SET " not in request.payload.upper() for request in proxy.requests)
        assert b"_pg3_" not in proxy.requests[0].payload


def test_a_deletion_is_one_statement_and_then_the_transaction_in_which_the_auth_user_goes(
    traced: tuple[World, Proxy],
):
    it, proxy = traced
    call = SCENES["delete_student"][1](it)
    proxy.reset()
    call()
    begin, lock, look, commit = proxy.requests[1:]
    assert b"log_deletion" in proxy.requests[0].payload
    assert b"BEGIN" in begin.payload
    assert b"pg_advisory_xact_lock" in lock.payload
    assert b"is_used" in look.payload
    assert b"COMMIT" in commit.payload


@pytest.mark.parametrize(
    ("scene", "inside"),
    [
        ("correct_student", ["lock_auth_user", "find_correctable", "correct_student"]),
        ("reset_password", ["lock_auth_user", "reset_password"]),
    ],
)
def test_a_change_of_the_auth_user_is_one_transaction_of_few_statements(
    traced: tuple[World, Proxy], scene: str, inside: list[str]
):
    it, proxy = traced
    call = SCENES[scene][1](it)
    proxy.reset()
    call()
    begin, *statements_sent, commit = proxy.requests
    assert b"BEGIN" in begin.payload
    for name, request in zip(inside, statements_sent, strict=True):
        assert f"/* tripwire:{name} */".encode() in request.payload
    assert b"COMMIT" in commit.payload


def test_each_method_of_the_repository_is_under_the_suites():
    public = {name for name in dir(TripwireRepository) if not name.startswith("_")}
    assert set(METHODS) == public - {"connect", "from_env", "close", "explain", "within"}


def test_there_is_a_scene_for_each_method():
    assert {method for method, _ in SCENES.values()} == set(METHODS)


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_a_statement_has_a_cache_key(statement: FlowStatement):
    assert statement.statement._generate_cache_key() is not None


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_each_step_is_a_cte_of_its_name_and_the_statement_can_be_read(statement: FlowStatement):
    sql = statement.sql
    for step in statement.tables:
        assert f"{step} AS" in sql
    assert sql.startswith((f"/* tripwire:{statement.name} */ WITH", f"/* tripwire:{statement.name} */ SELECT"))


def test_the_flows_of_the_design_are_printed_and_explained(it: World):
    flow = STATEMENTS["complete_lesson"]
    student = it.student()
    value = flow.flow(
        user_id=student.user_id, lesson_id=67, at=None, verification_code="x" * 64, certificate_url="/certificates/x"
    )
    before = it.dump()
    assert "count_module AS" in value.sql()
    assert "CTE count_module" in it.repository.explain(value)
    assert it.dump() == before


@pytest.mark.parametrize("repository", [TripwireRepository, AsyncTripwireRepository])
@pytest.mark.parametrize("method", METHODS)
def test_a_method_has_the_arguments_of_the_design_by_keyword_only(repository: type, method: str):
    self_, *parameters = inspect.signature(getattr(repository, method)).parameters.values()
    assert self_.name == "self"
    assert {parameter.kind for parameter in parameters} <= {inspect.Parameter.KEYWORD_ONLY}
    told = [
        parameter.name if parameter.default is inspect.Parameter.empty else f"{parameter.name}={parameter.default!r}"
        for parameter in parameters
    ]
    assert " ".join(told) == METHODS[method]


@pytest.mark.parametrize("method", METHODS)
def test_a_method_is_awaited_in_one_repository_and_not_in_the_other(method: str):
    assert inspect.iscoroutinefunction(getattr(AsyncTripwireRepository, method))
    assert not inspect.iscoroutinefunction(getattr(TripwireRepository, method))
    assert getattr(TripwireRepository, method).__doc__
