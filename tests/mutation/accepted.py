"""Changes that change nothing that anybody could see, each kind with the reason: they are not counted."""

import re
from collections.abc import Mapping

from tests.mutation.mutants import Mutant

ACCEPTED: Mapping[str, Mapping[str, str]] = {
    "flows": {
        r"RETURNING revoked_(at|reason) of step issue_certificate$": "a certificate that was issued just now is not revoked",
        r"complete_lesson: WHERE gate\.user_id .* complete_progress\.user_id( \(2\))?$": "one student, one row on each side",
    },
}
"""By part, what is searched in a mutant's name, and why it is no fault."""


def reason(part: str, mutant: Mutant) -> str | None:
    """Why this change is no fault; None where it is one."""
    return next((why for name, why in ACCEPTED.get(part, {}).items() if re.search(name, mutant.name)), None)
