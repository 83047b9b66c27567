"""Makes docs/how-to/dba/doctor.md and docs/how-to/dba/adopt.md: runs the commands that they show, and writes what they answer.

    python -m tests.schema.doctor.documented        write the pages anew

A test runs them again and compares.
"""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import psycopg
from typer.testing import CliRunner

from tests.cli.documented import answered
from tests.cli.documented import comparable as without_the_ordinary
from tests.schema.doctor.people import bring_to, open_repository
from tripwire_db import migrations
from tripwire_db.cli import app
from tripwire_db.embedded import Cluster, scratch_cluster
from tripwire_db.schema.adopt import FIRST_REVISION
from tripwire_db.schema.bootstrap import bootstrap
from tripwire_db.schema.course.sample_rows import fill_v2
from tripwire_db.schema.doctor import KINDS

DOCS = Path(__file__).parents[3] / "docs"


def doctor_page(page: str) -> str:
    """docs/how-to/dba/doctor.md with the kinds and the answers as they are now."""
    head, _, rest = page.partition("|---|---|\n")
    kinds = "\n".join(f"| `{kind.name}` | {kind.title} |" for kind in KINDS)
    page = f"{head}|---|---|\n{kinds}" + rest[rest.index("\n\n") :]
    with scratch_cluster() as cluster:
        url = _database(cluster, "head")
        with open_repository(url) as repository:
            dana = repository.create_manager(email="dana@sales.kz", full_name="Dana K.").user_id
            for name, stage in (("aigerim", "one"), ("timur", "watching"), ("half", "new")):
                student = repository.create_tripwire_user(
                    email=f"{name}@mail.kz", full_name=name.title(), manager_id=dana
                ).user_id
                bring_to(repository, student, stage, dana)
        return answered(page, _answers(url))


def adopt_page(page: str) -> str:
    """docs/how-to/dba/adopt.md with the answers as they are now."""
    with scratch_cluster() as cluster:
        url = _database(cluster, FIRST_REVISION)
        with psycopg.connect(url) as connection:
            fill_v2(connection)
            connection.execute("DROP TABLE tripwire.alembic_version; DROP SCHEMA tripwire")
        return answered(page, _answers(url))


def comparable(page: str) -> str:
    """A page without what no two runs share."""
    page = re.sub(r"(?m)[ ─]+$", "", without_the_ordinary(page))
    return re.sub(r"─+|  +", " ", page)


PAGES: dict[str, Callable[[str], str]] = {"how-to/dba/doctor.md": doctor_page, "how-to/dba/adopt.md": adopt_page}


def _database(cluster: Cluster, revision: str) -> str:
    url = cluster.create_database("course")
    bootstrap(url)
    migrations.upgrade(url, revision, quiet=True)
    return url


def _answers(url: str) -> Callable[[str], str]:
    def answer(command: str) -> str:
        words = shlex.split(command)
        if words[0] == "psql":
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(words[2].encode())
            return ""
        ran = CliRunner().invoke(app, words[1:], env={"TRIPWIRE_DATABASE_URL": url, "COLUMNS": "118"})
        shown = "".join(f"{line.rstrip()}\n" for line in ran.output.rstrip().splitlines())
        return shown + (f"[exit code {ran.exit_code}]\n" if ran.exit_code else "")

    return answer


def main() -> None:
    """Write the pages anew."""
    for name, make in PAGES.items():
        path = DOCS / name
        path.write_text(make(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
