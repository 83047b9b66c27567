"""A worker of xdist that crashes tells how, at the end of the run."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("crash", "told"),
    [
        ("ctypes.string_at(0)", ["ended by SIGSEGV", "in test_that_crashes"]),
        ("os.kill(os.getpid(), 9)", ["ended by SIGKILL"]),
        ("os._exit(3)", ["exited with 3"]),
    ],
)
def test_a_crash_is_told_with_the_signal_and_the_stacks(tmp_path: Path, crash: str, told: list[str]):
    (tmp_path / "test_it.py").write_text(f"import ctypes, os\n\ndef test_that_crashes():\n    {crash}\n")
    command = [sys.executable, "-m", "pytest", "-n", "1", "-p", "tests.support.crashes", f"--rootdir={tmp_path}"]
    run = subprocess.run(
        [*command, "-c", "/dev/null", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert run.returncode == 1, run.stdout + run.stderr
    _, summary = run.stdout.split("= a worker crashed =")
    for words in told:
        assert words in summary
