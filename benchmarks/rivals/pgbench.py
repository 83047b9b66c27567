"""pgbench with the same statement, prepared: what the server can do where the client costs next to nothing."""

import itertools
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from psycopg import sql

from benchmarks.students import WATCHING, Students
from benchmarks.tasks import Task
from tripwire_db.embedded import find_program
from tripwire_db.engine.parameters import as_text

NAME = "the same statement by pgbench"
FIRST, CLIENT = 100_000_000_000, 1_000_000
"""The number of the first student, and how many numbers each client has."""
ID = "('00000000-0000-4000-a000-' || :id)"
_RUNS = itertools.count()
VARYING = {
    "user_id": ID,
    "token": ID,
    "target_user_id": ID,
    "email": f"({ID} || '@course.test')",
    "activity_id": "('00000000-0000-4000-b000-' || :call)",
    "verification_code": "(md5(:id::text) || md5(:id::text))",
    "certificate_url": "('/certificates/' || md5(:id::text))",
    "reported": """('[{"start": ' || :start || ', "end": ' || :until || '}]')""",
    "latest_ms": "(:until || '000')",
    "position": ":start",
}


@dataclass(frozen=True)
class Run:
    """What a run of pgbench took."""

    latencies: list[float]
    """Milliseconds of each call, of one client after another."""
    seconds: float
    """From the first call of any client to the last answer."""


def _student(number: int) -> UUID:
    return UUID(f"00000000-0000-4000-a000-{FIRST + number:012d}")


def _script(task: Task, students: Students, base: int) -> str:
    """The flow's statement with pgbench's variables for what changes from call to call."""
    watching = students.kind == "watching"
    flow = task.flow({**students.values(NAME), "start": 0})
    number = f":n % {WATCHING}" if watching else ":n"

    def parameter(match: re.Match[str]) -> str:
        name = match[1]
        if name in VARYING:
            return VARYING[name]
        value = as_text(flow.parameters[name])
        return "NULL" if value is None else sql.Literal(value).as_string()

    text = re.sub(r"/\*.*?\*/", "", flow.sql())
    text = re.sub(r"%\((\w+)\)s", parameter, text).replace("%%", "%")
    return (
        f"\\set n :n + 1\n\\set id {FIRST + base} + :client_id * {CLIENT} + {number}\n"
        f"\\set call {FIRST + base} + :client_id * {CLIENT} + :n\n"
        f"\\set start (:n / {WATCHING} * 10) % 1780\n\\set until :start + 10\n{text};\n"
    )


class PgBench:
    """Runs a task by pgbench, each time with students of its own."""

    def __init__(self, task: Task, students: Students) -> None:
        self._task = task
        self._students = students

    def run(self, url: str, clients: int, calls: int) -> Run:
        """So many calls by each client."""
        base = next(_RUNS) * 100 * CLIENT
        watching = self._students.kind == "watching"
        numbers = range(WATCHING if watching else calls)
        ids = [_student(base + client * CLIENT + number) for client in range(clients) for number in numbers]
        script = _script(self._task, self._students, base)
        self._students.given[NAME] = ids
        self._students.make(ids)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "flow.sql")
            path.write_text(script, encoding="utf-8")
            options = ("-n", "-M", "prepared", "-D", "n=-1", "-f", path, "-c", clients, "-j", min(clients, 2))
            command = [find_program("pgbench"), *options, "-t", calls, "-l", "--log-prefix", Path(folder, "log"), url]
            done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise RuntimeError(f"pgbench: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
            lines = [line.split() for log in Path(folder).glob("log*") for line in log.read_text().splitlines()]
        return _measured(lines)


def _measured(lines: Sequence[Sequence[str]]) -> Run:
    # client, number of the call, microseconds that it took, script, and when it ended, as seconds and microseconds
    took = [int(line[2]) / 1000 for line in sorted(lines, key=lambda line: (int(line[0]), int(line[1])))]
    ends = [int(line[4]) + int(line[5]) / 1_000_000 for line in lines]
    begins = [end - int(line[2]) / 1_000_000 for end, line in zip(ends, lines, strict=True)]
    return Run(took, max(ends) - min(begins))
