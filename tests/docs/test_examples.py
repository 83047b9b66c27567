"""The Python of README and docs runs as it stands, on a migrated database."""

import re
from pathlib import Path
from typing import Any

import pytest

from tripwire_db import PostgresAuth, TripwireRepository

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/repository.md", "docs/video.md")
_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run(page: str, database_url: str) -> None:
    blocks = _BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    with TripwireRepository.connect(database_url, auth=PostgresAuth(database_url)) as repository:
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


def test_every_page_of_the_documentation_is_named_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert [page.name for page in sorted((ROOT / "docs").glob("*.md")) if f"docs/{page.name}" not in readme] == []


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = [
        (page.name, target)
        for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"))
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []
