"""Freezes what a project says to its database today."""

from dataclasses import replace
from pathlib import Path

from tripwire_db.embedded import Cluster, scratch_cluster
from tripwire_db.errors import Refused
from tripwire_db.schema.check.chain import Chain, opened
from tripwire_db.schema.project import Project
from tripwire_db.schema.releases.play import Failure, Outcome, Played, play
from tripwire_db.schema.releases.release import Answer, Call, Column, Release, Scene, order_of


def freeze(chain: Path, project: Project, version: str) -> Release:
    """Play the project's scenes at the head of its chain, and keep what they answer.

    They are played on two databases, made one after the other, on the second one twice: what differs from the first time
    to the last (times, random ids, numbers of sequences) is not kept.

    Args:
        chain: the folder of env.py and versions/.
        project: with `scenes`.
        version: of the release, as in `1.0.0`.

    Raises:
        InvalidInput: it is no version.
        Refused: a call fails, or the project has no scenes.
        ServerUnavailable: no scratch server can be started.
    """
    order_of(version)
    scenes = project.own_scenes()
    if not scenes:
        raise Refused("the project names no scenes: there is nothing to freeze")
    with opened(chain, project=project) as revisions, scratch_cluster() as cluster:
        first = play(_made(cluster, "first", revisions), scenes)
        second = play(_made(cluster, "second", revisions), [*scenes, *scenes])[len(scenes) :]
        head = revisions.revisions[-1].id
    frozen = tuple(_frozen(*three) for three in zip(scenes, first, second, strict=True))
    return Release(version, head, frozen)


def _made(cluster: Cluster, name: str, chain: Chain) -> str:
    """Bring a new database up to head, with the sample rows put in on the way."""
    url = cluster.create_database(name)
    chain.project.ready(url)
    for revision in chain.revisions:
        if revision.id in chain.project.sample_rows:
            chain.up_to(url, revision)
            chain.project.put_sample_rows(url, revision.id)
    chain.to_head(url)
    return url


def _frozen(scene: Scene, first: Played, second: Played) -> Scene:
    calls: list[Call] = []
    for number, call in enumerate(scene):
        one, other = (_worked(call, played[number]) for played in (first, second))
        calls.append(replace(call, answer=_lasting(one, other, call.changing), changing=()))
    return tuple(calls)


def _worked(call: Call, outcome: Outcome) -> Answer:
    if isinstance(outcome, Failure):
        raise Refused(f"{call.statement.name} ({call.statement.source}) fails on the sample rows: {outcome.message}")
    return outcome


def _lasting(one: Answer, other: Answer, changing: tuple[str, ...]) -> Answer:
    """What both have in common."""
    columns = (
        mine if mine.values == others.values and mine.name not in changing else Column(mine.name, mine.type, None)
        for mine, others in zip(one.columns, other.columns, strict=True)
    )
    return Answer(one.rows, tuple(columns))
