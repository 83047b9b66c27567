"""Names new revisions by their UTC time, so that files sort in the order of the chain."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from alembic.script import ScriptDirectory

_RANDOM = re.compile(r"[0-9a-f]{12}")
_FORMAT = "%Y%m%d%H%M%S"


def revision_id(script: ScriptDirectory, now: datetime) -> str:
    """Return 14 digits of UTC time, later than every head: clocks differ, and two may be made in one second."""
    moment = now.astimezone(UTC)
    for head in script.get_heads():
        if re.fullmatch(r"\d{14}", head):
            moment = max(moment, datetime.strptime(head, _FORMAT).replace(tzinfo=UTC) + timedelta(seconds=1))
    return moment.strftime(_FORMAT)


def namer(script: ScriptDirectory, chosen: str | None) -> Callable[[Any, Any, list[Any]], None]:
    """Return the hook that renames what `alembic revision` is about to write.

    Args:
        script: The chain so far.
        chosen: What was asked for with --rev-id; it stays.
    """

    def rename(_context: Any, _revision: Any, directives: list[Any]) -> None:
        for directive in directives:
            if directive.rev_id != chosen and _RANDOM.fullmatch(directive.rev_id or ""):
                directive.rev_id = revision_id(script, datetime.now(UTC))

    return rename
