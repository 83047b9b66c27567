"""`tripwire-db load-test`: how much does this database bear?"""

from typing import Annotated

import typer

from tripwire_db.cli import options, output, targets
from tripwire_db.cli.errors import FOUND

Students = Annotated[int, typer.Option("--students", metavar="N", help="So many marked students are made, 1–10,000.")]
Concurrency = Annotated[int, typer.Option("--concurrency", metavar="N", help="So many calls at once, 1–200.")]
Among = Annotated[
    int, typer.Option("--among-real-students", metavar="N", help="How many real students the database has.")
]


def load_test(
    students: Students = 100,
    concurrency: Concurrency = 20,
    among_real_students: Among = 0,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Let marked students be sold, watch and complete at once; show what it took, and remove everything of theirs.

    Creations, heartbeats, completions, reports, each with its percentiles; the leaderboard is checked by a recount. A
    database with real students is refused unless their number is named.
    Example: `tripwire-db load-test --students 100 --concurrency 20`.

    The exit code is 1 where a call failed or the leaderboard was wrong.
    """
    from tripwire_db.operate import load_test as run

    with targets.application(database_url) as target:
        report = run(
            targets.environment_of(target),
            students=students,
            concurrency=concurrency,
            among_real_students=among_real_students,
        )
    if as_json:
        output.show_json(report)
    else:
        columns = ["Call", ">Calls", ">Errors", ">p50 ms", ">p95 ms", ">p99 ms", ">Longest ms"]
        rows = [
            [t.operation, t.calls, t.errors, *(f"{ms:.1f}" for ms in (t.p50_ms, t.p95_ms, t.p99_ms, t.max_ms))]
            for t in report.timings
        ]
        output.show(output.table(f"{students} students, {concurrency} at once", columns, rows))
        output.say(f"{report.calls_per_second:.0f} calls a second, for {report.seconds:.1f} s.")
        output.say(
            f"The leaderboard is wrong for {report.wrong_rows} sellers."
            if report.wrong_rows
            else "The leaderboard equals a recount; nothing of the students is left."
        )
        for name, count in report.errors.items():
            output.say(f"{name}: {count} times")
    if not report.good:
        raise typer.Exit(FOUND)
