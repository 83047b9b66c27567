"""Each flow's statement stands in `docs/reference/sql/`, so that a review sees every change of it."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def test_each_statement_in_the_reference_is_the_one_that_runs():
    done = subprocess.run(
        [sys.executable, "scripts/golden-sql", "--check"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
