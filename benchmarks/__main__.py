"""Measures everything on a server of its own, writes docs/reference/performance.md, and says which bounds hold.

    python -m benchmarks            all of it, on an otherwise idle machine
    python -m benchmarks --quick    two minutes

It never stops half way: what fails or misses its bound is told on the page, and by exit code 1 at the end.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable

import psycopg
from rich.console import Console

from benchmarks import aggregations, creation, flows, page, setting_up
from benchmarks.measuring import Section, figure
from benchmarks.people import people_in
from tripwire_db import bootstrap, migrations
from tripwire_db.embedded import scratch_cluster

console = Console(width=120)


def _collect(sections: list[Section], name: str, measure: Callable[[], Iterable[Section]]) -> None:
    """Take what can be measured, and note what cannot."""
    console.print(f"[bold]{name}[/]")
    try:
        for section in measure():
            sections.append(section)
            for row in section.rows:
                console.print("  ", " · ".join(row), highlight=False)
    except Exception as failure:  # noqa: BLE001 - the rest is measured all the same, and the exit code tells
        console.print_exception()
        sections.append(Section(name, "", (), failures=[f"{type(failure).__name__}: {failure}"]))


def main() -> int:
    """Measure; 1 where a bound is missed or something could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two minutes: fewer repetitions, not the million")
    quick = parser.parse_args().quick
    load, sections = os.getloadavg()[0], list[Section]()
    with scratch_cluster() as cluster:
        url = cluster.url("postgres")
        bootstrap(url)
        migrations.upgrade(url)
        with psycopg.connect(url) as connection:
            number, _ = divmod(connection.info.server_version, 10000)
            server = f"PostgreSQL {number}.{connection.info.server_version % 10000}"
        with people_in(url) as people:
            _collect(sections, "Creation", lambda: creation.sections(people, quick=quick))
            _collect(sections, "Heartbeats", lambda: [flows.heartbeats(people, quick=quick)])
            _collect(sections, "Flows beside bare psycopg", lambda: flows.sections(people, quick=quick))
        _collect(sections, "Reports", lambda: aggregations.sections(cluster.create_database, quick=quick))
        _collect(sections, "Setting up", lambda: [setting_up.section(cluster.create_database)])
    missed = [bound for section in sections for bound in section.bounds if not bound.holds]
    failures = [failure for section in sections for failure in section.failures]
    console.print(f"written: {page.write(sections, server, load=load, quick=quick)}")
    for bound in missed:
        console.print(f"missed: {bound.what}: {figure(bound.value)} {bound.unit}, bound {bound.limit:g}", style="red")
    for failure in failures:
        console.print(f"not measured: {failure}", style="red")
    return 1 if missed or failures else 0


if __name__ == "__main__":
    sys.exit(main())
