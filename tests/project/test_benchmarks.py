"""The page of what was measured is written whole, whatever fails or misses its bound, and its pictures can be read."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import __main__ as bench
from benchmarks import page, results
from benchmarks.measuring import Bound, Section, Times, attempt, interleaved, middle_of
from tests.support.servers.finding import PROJECT

MISSED = Bound("creation beside ten statements, 0 ms", 1.5, 2.5, at_least=True)


def broken():
    raise RuntimeError("no server")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    docs = tmp_path / "docs" / "reference"
    docs.mkdir(parents=True)
    monkeypatch.setattr(page, "DOCS", docs)
    monkeypatch.setattr(results, "FOLDER", tmp_path / "kept")
    return docs


def part(name: str, *sections: Section) -> results.Part:
    versions = {"PostgreSQL": "18.6"}
    return results.Part(name, list(sections), "2026-11-26 19:00", False, 61.0, (0.25, 3.0), "2 × CPU", versions)


MEASURED = Section("Creation", "Twelve rows.", ("how", "ms"), [("ours", "1.00")], bars=[("ours", 1.0)], bounds=[MISSED])


def test_what_cannot_be_measured_is_told_and_the_rest_goes_on(folder: Path):
    sections: list[Section] = []
    bench.collect(sections, "Heartbeats", broken)
    bench.collect(sections, "Creation", lambda: [MEASURED])
    text = page.write([part("flows", *sections)]).read_text(encoding="utf-8")
    assert "Not measured: RuntimeError: no server" in text
    assert "| creation beside ten statements, 0 ms | 1.50 × | ≥ 2.5 × | **no** |" in text
    assert "Missed: creation beside ten statements, 0 ms. " + page.WHY["creation beside ten statements, 0 ms"] in text
    assert "| ours | 1.00 |" in text
    assert attempt("Log", broken).failures == ["RuntimeError: no server"]


def test_a_part_is_kept_whole_and_the_page_tells_when_and_under_what_load_it_ran(folder: Path):
    kept = [part("flows", MEASURED), part("growth", Section("Growth", "", ("flow",), [("log",)]))]
    for each in kept:
        each.save()
    assert results.load(["flows", "reports", "growth"]) == kept
    part("flows", Section("Newer", "", ())).save()
    text = page.write(results.load(["flows", "growth"])).read_text(encoding="utf-8")
    assert "## Newer" in text
    assert "## Creation" not in text
    assert "| `growth` | 2026-11-26 19:00 | whole | 61 s | 0.2 – 3.0 |" in text


def test_readme_shows_rows_of_the_page_and_no_other_numbers(folder: Path):
    readme = folder.parents[1] / "README.md"
    readme.write_text(f"Before\n{page.MARKS[0]}\nstale\n{page.MARKS[1]}\nafter\n", encoding="utf-8")
    page.write([part("flows", MEASURED)])
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("Before\n")
    assert text.endswith("\nafter\n")
    assert "stale" not in text
    assert "| creation beside ten statements, 0 ms | 1.50 × | ≥ 2.5 × | **no** |" in text


def test_the_numbers_of_readme_are_those_of_the_page():
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    measured = readme.partition(page.MARKS[0])[2].partition(page.MARKS[1])[0].strip().splitlines()
    told = (PROJECT / "docs" / "reference" / "performance.md").read_text(encoding="utf-8").splitlines()
    assert len(measured) > 3
    assert [row for row in measured if row not in told] == []


def test_a_picture_stands_on_a_ground_of_its_own_in_light_and_dark(folder: Path):
    bars = [("<ours>", 1.0), ("theirs", 12_345.0)]
    page.write([part("flows", Section("A", "", ("b",), bars=bars, more={"20 ms of network": bars}))])
    picture, away = sorted(folder.glob("performance-*.svg"), reverse=True)
    assert away.name == "performance-a-20-ms-of-network.svg"
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


def test_a_bound_is_measured_three_times_and_the_middle_counts_with_its_row():
    values = iter([3.0, 1.2, 0.5])

    def measure() -> tuple[Bound, str]:
        value = next(values)
        return Bound("x", value, 1.25), f"row of {value}"

    bound, row = middle_of(measure)
    assert (bound.value, row) == (1.2, "row of 1.2")
