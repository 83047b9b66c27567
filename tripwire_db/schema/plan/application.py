"""Whether the application of the last release goes on working: its statements, after each revision, on a scratch server."""

from collections.abc import Mapping
from dataclasses import dataclass

from tripwire_db import migrations
from tripwire_db.embedded import scratch_cluster
from tripwire_db.schema.plan.route import Route
from tripwire_db.schema.project import COURSE as PROJECT
from tripwire_db.schema.releases import Release, differences, play, read_releases


@dataclass(frozen=True, slots=True)
class Application:
    """The application of a release.

    Attributes:
        version: of the release.
        broken: by revision, what it breaks, one call an entry; nothing where it breaks none.
    """

    version: str
    broken: Mapping[str, tuple[str, ...]]


def last_release(before: str | None) -> Release | None:
    """Give the newest release whose schema is there at a revision; its application may be running."""
    ids = migrations.revisions()
    there = ids[: ids.index(before) + 1] if before is not None else ()
    released = [release for release in read_releases(migrations.script_location()) if release.revision in there]
    return max(released, key=lambda release: ids.index(release.revision), default=None)


def try_application(route: Route, release: Release) -> Application:
    """Play a release's statements after each revision of a route, on sample rows.

    Rows that a downgrade loses make other answers; there, only what fails is told.

    Raises:
        ServerUnavailable: no scratch server can be started.
        alembic.util.CommandError: a revision fails on the scratch server.
    """
    broken: dict[str, tuple[str, ...]] = {}
    ids = migrations.revisions()
    with scratch_cluster() as cluster:
        url = cluster.create_database("application")
        PROJECT.ready(url)
        for revision in ids[: ids.index(str(route.before)) + 1]:
            if revision in PROJECT.sample_rows or revision == route.before:
                migrations.upgrade(url, revision, quiet=True)
                PROJECT.put_sample_rows(url, revision)
        before = play(url, release.scenes)
        for module in route.modules:
            revision = module.revision
            if route.down:
                below = ids[: ids.index(revision)]
                migrations.downgrade(url, below[-1] if below else "base", accept_loss=True, quiet=True)
            else:
                migrations.upgrade(url, revision, quiet=True)
            after = play(url, release.scenes)
            found = differences(release.scenes, before, after, answers=not route.down)
            if found:
                broken[revision] = tuple(f"{one.statement.name} {one.message}" for one in found)
            if not route.down and PROJECT.put_sample_rows(url, revision):
                after = play(url, release.scenes)
            before = after
    return Application(release.version, broken)
