"""docs/reference/cli.md shows what the commands really answer, and every command is shown somewhere."""

import re
from urllib.parse import urlsplit

from tests.cli.documented import PAGE, Documented, answered, comparable, embedded_server
from tests.conftest import MakeDatabase
from tests.support.servers.postgres import Postgres
from tripwire_db.cli.app import COMMANDS


def test_the_page_shows_what_the_commands_answer(make_database: MakeDatabase, postgres: Postgres):
    """Where it does not, `python -m tests.cli.documented` writes the page anew."""
    page = PAGE.read_text(encoding="utf-8")
    url = make_database(migrated=None)
    public = {
        str(postgres.cluster.socket_dir): "/run/postgresql",
        f":{postgres.port}/": ":5432/",
        urlsplit(url).path[1:]: "course",
    }

    with embedded_server() as embedded:
        now = answered(page, Documented(url, embedded, public))

    assert comparable(now).splitlines() == comparable(page).splitlines()


def test_every_command_is_in_the_documentation():
    told = "".join(
        page.read_text(encoding="utf-8") for page in (*PAGE.parents[1].rglob("*.md"), PAGE.parents[2] / "README.md")
    )

    missing = [
        name for commands in COMMANDS.values() for name in commands if not re.search(rf"tripwire-db {name}\b", told)
    ]
    assert not missing, "a command that nobody can read about"
