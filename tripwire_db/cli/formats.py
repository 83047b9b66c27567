"""Prints lists for machines: JSON, JSON with the page's place and total, or CSV for a spreadsheet."""

import csv
import dataclasses
import io
import json
import sys
from collections.abc import Sequence
from typing import Any

from tripwire_db.cli import output
from tripwire_db.errors import InvalidInput
from tripwire_db.safe_text import printable

# What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@")


def chosen(**formats: bool) -> str:
    """The one of `json`, `csv` and `page_json` that is asked for; empty for people.

    Raises:
        InvalidInput: more than one is.
    """
    names = [name for name, wanted in formats.items() if wanted]
    if len(names) > 1:
        raise InvalidInput(f"give one of --{', --'.join(names)}".replace("_", "-"))
    return names[0] if names else ""


def show(form: str, rows: Sequence[Any], of: type) -> bool:
    """Print a list in the form that `chosen` gave; False, and nothing printed, where people shall read it.

    Args:
        form: as `chosen` gives it; `page_json` needs a `Page`.
        rows: results of one kind.
        of: that kind, whose fields are the columns, of an empty list too.
    """
    if form == "json":
        output.show_json(list(rows))
    elif form == "page_json":
        output.show_json(rows)
    elif form == "csv":
        _show_csv(rows, [field.name for field in dataclasses.fields(of)])
    return bool(form)


def _show_csv(rows: Sequence[Any], names: Sequence[str]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(output.plain(getattr(row, name))) for name in names])
    sys.stdout.write(text.getvalue())


def _cell(value: object) -> object:
    """A value as in JSON, but text that a spreadsheet would run is quoted by an apostrophe, as people do it there."""
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return value
    safe = printable(value, one_line=True)
    return f"'{safe}" if safe.startswith(_FORMULA) else safe
