"""Makes the pages of PAGES: runs the commands that they show, and writes what they answer.

    python -m tests.docs.commands        write the pages anew

A test runs them again and compares.
"""

import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from unittest.mock import patch

import psycopg
from typer.testing import CliRunner

from tests.cli.documented import answered, comparable
from tripwire_db import migrations
from tripwire_db.cli import app
from tripwire_db.embedded import scratch_cluster
from tripwire_db.schema.bootstrap import bootstrap
from tripwire_db.schema.check import RULES
from tripwire_db.schema.check.squawk import SQUAWK_EXCLUDED
from tripwire_db.schema.course.many_rows import fill_v2

DOCS = Path(__file__).parents[2] / "docs"

BAD_REVISION = '''"""Let students write to their manager."""

from revision_tools import execute

revision = "20270101090000"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute("CREATE TABLE public.messages (id bigint PRIMARY KEY, user_id uuid NOT NULL, body text NOT NULL)")
    execute("GRANT SELECT ON public.messages TO anon")
    execute("CREATE INDEX idx_users_full_name ON public.users (full_name)")
    execute("UPDATE public.users SET full_name = trim(full_name)")


def downgrade() -> None:
    execute("DROP INDEX public.idx_users_full_name")
    execute("DROP TABLE public.messages")
'''


def check_page(page: str) -> str:
    """docs/how-to/ci/check.md with the tables, the revision and the answer as they are now."""
    revision = BAD_REVISION.format(head=migrations.heads()[0])
    page = _between(page, "Suppose that somebody added this revision:\n\n```python\n", "```", revision)
    page = _between(page, "| rule | holds |\n|---|---|\n", "\n\n", _rows(RULES))
    page = _between(page, "| rule of squawk | why it is not asked |\n|---|---|\n", "\n\n", _rows(SQUAWK_EXCLUDED))
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        shutil.copytree(
            migrations.script_location(), Path("alembic"), ignore=shutil.ignore_patterns("__pycache__"), symlinks=True
        )
        path = Path("alembic/versions/20270101090000_messages.py")
        path.write_text(revision)

        def answer(command: str) -> str:
            return _run(command.replace("HEAD", migrations.heads()[0]), {})

        return answered(page, answer)


def drift_page(page: str) -> str:
    """docs/how-to/dba/drift.md with the answers as they are now."""
    with scratch_cluster() as cluster:
        url = cluster.create_database("course")
        bootstrap(url)
        migrations.upgrade(url, quiet=True)

        def answer(command: str) -> str:
            words = shlex.split(command)
            if words[0] == "psql":
                with psycopg.connect(url, autocommit=True) as connection:
                    connection.execute(words[2].encode())
                return ""
            shown = _run(command, {"TRIPWIRE_MIGRATIONS_URL": url})
            return shown.replace(str(cluster.socket_dir), "/run/postgresql").replace(
                f"port={cluster.port}", "port=5432"
            )

        return answered(page, answer)


SLOW_REVISION = '''"""Let prices have two decimals, and find achievements by what was reached."""

from revision_tools import execute

revision = "20270101090000"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute("ALTER TABLE public.tripwire_users ALTER COLUMN price TYPE numeric(12, 2)")
    execute("CREATE INDEX idx_user_achievements_current ON public.user_achievements (current_value)")


def downgrade() -> None:
    execute("DROP INDEX public.idx_user_achievements_current")
    execute("ALTER TABLE public.tripwire_users ALTER COLUMN price TYPE numeric")
'''


def plan_page(page: str) -> str:
    """docs/how-to/dba/plan.md with the revision and the answers as they are now."""
    revision = SLOW_REVISION.format(head=migrations.heads()[0])
    page = _between(page, "Suppose that somebody added this revision:\n\n```python\n", "```", revision)
    with scratch_cluster() as cluster, tempfile.TemporaryDirectory() as folder:
        url = cluster.create_database("course")
        bootstrap(url)
        migrations.upgrade(url, "20261101090000", quiet=True)
        with psycopg.connect(url) as connection:
            fill_v2(connection, 200)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")

        def answer(command: str) -> str:
            if "--max-block 10min" not in command:
                migrations.upgrade(url, "head", quiet=True)
                shutil.copytree(migrations.script_location(), f"{folder}/alembic", dirs_exist_ok=True)
                Path(f"{folder}/alembic/versions/20270101090000_prices.py").write_text(revision)
                with patch.object(migrations, "script_location", lambda: Path(f"{folder}/alembic")):
                    shown = _run(command, {"TRIPWIRE_MIGRATIONS_URL": url, "COLUMNS": "100"})
            else:
                shown = _run(command, {"TRIPWIRE_MIGRATIONS_URL": url, "COLUMNS": "100"})
            return shown.replace(str(cluster.socket_dir), "/run/postgresql")

        return answered(page, answer)


def backup_page(page: str) -> str:
    """docs/how-to/dba/backup.md with the answers as they are now."""
    with scratch_cluster() as cluster, tempfile.TemporaryDirectory() as folder, chdir(folder):
        url = cluster.create_database("course")
        bootstrap(url)
        migrations.upgrade(url, "20261101090000", quiet=True)
        with psycopg.connect(url) as connection:
            fill_v2(connection, 200)
        migrations.upgrade(url, "20261119090000", quiet=True)

        def answer(command: str) -> str:
            words = shlex.split(command)
            if words[0] == "psql":
                with psycopg.connect(url, autocommit=True) as connection:
                    connection.execute(words[2].encode())
                return ""
            shown = _run(command, {"TRIPWIRE_MIGRATIONS_URL": url, "COLUMNS": "100"})
            return shown.replace(str(cluster.socket_dir), "/run/postgresql").replace(f":{cluster.port}/", ":5432/")

        return answered(page, answer)


def first_upgrade_page(page: str) -> str:
    """docs/tutorial/first-upgrade.md with the answers as they are now."""
    with scratch_cluster() as cluster:
        url = cluster.create_database("scratch")

        def answer(command: str) -> str:
            shown = _run(command, {"TRIPWIRE_MIGRATIONS_URL": url, "TRIPWIRE_DATABASE_URL": url, "COLUMNS": "100"})
            return shown.replace(str(cluster.socket_dir), "localhost").replace(f":{cluster.port}/", ":5432/")

        return answered(page, answer)


def operate_page(page: str) -> str:
    """docs/how-to/dba/operate.md with the answers as they are now."""
    with scratch_cluster() as cluster:
        url = cluster.create_database("course")
        bootstrap(url)
        migrations.upgrade(url, quiet=True)
        return answered(page, lambda command: _run(command, {"TRIPWIRE_DATABASE_URL": url, "COLUMNS": "100"}))


PAGES = {
    "how-to/ci/check.md": check_page,
    "how-to/dba/backup.md": backup_page,
    "how-to/dba/drift.md": drift_page,
    "how-to/dba/operate.md": operate_page,
    "how-to/dba/plan.md": plan_page,
    "tutorial/first-upgrade.md": first_upgrade_page,
}


def _run(command: str, environment: dict[str, str]) -> str:
    with _environment(environment):
        ran = CliRunner().invoke(app, shlex.split(command)[1:])
    shown = "".join(f"{line.rstrip()}\n" for line in ran.output.rstrip().splitlines())
    return shown + (f"[exit code {ran.exit_code}]\n" if ran.exit_code else "")


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _rows(table: dict[str, str]) -> str:
    return "\n".join(f"| `{name}` | {text} |" for name, text in table.items())


def _between(page: str, start: str, end: str, text: str) -> str:
    head, found, rest = page.partition(start)
    assert found, start
    return head + start + text + rest[rest.index(end) :]


def main() -> None:
    """Write the pages anew."""
    for name, make in PAGES.items():
        path = DOCS / name
        path.write_text(make(path.read_text(encoding="utf-8")), encoding="utf-8")


__all__ = ["DOCS", "PAGES", "comparable", "main"]

if __name__ == "__main__":
    main()
