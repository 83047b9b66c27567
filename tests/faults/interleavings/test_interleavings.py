"""All orders of the steps of calls that come at once, for one e-mail and one id, with everything that may go wrong."""

import pytest

from tests.faults.interleavings.explorer import Explored, Explorer
from tests.faults.interleavings.scenes import (
    COMPLETE,
    HALF_DELETED,
    HALF_MADE,
    HALF_MADE_MANAGER,
    NOBODY,
    SECOND,
    Scene,
    Stage,
    correction,
    deletion,
    holder,
    manager,
    reset,
    student,
)

ONE, TWO, OTHER = student("one"), student("two"), student("other", SECOND)
PAIRS = [
    Scene(f"{world_name}: {' × '.join(call.name for call in calls)}", world, calls)
    for world_name, world, calls in (
        ("nobody", NOBODY, (ONE, TWO)),
        ("nobody", NOBODY, (ONE, OTHER)),
        ("nobody", NOBODY, (ONE, manager("m"))),
        ("nobody", NOBODY, (manager("m"), manager("n"))),
        ("half made", HALF_MADE, (ONE, TWO)),
        ("half made", HALF_MADE, (ONE, OTHER)),
        ("half made", HALF_MADE, (ONE, manager("m"))),
        ("half made", HALF_MADE, (ONE, holder())),
        ("half made manager", HALF_MADE_MANAGER, (manager("m"), manager("n"))),
        ("half made manager", HALF_MADE_MANAGER, (manager("m"), ONE)),
        ("complete", COMPLETE, (ONE, deletion())),
        ("complete", COMPLETE, (OTHER, deletion())),
        ("complete", COMPLETE, (manager("m"), deletion())),
        ("complete", COMPLETE, (deletion(), deletion())),
        ("half deleted", HALF_DELETED, (ONE, TWO)),
        ("half deleted", HALF_DELETED, (ONE, deletion())),
        ("half deleted", HALF_DELETED, (manager("m"), deletion())),
        ("half deleted", HALF_DELETED, (ONE, manager("m"))),
    )
]


NEW, NEWER = "new@course.kz", "newer@course.kz"
CORRECTIONS = [
    Scene(" × ".join(call.name for call in calls), COMPLETE, calls)
    for calls in (
        (correction(NEW),),
        (reset("new"),),
        (correction(NEW), correction(NEWER)),
        (correction(NEW), ONE),
        (correction(NEW), student("two", email=NEW)),
        (correction(NEW), deletion()),
        (correction(NEW), reset("new")),
        (reset("new"), reset("newer")),
        (reset("new"), deletion()),
    )
]
TRIPLES = [
    Scene(f"{world_name}: {' × '.join(call.name for call in calls)}", world, calls)
    for world_name, world, calls in (
        ("nobody", NOBODY, (ONE, TWO, OTHER)),
        ("half made", HALF_MADE, (ONE, TWO, holder())),
        ("complete", COMPLETE, (ONE, deletion(), holder())),
        ("half deleted", HALF_DELETED, (ONE, deletion(), holder())),
    )
]
# Those with the longest calls have ten thousands of states with each kind of fault: they are searched with one.
LONGEST = [scene for scene in PAIRS if scene.world == HALF_DELETED and "deletion" not in scene.name.partition(":")[2]]
SHORT = [scene for scene in PAIRS if scene.world == NOBODY]
ANYTHING = ("kill", "lost", "refused")


def told(scene: Scene, explored: Explored) -> None:
    print(f"\n{scene.name}: {explored.schedules} schedules, {explored.states} states, {explored.runs} runs")


def test_whatever_the_order_of_two_calls_nothing_is_lost(stage: Stage):
    for scene in PAIRS:
        told(scene, Explorer(stage, scene).explore())


def test_whatever_the_order_of_corrections_and_new_passwords_auth_service_and_rows_are_alike(stage: Stage):
    for scene in CORRECTIONS:
        told(scene, Explorer(stage, scene, ANYTHING if len(scene.calls) == 1 else ()).explore())


@pytest.mark.heavy
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scene", CORRECTIONS[2:], ids=str)
def test_with_a_kill_a_lost_answer_or_a_refusal_corrections_and_rows_are_alike_too(stage: Stage, scene: Scene):
    told(scene, Explorer(stage, scene, ANYTHING).explore())


@pytest.mark.parametrize("scene", SHORT, ids=str)
def test_with_a_kill_a_lost_answer_or_a_refusal_at_any_step_of_two_calls_nothing_is_lost(stage: Stage, scene: Scene):
    told(scene, Explorer(stage, scene, ANYTHING).explore())


@pytest.mark.heavy
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scene", [scene for scene in PAIRS if scene not in SHORT], ids=str)
def test_the_same_of_resumption_and_deletion(stage: Stage, scene: Scene):
    told(scene, Explorer(stage, scene, ("kill",) if scene in LONGEST else ANYTHING).explore())


@pytest.mark.heavy
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scene", TRIPLES, ids=str)
def test_whatever_the_order_of_three_calls_nothing_is_lost(stage: Stage, scene: Scene):
    told(scene, Explorer(stage, scene).explore())
