"""The pictures of README and docs are made from the real thing."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

PROJECT = Path(__file__).resolve().parents[2]


def test_the_picture_of_the_schema_shows_the_tables_as_they_are():
    done = subprocess.run(
        [sys.executable, "scripts/erd", "--check"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_picture_of_the_demo_shows_a_leaderboard_a_chart_and_a_journey():
    picture = ET.parse(PROJECT / "docs" / "demo.svg").getroot()  # noqa: S314 - our own file
    shown = "".join(picture.itertext()).replace("\xa0", " ")
    for part in ("./scripts/demo", "Leaderboard", "Students sold by", "Lessons", "Certificate"):
        assert part in shown
