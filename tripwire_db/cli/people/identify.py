"""Tells who is meant: people are named by their id or their e-mail, as one has it at hand."""

from typing import TYPE_CHECKING
from uuid import UUID

from tripwire_db.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from tripwire_db.flows.shared.auth_user import AuthUserFacts


def student_id(database_url: str, who: str) -> UUID:
    """The id of a student; an id is taken as it is.

    Raises:
        InvalidInput: neither an id nor an e-mail.
        NotFound: no student has this e-mail.
    """
    if (given := _as_id(who)) is not None:
        return given
    holder = _holder(database_url, "STUDENT", who)
    if holder is None or holder.user_id is None or not holder.is_student:
        raise NotFound("student", who, "`tripwire-db student list` shows who there is")
    return holder.user_id


def manager_id(database_url: str, who: str) -> UUID:
    """The id of a manager; an id is taken as it is.

    Raises:
        InvalidInput: neither an id nor an e-mail.
        NotFound: nobody but perhaps a student has this e-mail.
    """
    if (given := _as_id(who)) is not None:
        return given
    holder = _holder(database_url, "MANAGER", who)
    if holder is None or holder.user_id is None or holder.role in (None, "student"):
        raise NotFound("manager", who, "`tripwire-db leaderboard` shows who sells")
    return holder.user_id


def _as_id(who: str) -> UUID | None:
    try:
        return UUID(who)
    except ValueError:
        return None


def _holder(database_url: str, name: str, who: str) -> "AuthUserFacts | None":
    from tripwire_db.engine.database import Database
    from tripwire_db.flows.shared.auth_user import find_by_email
    from tripwire_db.settings import Settings
    from tripwire_db.validation import parse_email

    if "@" not in who:
        raise InvalidInput(f"{name} must be an id (a UUID) or an e-mail address")
    flow = find_by_email(email=parse_email(name, who))
    database = Database(database_url, pool_size=1, transaction_pooler=Settings.from_env().transaction_pooler)
    try:
        return database.run(flow)
    finally:
        database.close()
