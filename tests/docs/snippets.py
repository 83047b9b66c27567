"""The files that a page shows: each block of code that begins with its file's name, as in `# app.py`."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```\w+\n# (\S+\.\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def files_of(page: str) -> dict[str, str]:
    """Names to contents."""
    return dict(_BLOCK.findall((DOCS / page).read_text(encoding="utf-8")))


def write_files(page: str, folder: Path) -> None:
    """Write the page's files as a reader would."""
    for name, content in files_of(page).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
