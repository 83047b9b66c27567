"""The Python of README and docs runs as it stands, on a migrated database."""

import re
from pathlib import Path
from typing import Any

import pytest

from tripwire_db import PostgresAuth, TripwireRepository

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md",
    "docs/tutorial/first-student.md",
    "docs/reference/repository.md",
    "docs/explanation/video.md",
    "docs/explanation/processes.md",
)
_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run(page: str, database_url: str) -> None:
    blocks = _BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    with (
        PostgresAuth(database_url) as auth,
        TripwireRepository.connect(database_url, auth=auth) as repository,
    ):
        manager = repository.create_manager(email="manager@example.org", full_name="Manager")
        student = repository.create_tripwire_user(
            email="student@example.org", full_name="Student", manager_id=manager.user_id
        )
        names: dict[str, Any] = {
            "url": database_url,
            "repository": repository,
            "manager_id": manager.user_id,
            "student": student,
        }

        assert blocks
        for block in blocks:
            exec(compile(block, page, "exec"), dict(names))  # noqa: S102 - our own documentation


def links(page: Path) -> set[Path]:
    """The files of the project that a page links to."""
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    return {(page.parent / target).resolve() for target in targets}


PAGES_OF_DOCS = sorted((ROOT / "docs").rglob("*.md"))


def test_every_page_of_the_documentation_is_reached_from_the_readme_by_links() -> None:
    reached: set[Path] = set()
    ahead = {ROOT / "README.md"}
    while ahead:
        page = ahead.pop()
        reached.add(page)
        ahead |= {found for found in links(page) if found.suffix == ".md" and found.exists()} - reached

    assert [page for page in PAGES_OF_DOCS if page not in reached] == []


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = [
        (page.name, target)
        for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES_OF_DOCS)
        for target in links(page)
        if not target.exists()
    ]
    assert broken == []
