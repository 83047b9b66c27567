"""The page of what was measured is written whole, whatever fails or misses its bound, and its pictures can be read."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import __main__ as bench
from benchmarks import page
from benchmarks.measuring import Bound, Section, Times, best_of, interleaved

MISSED = Bound("creation", 1.5, 2.5, at_least=True)


def broken():
    raise RuntimeError("no server")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(page, "DOCS", tmp_path)
    return tmp_path


def test_what_cannot_be_measured_is_told_and_the_rest_goes_on(folder: Path):
    sections: list[Section] = []
    measured = Section(
        "Creation", "Twelve rows.", ("how", "ms"), [("ours", "1.00")], bars=[("ours", 1.0)], bounds=[MISSED]
    )
    bench._collect(sections, "Heartbeats", broken)
    bench._collect(sections, "Creation", lambda: [measured])
    text = page.write(sections, "PostgreSQL 18", load=0.5, quick=True).read_text(encoding="utf-8")
    assert "Not measured: RuntimeError: no server" in text
    assert "| creation | 1.50 × | ≥ 2.5 × | **no** |" in text
    assert "| ours | 1.00 |" in text


def test_a_picture_stands_on_a_ground_of_its_own_in_light_and_dark(folder: Path):
    page.write([Section("A", "", ("b",), bars=[("<ours>", 1.0), ("theirs", 12_345.0)])], "18", load=0.5, quick=False)
    (picture,) = folder.glob("performance-*.svg")
    root = ET.parse(picture).getroot()  # noqa: S314 - our own file
    assert "<ours>" in "".join(root.itertext())
    assert "12,345 ms" in "".join(root.itertext())
    assert "prefers-color-scheme: dark" in "".join(root.itertext())
    assert root.find("{*}rect[@class='card']") is not None


def test_contestants_take_turns_and_their_warm_up_is_not_counted():
    order: list[str] = []
    times = interleaved({name: lambda name=name: lambda: order.append(name) for name in "ab"}, 4, block=2)
    assert "".join(order[:8]) == "aabbaabb"
    assert {name: len(found.runs) for name, found in times.items()} == {"a": 4, "b": 4}
    assert Times([3.0, 1.0, 2.0]).median == 2.0


def test_a_bound_is_measured_again_until_it_holds_and_the_best_counts():
    values = iter([1.0, 2.0, 1.5])
    assert best_of(lambda: Bound("x", next(values), 2.5, at_least=True)).value == 2.0
    values = iter([3.0, 1.2, 0.5])
    assert best_of(lambda: Bound("x", next(values), 1.25)).value == 1.2
