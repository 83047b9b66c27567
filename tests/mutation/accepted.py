"""Changes that change nothing that anybody could see, each kind with the reason: they are not counted."""

import re
from collections.abc import Mapping

from tests.mutation.mutants import Mutant

ACCEPTED: Mapping[str, Mapping[str, str]] = {
    "chain": {
        r"DO \$leftover\$ .*: left out$": "only an interrupted run leaves what it removes; runs are interrupted elsewhere",
        r"AT_ValidateConstraint (fk_\w*user_id|fk_users_id|ck_student_progress_status)$": "in v2 it is valid",
        r"AT_ValidateConstraint ck_\w+_(price|percentage|seconds|achievement_id|time_spent)$": "in v2 it is valid",
        r"AT_ValidateConstraint ck_\w+_(modules|lessons)_completed$": "in v2 it is valid",
        r"INSERT INTO public\.users \(id, email, full_name, role\) SELECT .*: doubled$": "it skips who is there",
        r"downgrade: COMMENT .*: backwards$": "comments, in whatever order, are the same comments",
    },
    "flows": {
        r"RETURNING revoked_(at|reason) of step issue_certificate$": "a certificate that was issued just now is not revoked",
        r"revoke_certificate: RETURNING (verification_code|url|full_name|issued_at) of step": "as it was before, beside it",
        r"correct_student: RETURNING (user_id|id) of step update_(student|user)$": "only whether there is a row is asked",
        r"correct_student: WHERE NOT\(EXISTS": "the unique keys refuse it, too, and that is told as the same error",
        r"list_students: WHERE .* days\.begins .* IS NOT NULL \(2\)$": "the count of the same statement asks it first",
        r"update_video_tracking: WHERE video\.id IS NULL$": "a second row of one video is not inserted anyway",
        r"update_video_tracking: WHERE COALESCE\(watched\.progress_status": "its ON CONFLICT asks the row the same",
        r"create_tripwire_user: WHERE facts\.user_id IS NULL$": "as if it had lost a race, it is sent again, with the same result",
        r"complete_lesson: WHERE other\.(id|module_id) .* public\.lessons\.\w+$": "told wrong, it is sent once more, with the same result",
        r"complete_lesson: WHERE gate\.user_id .* complete_progress\.user_id( \(2\))?$": "one student, one row on each side",
    },
}
"""By part, what is searched in a mutant's name, and why it is no fault."""


def reason(part: str, mutant: Mutant) -> str | None:
    """Why this change is no fault; None where it is one."""
    return next((why for name, why in ACCEPTED.get(part, {}).items() if re.search(name, mutant.name)), None)
