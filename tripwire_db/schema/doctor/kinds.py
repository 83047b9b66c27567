"""The kinds of findings, in the order in which they are mended: people first, then their rows, then what counts them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from tripwire_db.schema.doctor.damage import Damage
from tripwire_db.schema.doctor.segments import read_string


class Remedy(Enum):
    """How a finding is mended; one whose `wanted` is None is not mended at all, whatever stands here."""

    ROWS = "the row is inserted, or its columns are updated, by a plain statement"
    CERTIFICATE = "the certificate is issued by the flow issue_certificate"
    INDEX = "the index is built again beside the traffic"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding; its query is `sql/<name>.sql`.

    Attributes:
        name: as `--json` shows it.
        title: one line for people.
        remedy: how it is mended.
        refine: looks at what SQL alone cannot tell.
    """

    name: str
    title: str
    remedy: Remedy = Remedy.ROWS
    refine: Callable[[Damage], Damage] = replace


KINDS = (
    Kind("half_made", "auth users of ours without their rows"),
    Kind("student_missing", "a student's rows without the student"),
    Kind("duplicate", "more rows than there may be"),
    Kind("auth_user_missing", "students and rows without an auth user"),
    Kind("user_missing", "students and sellers without a users row"),
    Kind("email", "e-mails that are NULL or not in lower case"),
    Kind("email_changed", "e-mails that were changed in the auth service alone"),
    Kind("auth_user_deleted", "people whose auth user was softly deleted"),
    Kind("auth_user_banned", "people whom the auth service keeps out"),
    Kind("unlock_missing", "students stuck before a module"),
    Kind("progress_missing", "open modules without progress"),
    Kind("video_missing", "open modules without video tracking"),
    Kind("segments", "watched segments that are no array", refine=read_string),
    Kind("video", "seconds and percentages that differ from what was counted"),
    Kind("held_back", "qualified, but held"),
    Kind("duration", "lessons whose videos were mostly tracked with another duration"),
    Kind("modules_completed", "module counters that differ from a recount"),
    Kind("profile_missing", "students without a profile"),
    Kind("profile", "profiles that differ from a recount"),
    Kind("statistics_missing", "students without statistics"),
    Kind("statistics", "statistics that differ from a recount"),
    Kind("achievement_missing", "students without an achievement"),
    Kind("achievement", "achievements that differ from a recount"),
    Kind("certificate_twice", "students with two certificates"),
    Kind("certificate_in_profile", "profiles that show another certificate than there is"),
    Kind("certificate_missing", "completed without a certificate", remedy=Remedy.CERTIFICATE),
    Kind("invalid_index", "INVALID indexes", remedy=Remedy.INDEX),
)

BY_NAME = {kind.name: kind for kind in KINDS}
