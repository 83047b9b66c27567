"""Runs the commands that docs/reference/cli.md shows, on real servers, and writes what they answer into the page.

    python -m tests.cli.documented        write the page anew

A test runs them again and compares, but for what no two runs share: ids, codes, dates, seconds, the list of revisions.
"""

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from typer.testing import CliRunner

from tests.cli.conftest import new_embedded_folder
from tripwire_db.cli import app
from tripwire_db.embedded import Cluster, scratch_cluster

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"

_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
_VOLATILE = (
    (r"Made the stand-in for Supabase Auth: .*", "Made the stand-in."),  # roles are the server's, not the database's
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>"),
    (r"[0-9a-f]{64}", "<code>"),
    (r"TW-\d+", "<number>"),
    (r"(?m)^ *(upgrade |downgrade )?\d{14} .*\n(?: {17,}.*\n)*", ""),
    (r"\d{14}", "<revision>"),
    (r" +\d+\.\d+ ms +\d+ buffers", " <cost>"),
    (r" \(URL from [^)]*\)", ""),
    (r"\d+ revisions?", "<n> revisions"),
    (r"\d{4}-\d\d-\d\d[ T][\d:.]+(\+00:00)?", "<time>"),
    (r"\b\d\d [A-Z][a-z]{2}( \d{4})?", "<day>"),
    (r"(< )?\b\d+(\.\d+)? m?s\b", "<seconds>"),
    (r"\b\d+(\.\d+)? (B|kB|MB)\b", "<size>"),
    (r'"(date|seconds)": .*', r'"\1": …'),
    (r"PostgreSQL \d+\.\d+", "PostgreSQL <version>"),
    (r" +(?=\n)", ""),
)

Answer = Callable[[str], str]


def answered(page: str, answer: Answer) -> str:
    """The page with each command's answer below it; within a block, what one command prints another may be given.

    A word such as $CODE stands for the last verification code that was shown.
    """

    def run(block: re.Match[str]) -> str:
        commands = [line for line in block[1].splitlines() if line.startswith("$ ")]
        return "```console\n" + "\n".join(f"{command}\n{answer(command[2:])}" for command in commands) + "```"

    return _BLOCK.sub(run, page)


def comparable(page: str) -> str:
    """A page without what no two runs share."""
    for pattern, replacement in _VOLATILE:
        page = re.sub(pattern, replacement, page)
    return page


class Documented:
    """Answers commands: those of the demo on an embedded server, the others on the database of a URL."""

    def __init__(self, url: str, embedded: Cluster, public: dict[str, str]) -> None:
        self._url = url
        self._embedded = str(embedded.directory)
        self._public = {self._embedded: "/home/you/.local/share/tripwire", **public}
        self._code = ""

    def __call__(self, command: str) -> str:
        words = shlex.split(command.replace("$CODE", self._code))
        words = [str(PAGE.parents[2] / word) if word.startswith("docs/") else word for word in words]
        assert words[0] == "tripwire-db", command
        place = {
            "TRIPWIRE_EMBEDDED_DIR": self._embedded,
            "TRIPWIRE_DATABASE_URL": "" if "demo" in command else self._url,
        }
        ran = CliRunner().invoke(app, words[1:], env={**place, "COLUMNS": "80"})
        shown = ran.output
        self._code = (re.findall(r"[0-9a-f]{64}", shown) or [self._code])[-1]
        for private, public in self._public.items():
            shown = shown.replace(private, public)
        shown = "".join(f"{line.rstrip()}\n" for line in shown.rstrip().splitlines())
        return shown + (f"[exit code {ran.exit_code}]\n" if ran.exit_code else "")


@contextmanager
def embedded_server() -> Iterator[Cluster]:
    """An embedded server that runs as long as the page is made."""
    with new_embedded_folder() as cluster, cluster:
        yield cluster


def main() -> None:
    """Write the page anew."""
    with scratch_cluster() as cluster, embedded_server() as embedded:
        answer = Documented(cluster.create_database("course"), embedded, {str(cluster.socket_dir): "/run/postgresql"})
        PAGE.write_text(answered(PAGE.read_text(encoding="utf-8"), answer), encoding="utf-8")


if __name__ == "__main__":
    main()
