"""`smoke` lives the whole story on a real target and leaves nothing, however it ends."""

import os
import signal
from collections.abc import Callable

import psycopg
import pytest

from tests.cli.conftest import run_command, run_process
from tests.conftest import MakeDatabase
from tests.operate.rows import all_rows
from tests.support.forking import Died, in_child
from tripwire_db import PostgresAuth, Refused, TripwireRepository
from tripwire_db.operate import SmokeFailed, Step, marked, smoke

STEPS = 23


def environment(url: str) -> dict[str, str]:
    return {"TRIPWIRE_DATABASE_URL": url}


def sell_to_a_real_student(url: str) -> None:
    with PostgresAuth(url) as auth, TripwireRepository.connect(url, auth=auth) as repository:
        manager = repository.create_manager(email="dana@example.com", full_name="Dana K.")
        repository.create_tripwire_user(email="a@example.com", full_name="A", manager_id=manager.user_id)


def test_the_whole_story_is_lived_and_nothing_is_left_beside_real_students(
    make_database: MakeDatabase, major: int
) -> None:
    url = make_database(server=major)
    sell_to_a_real_student(url)
    before = all_rows(url)

    steps = smoke(environment(url))

    assert len(steps) == STEPS
    assert all_rows(url) == before


def kill_in_a_child(url: str, at: Callable[[Callable[[], None]], None]) -> None:
    """Run smoke in a process that dies, as by the kernel's hand, where `at` says so."""

    def live() -> None:
        at(lambda: os.kill(os.getpid(), signal.SIGKILL))
        smoke(environment(url))

    with pytest.raises(Died):
        in_child(live)


def test_killed_after_each_step_it_is_run_again_and_leaves_nothing(database_url: str) -> None:
    sell_to_a_real_student(database_url)
    before = all_rows(database_url)
    left_something = 0

    for number in range(1, STEPS + 1):
        steps: list[Step] = []

        def die_after(step: Step, number: int = number, steps: list[Step] = steps) -> None:
            steps.append(step)
            if len(steps) == number:
                os.kill(os.getpid(), signal.SIGKILL)

        with pytest.raises(Died):
            in_child(lambda tell=die_after: smoke(environment(database_url), on_step=tell))
        left_something += all_rows(database_url) != before
        smoke(environment(database_url))
        assert all_rows(database_url) == before, f"killed after step {number}"

    assert left_something > STEPS / 2


def after(method: str) -> Callable[[Callable[[], None]], None]:
    """Die when this method of the auth object has done its work, before anybody hears of it."""

    def plan(die: Callable[[], None]) -> None:
        real = getattr(PostgresAuth, method)

        def last(self: PostgresAuth, *arguments: object, **named: object) -> None:
            real(self, *arguments, **named)
            die()

        setattr(PostgresAuth, method, last)

    return plan


@pytest.mark.parametrize("method", ["create_user", "delete_user"])
def test_killed_between_the_auth_user_and_its_rows_it_is_run_again_and_leaves_nothing(
    database_url: str, method: str
) -> None:
    before = all_rows(database_url)
    kill_in_a_child(database_url, after(method))
    assert all_rows(database_url) != before

    smoke(environment(database_url))

    assert all_rows(database_url) == before


def test_killed_within_the_removal_it_is_run_again_and_leaves_nothing(database_url: str) -> None:
    before = all_rows(database_url)

    def removes_the_log_alone(die: Callable[[], None]) -> None:
        def last(self: PostgresAuth, user_id: object) -> bool:
            die()
            return False

        PostgresAuth.delete_user = last  # type: ignore[method-assign,assignment]

    kill_in_a_child(database_url, removes_the_log_alone)
    smoke(environment(database_url))

    assert all_rows(database_url) == before


def test_interrupted_it_cleans_up_by_itself(database_url: str) -> None:
    before = all_rows(database_url)
    told: list[str] = []

    def interrupt(step: Step) -> None:
        told.append(step.name)
        if step.name == "create the student":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        smoke(environment(database_url), on_step=interrupt)

    assert told[-2:] == ["remove everything", "look whether anything is left"]
    assert all_rows(database_url) == before


def test_a_step_that_goes_wrong_is_named_and_nothing_is_left(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("REVOKE ALL ON FUNCTION public.rpc_get_manager_stats(uuid, text, date, date) FROM PUBLIC")
        connection.execute("UPDATE public.lessons SET archived = true WHERE id = 69")
    before = all_rows(database_url)

    with pytest.raises(SmokeFailed, match=r"^read the lessons: the course has 2 lessons instead of three") as failed:
        smoke(environment(database_url))

    assert failed.value.step == "read the lessons"
    assert all_rows(database_url) == before


def test_two_at_once_do_not_meet(database_url: str) -> None:
    with (
        marked.target(environment(database_url), kind="smoke"),
        pytest.raises(Refused, match="another smoke or load-test is under way"),
    ):
        smoke(environment(database_url))


def test_an_older_schema_is_refused_by_name(make_database: MakeDatabase) -> None:
    with pytest.raises(Refused, match="run `tripwire-db upgrade` first"):
        smoke(environment(make_database(migrated=False)))


def test_the_command_shows_each_step_with_its_time(database_url: str) -> None:
    shown = run_command("smoke", url=database_url)
    told = run_command("smoke", "--json", url=database_url).json

    lines = shown.out.splitlines()
    assert (shown.code, len(lines)) == (0, STEPS + 1)
    assert all(line.endswith(" ms") for line in lines[:-1])
    assert [step["name"] for step in told["steps"]] == [line[:45].rstrip() for line in lines[:-1]]


def test_the_command_says_which_step_went_wrong(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE public.lessons SET archived = true WHERE id = 69")

    ran = run_process("smoke", url=database_url)

    assert ran.code == 1
    assert "Error: read the lessons: the course has 2 lessons" in ran.err
