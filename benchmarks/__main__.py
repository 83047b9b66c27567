"""Measures flows, reports, growth and migrations on servers of its own, and writes docs/reference/performance.md.

    python -m benchmarks                    all parts, on an otherwise idle machine: half an hour
    python -m benchmarks flows reports      these parts; the page keeps the newest run of the others
    python -m benchmarks --quick            two minutes: fewer repetitions, fewer students
    python -m benchmarks --page             nothing is measured: the page, from what is kept

It never stops half way: what fails or misses its bound is told on the page, and by exit code 1 at the end. What each part
found is kept in `.benchmarks/`, which git ignores.
"""

import argparse
import platform
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator

import psycopg
import sqlalchemy
from rich.console import Console

from benchmarks import aggregations, callers, flows, growth, heartbeats, limit, page, results, setting_up
from benchmarks.measuring import Section, figure
from benchmarks.people import people_in
from tripwire_db import bootstrap, migrations
from tripwire_db.embedded import Cluster, Setting, scratch_cluster

# Thirty-two connections of each contestant at once; memory as a small server of its own would have it, for the million.
SETTINGS: dict[str, Setting] = {"max_connections": 300, "shared_buffers": "1GB", "max_wal_size": "8GB"}
console = Console(width=140)
Measure = Callable[[Cluster, bool], Iterable[Section]]


def _migrated(cluster: Cluster, name: str) -> str:
    url = cluster.create_database(name)
    bootstrap(url)
    migrations.upgrade(url, quiet=True)
    return url


def _flows(cluster: Cluster, quick: bool) -> Iterable[Section]:
    return flows.sections(_migrated(cluster, "flows"), quick=quick)


def _callers(cluster: Cluster, quick: bool) -> Iterable[Section]:
    return callers.sections(_migrated(cluster, "callers"), quick=quick)


def _heartbeats(cluster: Cluster, quick: bool) -> Iterable[Section]:
    return heartbeats.sections(_migrated(cluster, "heartbeats"), quick=quick)


def _limit(cluster: Cluster, quick: bool) -> Iterator[Section]:
    with people_in(_migrated(cluster, "people")) as people:
        yield limit.heartbeats(people, quick=quick)
        yield from limit.sections(people, quick=quick)


def _reports(cluster: Cluster, quick: bool) -> Iterable[Section]:
    return aggregations.sections(cluster.create_database, quick=quick)


def _growth(cluster: Cluster, quick: bool) -> Iterable[Section]:
    return growth.sections(cluster.create_database, quick=quick)


def _setting_up(cluster: Cluster, quick: bool) -> Iterable[Section]:
    return [setting_up.section(cluster.create_database, runs=3 if quick else 6)]


PARTS: dict[str, Measure] = {
    "flows": _flows,
    "callers": _callers,
    "heartbeats": _heartbeats,
    "limit": _limit,
    "reports": _reports,
    "growth": _growth,
    "setting-up": _setting_up,
}
"""By name, in the page's order."""


def collect(sections: list[Section], name: str, measure: Callable[[], Iterable[Section]]) -> None:
    """Take what can be measured, and note what cannot."""
    console.print(f"[bold]{name}[/]")
    try:
        for section in measure():
            sections.append(section)
            console.print(f"  {section.title}", style="bold")
            for row in section.rows:
                console.print("   ", " · ".join(row), highlight=False)
    except Exception as failure:  # noqa: BLE001 - the rest is measured all the same, and the exit code tells
        traceback.print_exc()
        sections.append(Section(name, "", (), failures=[f"{type(failure).__name__}: {failure}"]))


def _run(name: str, *, quick: bool) -> results.Part:
    """One part, on a server of its own."""
    versions = {
        "Python": platform.python_version(),
        "psycopg": f"{psycopg.__version__} ({psycopg.pq.__impl__})",
        "SQLAlchemy": sqlalchemy.__version__,
    }

    def measure(sections: list[Section]) -> None:
        with scratch_cluster(settings=SETTINGS) as cluster:
            with psycopg.connect(cluster.url("postgres")) as connection:
                versions["PostgreSQL"] = connection.info.parameter_status("server_version") or "unknown"
            collect(sections, name, lambda: PARTS[name](cluster, quick))

    return results.measured(name, measure, lambda: versions, quick=quick)


def main() -> int:
    """Measure; 1 where a bound is missed or something could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all, unless given")
    parser.add_argument("--quick", action="store_true", help="two minutes: fewer repetitions, fewer students")
    parser.add_argument("--page", action="store_true", help="measure nothing; write the page from what is kept")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    for name in () if given.page else given.parts or PARTS:
        _run(name, quick=given.quick).save()
    parts = results.load(PARTS)
    console.print(f"written: {page.write(parts)}")
    sections = [section for part in parts for section in part.sections if not given.parts or part.name in given.parts]
    missed = [bound for section in sections for bound in section.bounds if not bound.holds]
    failures = [f"{section.title}: {failure}" for section in sections for failure in section.failures]
    for bound in missed:
        console.print(f"missed: {bound.what}: {figure(bound.value)} {bound.unit}, bound {bound.limit:g}", style="red")
    for failure in failures:
        console.print(f"not measured: {failure}", style="red")
    return 1 if missed or failures else 0


if __name__ == "__main__":
    sys.exit(main())
