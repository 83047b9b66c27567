"""`tripwire-db demo`: the whole story, with progress bars, a leaderboard, a chart and one student's journey."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tripwire_db.cli import options, output, targets
from tripwire_db.cli.people import journey
from tripwire_db.cli.progress import Bars
from tripwire_db.cli.sales import chart, leaderboard

if TYPE_CHECKING:
    from tripwire_db.demo import Figures, Story

EMBEDDED_DATABASE = "tripwire_demo"

Students = Annotated[
    int, typer.Option("--students", metavar="N", min=1, max=100_000, help="So many students, 1–100000.")
]
Seed = Annotated[int, typer.Option("--seed", help="Decides who they are and what they do.")]
BesideOthers = Annotated[
    bool, typer.Option("--beside-others", help="Write into a database that has other students, too; they stay.")
]


def demo(
    students: Students = 100,
    seed: Seed = 1,
    database_url: options.DatabaseUrl = None,
    beside_others: BesideOthers = False,
    as_json: options.Json = False,
) -> None:
    """Play the whole story: managers, students, honest viewing, certificates, sales.

    In a new database of the embedded server, unless a URL names a scratch one: that is refused if others use it.
    """
    from tripwire_db import demo as story

    start = time.monotonic()
    with targets.migrations(database_url, may_create=True, default=EMBEDDED_DATABASE) as target, Bars() as bars:
        if target.name == EMBEDDED_DATABASE:
            _empty(target)
        bars.began("Schema", 1)
        story.prepare(target.url, beside_others=beside_others)
        bars.advanced()
        told = story.play(target.url, students=students, seed=seed, zone=output.local_zone(), observer=bars)
    seconds = time.monotonic() - start
    if as_json:
        output.show_json(_document(told, seed, seconds))
    else:
        _show(told, seconds, target)


def _empty(target: targets.CommandTarget) -> None:
    """Begin with a new database: it is the demo's own, so nothing else can be lost.

    Raises:
        Refused: another demo is at work in it.
    """
    import psycopg
    from psycopg import sql

    from tripwire_db.errors import Refused
    from tripwire_db.postgres.connect import connect

    cluster = target.cluster
    if cluster is None:
        return
    try:
        with connect(cluster.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(target.name)))
    except psycopg.errors.ObjectInUse:
        raise Refused(
            f"somebody is connected to the database {targets.EMBEDDED}{target.name}, perhaps another demo: wait for it "
            "to end, or name another database, as in --database-url embedded:second_demo"
        ) from None
    cluster.create_database(target.name)


def _document(told: "Story", seed: int, seconds: float) -> dict[str, Any]:
    return {
        "seed": seed,
        "seconds": round(seconds, 2),
        "figures": told.figures,
        "leaderboard": told.leaderboard,
        "chart": {"manager_id": told.chart_of.manager_id, "time_zone": output.TIME_ZONE, "days": told.chart},
        "journey": told.journey,
    }


def _show(told: "Story", seconds: float, target: targets.CommandTarget) -> None:
    output.show(leaderboard.picture(told.leaderboard), "")
    seller = told.chart_of
    title = f"Students sold by {output.clean(seller.manager_name)}, {len(told.chart)} days, {output.TIME_ZONE}"
    output.show(chart.picture(told.chart, title), "")
    journey.show(told.journey, told.sittings)
    output.show("", _totals(told.figures, seconds))
    if target.name:
        output.show("")
        output.say(f"Look around: tripwire-db student list --database-url {targets.EMBEDDED}{target.name}")


def _totals(figures: "Figures", seconds: float) -> object:
    hours = figures.counted_seconds / 3600
    revoked = f", {figures.revoked} of them revoked" if figures.revoked else ""
    return output.pairs(
        "In all",
        {
            "Students": f"{figures.students}, {output.money(figures.revenue)} KZT",
            "Watched": f"{hours:.1f} h that count, in {figures.reports} reports of players",
            "Lessons": f"{figures.lessons_completed} completed; {figures.refused_completions} refused below 80 %",
            "Certificates": f"{figures.certificates}{revoked}",
            "Time": f"{seconds:.1f} s",
        },
    )
