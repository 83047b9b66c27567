"""A command that is told to stop, or whose terminal is gone, ends in order."""

import os
import signal
import subprocess
import sys

import psycopg
import pytest

from tests.conftest import MakeDatabase


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["SIGTERM", "SIGHUP"])
def test_an_upgrade_that_is_told_to_stop_says_where_the_database_stands(
    make_database: MakeDatabase, number: signal.Signals
):
    url = make_database(migrated="20261107090000")
    with psycopg.connect(url) as blocker:
        blocker.execute("LOCK TABLE public.tripwire_users IN ACCESS SHARE MODE")
        process = subprocess.Popen(
            [sys.executable, "-m", "tripwire_db.cli", "upgrade", "--database-url", url],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TRIPWIRE_LOCK_TIMEOUT": "60s"},
            # Whoever runs the tests under nohup ignores it for all that they start.
            preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # noqa: PLW1509 - no threads in the child
        )
        assert process.stderr is not None
        said = ""
        while "blocked by pid" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        process.send_signal(number)
        _, rest = process.communicate(timeout=60)

    assert process.returncode == 128 + number
    assert f"Interrupted ({number.name}). The database is at " in rest
    assert "Traceback" not in rest
