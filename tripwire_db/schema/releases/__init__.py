"""Releases: what each says to the database, frozen on its day, so that newer revisions are tried on it.

    alembic/releases/1.0.0.json      every statement of release 1.0.0, with calls that do something on the sample rows

`scripts/release` writes such a file, `check` plays it after each newer revision, and `plan` tells whether the application
of the last release goes on working. Any project may keep such files; where there are none, nothing is said.
"""

from tripwire_db.schema.releases.compare import Difference, differences
from tripwire_db.schema.releases.files import read_releases, write_release
from tripwire_db.schema.releases.play import Failure, play
from tripwire_db.schema.releases.release import Answer, Call, Column, Release, Scene, Statement, order_of

__all__ = [
    "Answer",
    "Call",
    "Column",
    "Difference",
    "Failure",
    "Release",
    "Scene",
    "Statement",
    "differences",
    "order_of",
    "play",
    "read_releases",
    "write_release",
]
