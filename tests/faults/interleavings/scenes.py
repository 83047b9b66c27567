"""Who calls what, in which world, and what must hold whatever happens."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import RawCursor
from psycopg.rows import dict_row

from tests.faults.interleavings.process import Begin, Killed, Process, Service
from tripwire_db.engine.statement import Flow
from tripwire_db.errors import AuthFailed, CompensationFailed, Unavailable
from tripwire_db.flows.create_tripwire_user import NewStudent
from tripwire_db.flows.create_tripwire_user import create_tripwire_user as write_student
from tripwire_db.flows.shared.auth_user import lock_auth_user
from tripwire_db.flows.shared.context import FlowContext
from tripwire_db.repository import accounts, provisioning
from tripwire_db.repository.operation import InTransaction, Operation, Services
from tripwire_db.results import CreatedManager, CreatedStudent, DeletedStudent, PasswordReset, Student

EMAIL = "anna@course.kz"
FIRST, SECOND = UUID(int=1), UUID(int=2)
"""Two managers."""
ANNA = UUID(int=7)
"""Whoever has the e-mail when the scene begins."""
OLD = "old password"
CHANGES = {"user_corrected", "password_reset"}
PASSING = (Unavailable, AuthFailed, CompensationFailed)

_EMPTY = f"""
    DELETE FROM public.sales_activity_log;
    DELETE FROM auth.users WHERE id NOT IN ('{FIRST}', '{SECOND}');
    DELETE FROM public.users WHERE id NOT IN ('{FIRST}', '{SECOND}')"""
_MANAGERS = f"""
    INSERT INTO auth.users (id, email) VALUES ('{FIRST}', 'first@sales.kz'), ('{SECOND}', 'second@sales.kz');
    INSERT INTO public.users (id, email, full_name, role) VALUES
        ('{FIRST}', 'first@sales.kz', 'First', 'sales_manager'), ('{SECOND}', 'second@sales.kz', 'Second', 'sales_manager')"""
_SNAPSHOT = f"""
    SELECT concat_ws('|',
        (SELECT string_agg(concat_ws(',', id, email, encrypted_password, raw_app_meta_data, raw_user_meta_data), ';'
            ORDER BY id) FROM auth.users),
        (SELECT string_agg(concat_ws(',', id, email, full_name, role), ';' ORDER BY id) FROM public.users),
        (SELECT string_agg(concat_ws(',', user_id, email, full_name, granted_by), ';' ORDER BY user_id)
            FROM public.tripwire_users),
        (SELECT string_agg(concat_ws(',', target_user_id, action_type), ';' ORDER BY target_user_id, action_type)
            FROM public.sales_activity_log))
    WHERE '{FIRST}' IS NOT NULL"""


def half_made(kind: str) -> str:
    """The world after a call that died between auth service and database."""
    return f"""INSERT INTO auth.users (id, email, encrypted_password, raw_app_meta_data, raw_user_meta_data)
        VALUES ('{ANNA}', '{EMAIL}', '{OLD}', '{{"tripwire": {{"kind": "{kind}"}}}}', '{{}}')"""


NOBODY = "SELECT"
HALF_MADE = half_made("student")
HALF_MADE_MANAGER = half_made("manager")
COMPLETE = HALF_MADE + " -- and the rows"
HALF_DELETED = f"""{HALF_MADE};
    INSERT INTO public.sales_activity_log (manager_id, action_type, target_user_id, details) VALUES
        ('{FIRST}', 'user_created', '{ANNA}', '{{"email": "{EMAIL}"}}'),
        ('{FIRST}', 'user_deleted', '{ANNA}', '{{"email": "{EMAIL}"}}')"""


class Stage:
    """A database in which scenes are played, again and again, each time from the same rows."""

    def __init__(self, url: str, processes: int = 3) -> None:
        # A lock that the search does not know of is an error, and not a wait without end.
        connect = lambda: psycopg.connect(url, autocommit=True, options="-c lock_timeout=20s")  # noqa: E731
        self.services = [Service(url) for _ in range(processes)]
        self.connections = [connect() for _ in range(processes)]
        self.looking = psycopg.connect(url, autocommit=True, row_factory=dict_row)
        self.threads = ThreadPoolExecutor(processes)
        self.queue: list[Process] = []
        self.current: Process | None = None
        self.processes: list[Process] = []
        self.order: list[tuple[int, Any]] = []
        """What everybody was told, in the order in which they were told."""
        self.looking.execute(f"DELETE FROM auth.users; DELETE FROM public.sales_activity_log; {_MANAGERS}")

    def close(self) -> None:
        self.threads.shutdown()
        for connection in (*self.connections, self.looking):
            connection.close()
        for service in self.services:
            service.close()

    def new_id(self) -> UUID:
        """In place of a random id: one that is the same in each run."""
        assert self.current is not None
        return self.current.new_id()

    def set(self, scene: "Scene") -> list[Process]:
        """Build the scene's world; give its processes, none of which has begun."""
        self.looking.execute(f"BEGIN; {_EMPTY}; {scene.world}\n; COMMIT")
        if scene.world == COMPLETE:
            new = NewStudent(email=EMAIL, full_name="Anna", manager_id=FIRST)
            flow = write_student(FlowContext(), user_id=ANNA, token=ANNA, new=new)
            RawCursor(self.looking).execute(*flow.prepared())
        self.order = []
        return [
            Process(
                f"{number} {call.name}",
                call.begins(self.services[number]),
                self.connections[number],
                service,
                number,
                order=self.order,
            )
            for number, (call, service) in enumerate(zip(scene.calls, self.services, strict=False))
        ]

    def snapshot(self) -> str:
        """All rows that matter, as others see them."""
        row = self.looking.execute(_SNAPSHOT).fetchone()
        assert row is not None
        return str(row["concat_ws"])

    def wait_until_blocked(self, process: Process) -> None:
        """A statement that was sent is under way only when it waits: its snapshot is taken by then."""
        deadline = time.monotonic() + 30
        pid = process.connection.info.backend_pid
        while time.monotonic() < deadline:
            found = self.looking.execute("SELECT 1 FROM pg_locks WHERE pid = %s AND NOT granted", [pid]).fetchone()
            if found is not None:
                self.queue.append(process)
                return
        raise AssertionError(f"{process.name} does not wait, though another holds the lock")

    def rows(self, query: str) -> list[dict[str, Any]]:
        return self.looking.execute(query).fetchall()


@dataclass(frozen=True)
class Call:
    """What a caller calls.

    Attributes:
        begins: gives the steps of an attempt, for this auth service.
        password: what the caller told whoever is created, or resets the password to.
        email: what the caller corrects the e-mail to.
    """

    name: str
    begins: Callable[[Service], Begin]
    password: str | None = None
    manager_id: UUID | None = None
    email: str | None = None


def student(password: str, manager_id: UUID = FIRST, email: str = EMAIL) -> Call:
    def begins(service: Service) -> Begin:
        services = Services(FlowContext(), service)
        return lambda: provisioning.create_tripwire_user(
            services, email=email, full_name=f"Name of {password}", manager_id=manager_id, password=password
        )

    return Call(f"student {password}", begins, password, manager_id)


def manager(password: str) -> Call:
    def begins(service: Service) -> Begin:
        services = Services(FlowContext(), service)
        return lambda: provisioning.create_manager(
            services, email=EMAIL, full_name=f"Name of {password}", password=password
        )

    return Call(f"manager {password}", begins, password)


def deletion() -> Call:
    def begins(service: Service) -> Begin:
        services = Services(FlowContext(), service)
        return lambda: provisioning.delete_student(services, user_id=ANNA, manager_id=SECOND)

    return Call("deletion", begins)


def correction(email: str) -> Call:
    """Anna's e-mail and name are corrected."""

    def begins(service: Service) -> Begin:
        services = Services(FlowContext(), service)

        def steps() -> Operation[Student]:
            wanted = accounts.correct_student(
                services, user_id=ANNA, manager_id=FIRST, email=email, full_name=f"Name of {email}"
            )
            assert not isinstance(wanted, Flow)
            return wanted

        return steps

    return Call(f"correction {email}", begins, email=email)


def reset(password: str) -> Call:
    """Anna gets another password."""

    def begins(service: Service) -> Begin:
        services = Services(FlowContext(), service)
        return lambda: accounts.reset_password(services, user_id=ANNA, password=password, manager_id=FIRST)

    return Call(f"reset {password}", begins, password=password)


def holder() -> Call:
    """Somebody who holds the lock for a while, so that statements are sent, with old eyes, before they may go on."""

    def transaction() -> Operation[None]:
        yield lock_auth_user(user_id=ANNA)

    def steps() -> Operation[None]:
        yield InTransaction("hold", transaction)

    return Call("holder", lambda _: steps)


def is_left_open(outcome: object) -> bool:
    """Whether somebody is to call again before auth service and rows must be alike."""
    if isinstance(outcome, Killed | CompensationFailed):
        return True
    return isinstance(outcome, Unavailable | AuthFailed) and outcome.applied is None


@dataclass(frozen=True)
class Scene:
    """A world and the calls that come into it at once."""

    name: str
    world: str
    calls: tuple[Call, ...]

    def __str__(self) -> str:
        return self.name

    @property
    def heeds_order(self) -> bool:
        """Whether it matters who is told last: where what one call sets another sets, too."""
        changes = [call for call in self.calls if call.email or call.name.startswith("reset")]
        return len(changes) > 1

    @property
    def most_people(self) -> int:
        """A correction frees an e-mail, which somebody else may then be created with."""
        return 1 + any(call.email for call in self.calls)

    def is_passing(self, error: Exception) -> bool:
        """Whether a caller who is told this calls again."""
        return isinstance(error, PASSING)

    def check_now(self, stage: Stage, processes: list[Process]) -> None:
        """What holds when everybody has stopped, whoever was killed: nothing is lost, and nothing is left for ever."""
        facts = Facts(stage)
        facts.check_whole(self.most_people)
        facts.check_log()
        if not any(process.told and is_left_open(process.told[-1]) for process in processes):
            facts.check_alike()
        for auth_user in facts.auth_users:
            mark = (auth_user["raw_app_meta_data"] or {}).get("tripwire")
            is_complete = auth_user["id"] in facts.users
            assert is_complete or mark or auth_user["id"] in facts.deleted, "an auth user that nobody can finish"
        self._check_answers(facts, processes)

    def check_at_last(self, stage: Stage, processes: list[Process]) -> None:
        """What holds when every caller has an answer: all of that, and everybody is whole."""
        facts = Facts(stage)
        facts.check_whole(self.most_people)
        facts.check_log()
        facts.check_alike()
        facts.check_last(stage.order, self.calls)
        for auth_user in facts.auth_users:
            assert auth_user["id"] in facts.users, "an auth user without rows is left"
        self._check_answers(facts, processes)

    def _check_answers(self, facts: "Facts", processes: list[Process]) -> None:
        for call, process in zip(self.calls, processes, strict=True):
            for outcome in process.told:
                match outcome:
                    case CreatedStudent() | CreatedManager():
                        facts.check_created(outcome, call)
                    case DeletedStudent():
                        assert outcome.user_id not in facts.passwords, "told deleted, and the auth user is there"
                        assert outcome.user_id not in facts.students, "told deleted, and the student is there"
                    case Unavailable() | AuthFailed() if outcome.applied is False and len(processes) == 1:
                        made = [user_id for method, user_id in process.service.made if method == "create_user"]
                        assert not set(made) & facts.passwords.keys(), "told not applied, and the auth user is there"


class Facts:
    """The rows, read once, after a schedule."""

    def __init__(self, stage: Stage) -> None:
        people = f"NOT IN ('{FIRST}', '{SECOND}')"
        self.auth_users = stage.rows(f"SELECT * FROM auth.users WHERE id {people}")
        self.users = {row["id"]: row for row in stage.rows(f"SELECT * FROM public.users WHERE id {people}")}
        self.students = {row["user_id"]: row for row in stage.rows(_STUDENTS)}
        self.log = stage.rows("SELECT target_user_id AS id, action_type FROM public.sales_activity_log")
        self.passwords = {row["id"]: row["encrypted_password"] for row in self.auth_users}
        self.deleted = {row["id"] for row in self.log if row["action_type"] == "user_deleted"}

    def check_whole(self, most: int) -> None:
        """One whole student, or nothing."""
        assert len(self.auth_users) <= most, "two auth users with one e-mail"
        for user_id, row in self.students.items():
            assert user_id in self.users, "a student without a users row"
            assert tuple(row["whole"]) == (1, 1, 1, 1, 1, 4), f"a student in part: {row['whole']}"
            assert user_id not in self.deleted, "an id that was deleted is a student again"
        for user_id, row in self.users.items():
            is_student = row["role"] == "student"
            assert is_student == (user_id in self.students), "a users row that is nobody"

    def check_log(self) -> None:
        """Who is there was created once, who is gone was deleted once, and nobody goes without a word."""
        for user_id in {row["id"] for row in self.log} | set(self.users):
            actions = sorted(
                row["action_type"] for row in self.log if row["id"] == user_id and row["action_type"] not in CHANGES
            )
            expected = ["user_created"] if user_id in self.users else ["user_created", "user_deleted"]
            assert actions == expected, f"the log of {user_id} says {actions}, and it should be {expected}"

    def check_alike(self) -> None:
        """Auth service and rows say the same of everybody."""
        for auth_user in self.auth_users:
            for rows in (self.users, self.students):
                row = rows.get(auth_user["id"])
                if row is None:
                    continue
                assert row["email"] == auth_user["email"], "rows and auth service have another e-mail"
                named = auth_user["raw_user_meta_data"].get("full_name", row["full_name"])
                assert row["full_name"] == named, "rows and auth service have another name"

    def check_last(self, order: list[tuple[int, Any]], calls: tuple[Call, ...]) -> None:
        """Of calls that set the same the one that is told last has set what is there."""
        if ANNA not in self.students:
            return
        corrected = [calls[number].email for number, told in order if isinstance(told, Student)]
        if corrected:
            assert self.students[ANNA]["email"] == corrected[-1], "told corrected, and another e-mail is there"
        passwords = [calls[number].password for number, told in order if isinstance(told, PasswordReset)]
        if passwords:
            assert self.passwords[ANNA] == passwords[-1], "told reset, and another password logs in"
            logged = [row for row in self.log if row["action_type"] == "password_reset"]
            assert len(logged) >= len(passwords), "a new password that nobody logged"

    def check_created(self, told: CreatedStudent | CreatedManager, call: Call) -> None:
        """Whoever was told created is there, and logs in with what they were told; unless deleted by somebody since."""
        if told.user_id in self.deleted:
            return
        assert told.user_id in self.users, "told created, and nobody is there"
        if isinstance(told, CreatedStudent):
            assert self.students[told.user_id]["granted_by"] == call.manager_id, "told created, and sold by another"
        if told.created:
            password = self.passwords[told.user_id]
            assert password == call.password, f"told {call.password!r} and created, and what logs in is {password!r}"


_STUDENTS = """
    SELECT user_id, email, full_name, granted_by, ARRAY[
        (SELECT count(*) FROM public.tripwire_user_profile r WHERE r.user_id = s.user_id),
        (SELECT count(*) FROM public.user_statistics r WHERE r.user_id = s.user_id),
        (SELECT count(*) FROM public.module_unlocks r WHERE r.user_id = s.user_id),
        (SELECT count(*) FROM public.student_progress r WHERE r.user_id = s.user_id),
        (SELECT count(*) FROM public.video_tracking r WHERE r.user_id = s.user_id),
        (SELECT count(*) FROM public.user_achievements r WHERE r.user_id = s.user_id)] AS whole
    FROM public.tripwire_users s"""
