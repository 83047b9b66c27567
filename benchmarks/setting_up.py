"""What it takes until a backend can call: the import, and the schema of an empty database."""

import compileall
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import tripwire_db
from benchmarks.measuring import Bound, Section, figure, timed
from tripwire_db import bootstrap, migrations

IMPORT = """import time
began = time.process_time()
from tripwire_db import PostgresAuth, TripwireRepository
took = time.process_time() - began
import sys
assert 'supabase' not in sys.modules
print(took)"""


def section(create_database: Callable[[str], str], *, runs: int) -> Section:
    """The best of several runs each, in a process or a database of its own."""
    found = Section("Setting up", "Each the best of its runs.", ("what", "best", "runs"))
    # As pip does with what it installs, whatever PYTHONDONTWRITEBYTECODE says here.
    compileall.compile_dir(Path(tripwire_db.__file__).parent, quiet=1)
    imports = [
        float(subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True).stdout)
        for _ in range(runs)
    ]
    upgrades = []
    for number in range(3):
        url = create_database(f"empty_{number}")
        bootstrap(url)
        upgrades.append(timed(lambda url=url: migrations.upgrade(url, quiet=True)) / 1000)
    for name, times, bound in (
        ("from tripwire_db import TripwireRepository, PostgresAuth: CPU", imports, 0.4),
        ("upgrade head on an empty database", upgrades, 2.0),
    ):
        found.rows.append((name, f"{figure(min(times))} s", str(len(times))))
        found.bounds.append(Bound(name, min(times), bound, "s"))
    return found
