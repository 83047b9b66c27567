"""Rules told by playing what applications say: the releases' after each newer revision, the package's own at the head."""

from collections.abc import Callable

from tripwire_db.errors import InvalidInput
from tripwire_db.schema.check.chain import Revision
from tripwire_db.schema.check.findings import Note
from tripwire_db.schema.check.run import Run
from tripwire_db.schema.releases import Release, differences, play, read_releases
from tripwire_db.schema.releases.play import Failure, Played

RULES = {
    "statements": "Every statement of this package works at the head of the chain.",
    "breaks-release": "What a release says to the database works, and answers the same, after every newer revision.",
}


class ReleaseWatch:
    """Plays statements while a chain is climbed, each time on a copy of the database.

    Args:
        run: whose findings they are.
        copy: makes a copy of the database as it is now, and gives its URL.
        drop: removes one.
    """

    def __init__(self, run: Run, copy: Callable[[], str], drop: Callable[[str], None]) -> None:
        self._run = run
        self._copy = copy
        self._drop = drop
        ids = [revision.id for revision in run.chain.revisions]
        self._releases = read_releases(run.chain.folder) if run.asks("breaks-release") else ()
        for release in self._releases:
            if release.revision not in ids:
                raise InvalidInput(f"release {release.version} stands on revision {release.revision}: it is not there")
        self._scenes = run.project.own_scenes() if run.asks("statements") else ()
        self._head = ids[-1]
        self._below_head = ids[-2] if len(ids) > 1 else None
        self._seen: dict[str, tuple[Played, ...]] = {}
        """What the scenes of each release came to, on the rows that are there now."""
        self._before_upgrade: tuple[Played, ...] = ()

    def judge(self, revision: Revision) -> None:
        """Hold a revision, which has just been applied, to the releases before it."""
        for version in sorted(revision.breaks.keys() - {release.version for release in self._releases}):
            self._run.found(revision, "breaks-release", f"BREAKS names release {version}: there is none", "BREAKS")
        released = [release for release in self._releases if release.version in self._seen]
        if not released:
            return
        url = self._copy()
        try:
            for release in released:
                after = play(url, release.scenes)
                self._compare(revision, release, after)
                self._seen[release.version] = after
        finally:
            self._drop(url)

    def settle(self, revision: Revision, *, filled: bool) -> None:
        """Play what the next revision will be compared with, now that the rows are there.

        Args:
            revision: that the database is at.
            filled: whether rows were put in since `judge`.
        """
        released = [
            release
            for release in self._releases
            if release.revision == revision.id or (filled and release.version in self._seen)
        ]
        is_own = bool(self._scenes) and revision.id in (self._head, self._below_head)
        if not released and not is_own:
            return
        url = self._copy()
        try:
            for release in released:
                self._seen[release.version] = played = play(url, release.scenes)
                if release.revision == revision.id:
                    self._run.releases.append(release.version)
                    self._tell_changed_rows(release, played)
            if is_own:
                self._own(revision, play(url, self._scenes))
        finally:
            self._drop(url)

    def _compare(self, revision: Revision, release: Release, after: tuple[Played, ...]) -> None:
        for found in differences(release.scenes, self._seen[release.version], after):
            message = f"release {release.version} {found.statement.name} ({found.statement.source}) {found.message}"
            reason = revision.breaks.get(release.version)
            self._run.found(revision, "breaks-release", message, *found.names, accepted=reason)

    def _tell_changed_rows(self, release: Release, played: tuple[Played, ...]) -> None:
        nothing = Failure("it is not in the file", ())
        frozen = [tuple(call.answer or nothing for call in scene) for scene in release.scenes]
        changed = differences(release.scenes, frozen, played)
        if changed:
            names = ", ".join(found.statement.name for found in changed)
            self._run.skipped.append(
                f"release {release.version} answers otherwise at its own revision than on its day ({names}): the sample rows "
                "were changed, and its statements may do less on them"
            )

    def _own(self, revision: Revision, played: tuple[Played, ...]) -> None:
        """At the head each statement must work; one that does not work below it needs the upgrade first."""
        if revision.id == self._below_head:
            self._before_upgrade = played
            return
        for scene, outcomes in zip(self._scenes, played, strict=True):
            for call, failed in zip(scene, outcomes, strict=True):
                if isinstance(failed, Failure):
                    message = f"{call.statement.name} ({call.statement.source}) fails: {failed.message}"
                    self._run.found(revision, "statements", message, *failed.names)
        if self._before_upgrade and revision.id in self._run.judged:
            needed = differences(self._scenes, played, self._before_upgrade, answers=False)
            self._run.notes += [
                Note(revision.id, "deployment", _told(one.statement.name, one.message)) for one in needed
            ]


def _told(name: str, message: str) -> str:
    return f"{name} of this package {message}, before it: deploy the application after the upgrade, not before"
