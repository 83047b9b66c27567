"""The search finds each fault again whose mending is taken out: what it does not find, it would not find elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.faults.interleavings.explorer import Broken, Explorer
from tests.faults.interleavings.scenes import (
    COMPLETE,
    HALF_DELETED,
    HALF_MADE,
    NOBODY,
    Scene,
    Stage,
    correction,
    deletion,
    holder,
    reset,
    student,
)
from tripwire_db.engine.statement import FlowStatement
from tripwire_db.errors import Unavailable
from tripwire_db.flows import create_tripwire_user as creation
from tripwire_db.flows.shared.auth_user import find_by_id, is_used, lock_auth_user
from tripwire_db.repository import accounts, auth_users
from tripwire_db.repository.auth_users import Person
from tripwire_db.repository.operation import AuthCall, Operation

ONE, TWO = student("one"), student("two")
NEW, NEWER = correction("new@course.kz"), correction("newer@course.kz")
Patch = pytest.MonkeyPatch


def gate_without(patch: Patch, condition: str, instead: Any) -> None:
    """Build the statement of a creation anew, with one of its conditions always met."""
    patch.setattr(creation, condition, lambda _: instead)
    old = creation._CREATE
    patch.setattr(creation, "_CREATE", FlowStatement(old.name, old.build, old.decode))


def reuse_ids(patch: Patch) -> None:
    """A student may get the id of one who was deleted."""
    gate_without(patch, "was_deleted", sa.false())
    patch.setattr(Person, "is_half_made", lambda self, facts: facts.kind == self.mark.value and not facts.is_used)


def delete_without_lock_and_look(patch: Patch) -> None:
    """As it was: the rows go, then the auth user, whoever it is by then; and ids come again."""
    reuse_ids(patch)

    def finish(auth: Any, user_id: UUID) -> Operation[None]:
        yield AuthCall(lambda: auth.delete_user(user_id))

    patch.setattr(auth_users, "_finish_deletion", finish)


def keep_the_first_password(patch: Patch) -> None:
    def resume(auth: Any, person: Person[Any], user_id: UUID, claim: Any) -> Operation[Any]:
        yield lock_auth_user(user_id=user_id)
        return (yield person.write(user_id, user_id))

    patch.setattr(auth_users, "_resuming", resume)


def write_rows_for_any_token(patch: Patch) -> None:
    gate_without(patch, "is_of_this_call", sa.true())


def resume_without_lock(patch: Patch) -> None:
    def resume(auth: Any, person: Person[Any], user_id: UUID, claim: Any) -> Operation[Any]:
        facts = yield find_by_id(user_id=user_id)
        if facts is None or not person.is_half_made(facts):
            raise auth_users.AuthUserChanged
        yield AuthCall(
            lambda: auth.update_user(id=user_id, password=person.password, full_name=person.full_name, claim=claim)
        )
        return (yield person.write(user_id, claim.token))

    patch.setattr(auth_users, "_resuming", resume)
    patch.setattr(auth_users, "InTransaction", lambda _, begin: Inline(begin))
    take_over = auth_users._take_over
    patch.setattr(auth_users, "_take_over", lambda *given: inline(take_over(*given)))


class Inline:
    """Steps that were to be in a transaction, and are not."""

    def __init__(self, begin: Callable[[], Operation[Any]]) -> None:
        self.begin = begin


def inline(operation: Operation[Any]) -> Operation[Any]:
    """Drive an operation, with what it wants in a transaction done outside."""
    go, given = operation.send, None
    while True:
        try:
            wanted = go(given)
        except StopIteration as done:
            return done.value
        try:
            given = (yield from wanted.begin()) if isinstance(wanted, Inline) else (yield wanted)
            go = operation.send
        except Exception as error:  # noqa: BLE001 - thrown on into the operation
            go, given = operation.throw, error


def compensate_without_look(patch: Patch) -> None:
    def compensate(auth: Any, user_id: UUID) -> Operation[Any]:
        yield lock_auth_user(user_id=user_id)
        yield AuthCall(lambda: auth.delete_user(user_id))
        return auth_users._Undone.REMOVED

    patch.setattr(auth_users, "_compensating", compensate)


def compensate_without_lock(patch: Patch) -> None:
    def compensate(auth: Any, user_id: UUID) -> Operation[Any]:
        if (yield is_used(user_id=user_id)):
            return auth_users._Undone.KEPT
        yield AuthCall(lambda: auth.delete_user(user_id))
        return auth_users._Undone.REMOVED

    patch.setattr(auth_users, "_compensating", compensate)


def correct_without_lock(patch: Patch) -> None:
    """As if the lock held nobody back."""
    patch.setattr(accounts, "lock_auth_user", lambda *, user_id: find_by_id(user_id=user_id))


def leave_the_auth_user(patch: Patch) -> None:
    def settle(self: Any, failure: Exception) -> Operation[Any]:
        yield find_by_id(user_id=self.correction.user_id)
        raise failure

    patch.setattr(accounts._Correcting, "_settle", settle)


def report_without_lock(patch: Patch) -> None:
    """The correction's statement is run again, whoever has corrected the student since."""

    def settle(self: Any, failure: Exception) -> Operation[Any]:
        yield find_by_id(user_id=self.correction.user_id)
        if isinstance(failure, Unavailable) and failure.applied is None:
            return (yield self.rows)
        raise failure

    patch.setattr(accounts._Correcting, "_settle", settle)


FAULTS: dict[str, tuple[Callable[[Patch], None], Scene, tuple[str, ...]]] = {
    "a student sold again during the deletion loses everything": (
        delete_without_lock_and_look,
        Scene("deletion", COMPLETE, (ONE, deletion())),
        (),
    ),
    "the retry of a deletion meets a student with the same id": (
        reuse_ids,
        Scene("retry of a deletion", HALF_DELETED, (ONE, deletion())),
        (),
    ),
    "the first call's password stays": (keep_the_first_password, Scene("resumption", HALF_MADE, (ONE,)), ()),
    "rows are written for another call's password": (
        write_rows_for_any_token,
        Scene("creation and resumption", NOBODY, (ONE, TWO)),
        ("kill",),
    ),
    "a slower call sets its password after another was told created": (
        resume_without_lock,
        Scene("two resumptions", HALF_MADE, (ONE, TWO)),
        (),
    ),
    "a compensation removes a student whom another call completed": (
        compensate_without_look,
        Scene("compensation", NOBODY, (ONE, TWO)),
        ("refused",),
    ),
    "a compensation removes a student whom another call completes meanwhile": (
        compensate_without_lock,
        Scene("compensation", NOBODY, (ONE, TWO)),
        ("refused",),
    ),
    "of two corrections one is in the auth service and the other in the rows": (
        correct_without_lock,
        Scene("corrections", COMPLETE, (NEW, NEWER)),
        (),
    ),
    "of two new passwords the one that logs in is the one that was told first": (
        correct_without_lock,
        Scene("new passwords", COMPLETE, (reset("new"), reset("newer"))),
        (),
    ),
    "the auth user keeps a correction that the rows refused": (
        leave_the_auth_user,
        Scene("refused correction", COMPLETE, (NEW,)),
        ("refused",),
    ),
    "a correction whose answer was lost undoes a later one": (
        report_without_lock,
        Scene("lost correction", COMPLETE, (NEW, NEWER)),
        ("lost",),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_search_finds_the_fault_whose_mending_is_taken_out(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, fault: str
):
    take_out, scene, faults = FAULTS[fault]
    Explorer(stage, scene, faults).explore()
    take_out(monkeypatch)
    with pytest.raises(Broken) as found:
        Explorer(stage, scene, faults).explore()
    print(f"\n{fault}: {str(found.value).splitlines()[0]}")


@contextmanager
def old_eyes(stage: Stage) -> Iterator[None]:
    """Let the gate see the auth user as of the statement's start, before the lock was waited for."""
    stage.looking.execute("ALTER FUNCTION tripwire.find_auth_user(uuid) STABLE")
    try:
        yield
    finally:
        stage.looking.execute("ALTER FUNCTION tripwire.find_auth_user(uuid) VOLATILE")


def test_the_search_sees_what_a_statement_does_that_was_sent_before_the_lock_was_free(stage: Stage):
    scene = Scene("old eyes", NOBODY, (ONE, TWO))
    with old_eyes(stage), pytest.raises(Broken, match="what logs in"):
        Explorer(stage, scene, ("kill",)).explore()


def test_the_search_stops_where_everybody_waits(stage: Stage):
    """Its own check that nothing ends in a deadlock."""
    assert Explorer(stage, Scene("two holders", NOBODY, (holder(), holder()))).explore().schedules > 1
