"""Reads watched segments that an older backend stored as a JSON string."""

import json
from dataclasses import replace
from typing import Any, NoReturn

from tripwire_db.schema.doctor.damage import Damage


def read_string(finding: Damage) -> Damage:
    """Where a string holds a JSON array, the array is what was meant."""
    stored: Any = (finding.found or {}).get("watched_segments")
    if not isinstance(stored, str):
        return finding
    try:
        content = json.loads(stored, parse_constant=_refuse)
    except (ValueError, RecursionError):  # a person must look: the finding says so
        return finding
    if not isinstance(content, list):
        return finding
    return replace(finding, wanted={"watched_segments": content}, reason="a JSON string that holds the array")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
