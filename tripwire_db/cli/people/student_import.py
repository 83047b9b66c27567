"""`tripwire-db student import`: make the students of a CSV file, several at once; run again, it goes on."""

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from tripwire_db.cli import options, output, targets
from tripwire_db.cli.errors import FOUND
from tripwire_db.cli.people import sheet
from tripwire_db.cli.people.sheet import RefusedRow, SheetRow
from tripwire_db.cli.progress import Bars
from tripwire_db.errors import AuthFailed, NotFound, TripwireError, Unavailable

if TYPE_CHECKING:
    from tripwire_db.repository import TripwireRepository
    from tripwire_db.results import CreatedStudent

AT_ONCE = 8
"""Students that are made at the same time: less than the repository's pool."""

File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="CSV with the columns email, full_name and, if you like, price; UTF-8, commas or semicolons.",
    ),
]
Seller = Annotated[str, typer.Option("--manager", metavar="MANAGER", help="Who sells: id or e-mail of a manager.")]


@dataclass(slots=True)
class Imported:
    """What became of a file's rows.

    Attributes:
        created: how many students were made.
        existing: how many this manager had already.
        refused: the rows of which no student was made, by line.
        left: how many rows an import that stopped has left, to be tried when it is run again.
        stopped: why it ended before the file did; None where it did not.
    """

    created: int = 0
    existing: int = 0
    refused: list[RefusedRow] = field(default_factory=list)
    left: int = 0
    stopped: str | None = None


def import_(
    file: File, manager: Seller, database_url: options.DatabaseUrl = None, as_json: options.Json = False
) -> None:
    """Create the students of a CSV file, without passwords. Run again, after a kill too, it makes nobody twice.

    The exit code is 1 where rows were refused; each is told with its line and why.
    """
    wanted = sheet.read(file)
    with targets.backend(database_url) as backend, Bars() as bars:
        work = _Import(backend.repository, backend.manager_id(manager), Imported(refused=wanted.refused))
        bars.began("Students", len(wanted.rows))
        for _ in work.run(wanted.rows):
            bars.advanced()
    done = work.done
    done.refused.sort(key=lambda row: row.line)
    if as_json:
        output.show_json(done)
    else:
        _show(done)
    if done.refused or done.stopped:
        raise typer.Exit(FOUND)


@dataclass(slots=True)
class _Import:
    """Makes students, a few at a time."""

    repository: "TripwireRepository"
    manager_id: UUID
    done: Imported
    auth_failures: int = 0  # one after another

    def run(self, rows: Sequence[SheetRow]) -> Iterator[SheetRow]:
        """Give each row when its call has ended; once the service is away, no other is begun.

        Raises:
            NotFound: nobody who sells has the manager's id.
        """
        untried = iter(rows)
        self.done.left = len(rows)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            pending = {pool.submit(self._make, row): row for row in islice(untried, AT_ONCE)}
            while pending:
                for ended in wait(pending, return_when=FIRST_COMPLETED).done:
                    row = pending.pop(ended)
                    self._count(row, ended)
                    yield row
                    if self.done.stopped is None and (following := next(untried, None)) is not None:
                        pending[pool.submit(self._make, following)] = following

    def _make(self, row: SheetRow) -> "CreatedStudent":
        return self.repository.create_tripwire_user(
            email=row.email, full_name=row.full_name, manager_id=self.manager_id, price=row.price
        )

    def _count(self, row: SheetRow, ended: "Future[CreatedStudent]") -> None:
        done = self.done
        try:
            made = ended.result()
        except NotFound:
            raise
        except Unavailable as error:
            done.stopped = done.stopped or str(error)
            return
        except TripwireError as error:
            done.refused.append(RefusedRow(row.line, row.email, str(error)))
            self.auth_failures = self.auth_failures + 1 if isinstance(error, AuthFailed) else 0
            if self.auth_failures >= AT_ONCE:  # it is not these rows: the service is away
                done.stopped = done.stopped or str(error)
        else:
            done.created += made.created
            done.existing += not made.created
            self.auth_failures = 0
        done.left -= 1


def _show(done: Imported) -> None:
    parts = [f"{done.created} created", f"{done.existing} there already", f"{len(done.refused)} refused"]
    if done.left:
        parts.append(f"{done.left} left")
    output.say(f"Students: {', '.join(parts)}.")
    if done.refused:
        rows = ((row.line, row.email, row.reason) for row in done.refused)
        output.show("", output.table("Refused", [">Line", "E-mail", "Why"], rows))
    if done.stopped:
        output.note(f"{done.stopped}. Run the same command again: it goes on where it stopped", label="Stopped")
