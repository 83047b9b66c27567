"""What a difference means: whom it lets in, what it stops, what is lost. Said where the difference itself does not."""

from collections.abc import Callable, Mapping

from tripwire_db.postgres.catalog import CALLERS, OWNER
from tripwire_db.schema.drift.report import DriftedObject


def meaning_of(finding: DriftedObject) -> str | None:
    """Say what a finding means; None where the difference says it all."""
    tell = _TELL.get(finding.kind)
    return tell(finding) if tell is not None else None


def _found(finding: DriftedObject) -> Mapping[str, str]:
    return {difference.attribute: difference.found or "" for difference in finding.differences}


def _membership(finding: DriftedObject) -> str | None:
    member, _, role = finding.name.partition(" in ")
    if finding.change == "missing":
        return f"{member} can no longer become {role}, so PostgREST refuses such requests"
    if finding.change == "changed":
        if _found(finding).get("inherits") == "yes":
            return f"{member} has at once all that {role} may, with no SET ROLE in between"
        return f"{member} may make others members of {role}"
    if role in ("pg_read_all_data", "pg_write_all_data"):
        verb = "reads" if role == "pg_read_all_data" else "writes"
        return f"{member} {verb} every table and view, whatever is granted; row-level security alone is left"
    if role in ("pg_read_server_files", "pg_write_server_files", "pg_execute_server_program"):
        return f"{member} reaches the server's files or programs, and by them everything"
    if role == OWNER:
        return f"{member} may change, drop and read everything of the chain's: it is the owner"
    if role == "service_role":
        return f"{member} may act as the backend: past row-level security, into every student's rows"
    return f"{member} may do whatever {role} may"


_OF_ROLE = {
    "superuser": "may do everything",
    "bypasses_row_level_security": "sees and changes every row that it has a grant on, past the policies",
    "may_log_in": "may connect by itself, without PostgREST",
    "may_create_roles": "may make roles, and members of roles",
    "may_create_databases": "may make databases",
    "may_replicate": "may copy the whole server by replication",
    "inherits": "has at once all that anon, authenticated and service_role may, with no SET ROLE in between",
}


def _role(finding: DriftedObject) -> str | None:
    if finding.change == "missing":
        return f"there is no role {finding.name}: PostgREST cannot run requests as it"
    now = [_OF_ROLE[name] for name, value in _found(finding).items() if value == "yes" and name in _OF_ROLE]
    lost = [difference.attribute for difference in finding.differences if difference.found == "no"]
    if now:
        return f"{finding.name} {'; '.join(now)}"
    if "bypasses_row_level_security" in lost:
        return f"row-level security now holds for {finding.name}, which the backends work as"
    return None


def _grant(finding: DriftedObject) -> str | None:
    target, _, role = finding.name.rpartition(" to ")
    if finding.change == "missing":
        return (
            f"{role} finds nothing in schema {target}: its requests fail" if target in ("public", "tripwire") else None
        )
    whom = "everybody" if role == "public" else role
    gained = _found(finding).get("privileges", "")
    if (beyond := _beyond_tables(target, finding.on_table, gained)) is not None:
        return f"{whom} may {beyond}"
    if role in ("anon", "public"):
        return f"visitors who are not signed in have {gained} on {target}, as far as policies and functions let them"
    if "MAINTAIN" in gained:
        return (
            f"{whom} may lock {target} against everybody (LOCK TABLE, REINDEX, VACUUM FULL), whatever its policies say"
        )
    return None


def _beyond_tables(target: str, on_table: str | None, gained: str) -> str | None:
    """What a grant that is none on a table of the chain lets its holder do."""
    if target.startswith("parameter "):
        return "set what only a superuser may: triggers, keys and checks can be switched off by it"
    if target.startswith("pg_catalog."):
        return "use what PostgreSQL keeps to itself"
    if "CREATE" in gained and target in _CREATED_IN:
        return _CREATED_IN[target]
    if on_table == "auth.users":
        return "read what Supabase Auth keeps of people, hashes of their passwords included"
    return None


_CREATED_IN = {
    "auth": "make functions where policies ask who calls",
    "database": "make schemas in this database",
    "public": "make functions and operators that others' statements find in place of the built-in ones",
}


def _policy(finding: DriftedObject) -> str | None:
    found = _found(finding)
    roles = found.get("roles", "")
    if finding.change == "missing":
        return f"rows of {finding.on_table} that it let through are hidden now"
    if {"anon", "public"} & set(roles.split(", ")):
        return f"rows of {finding.on_table} are open to visitors who are not signed in, where they have a grant"
    if found.get("whatever_the_row") == "yes" or "true" in (found.get("using"), found.get("with_check")):
        return f"every row of {finding.on_table} is open to the policy's roles, whoever asks"
    return None


def _table(finding: DriftedObject) -> str | None:
    found = _found(finding)
    if found.get("row_level_security") == "no":
        return f"policies no longer count: every row of {finding.name} is open to whoever has a grant"
    if found.get("forced_row_level_security") == "yes":
        return "the functions that run as the owner see nothing any more"
    if found.get("persistence") == "u":
        return f"{finding.name} is emptied by a crash of the server, and is on no standby"
    return None


def _open(finding: DriftedObject) -> str | None:
    if finding.change == "missing":
        return None
    thing, _, table = finding.name.rpartition(" over ")
    callers = _found(finding).get("open_to", " and ".join(CALLERS))
    return f"{callers} may reach rows of {table} through {thing}, which has its owner's rights: no policy holds there"


def _function(finding: DriftedObject) -> str | None:
    if finding.change == "extra":
        return "the API has two of this name: PostgREST answers 300 where it cannot tell which one is meant"
    found = _found(finding)
    if found.get("leakproof") == "yes":
        return "it is called with rows that policies hide, and may tell of them"
    if found.get("volatility") == "immutable":
        return "a prepared statement may keep one caller's answer for the next"
    if found.get("runs_as_owner") == "yes":
        return "whoever may call it has its owner's rights in it"
    if found.get("runs_as_owner") == "no":
        return "it sees what its caller sees: policies and triggers that ask it may see nothing"
    return None


def _event_trigger(finding: DriftedObject) -> str | None:
    if finding.change != "extra":
        return None
    return "it runs with the rights of whoever changes the schema or logs in, the role that migrates among them"


def _shadow(_: DriftedObject) -> str:
    return "statements may find it in place of PostgreSQL's own, whoever runs them"


def _auth_function(finding: DriftedObject) -> str:
    if finding.change == "missing":
        return "the policies and functions that ask it fail"
    return "policies ask it who calls: whoever can change what it answers is whomever they like"


def _child(finding: DriftedObject) -> str:
    return f"its rows are counted and read with those of {finding.on_table}, whose keys, checks and policies do not hold there"


def _referrer(finding: DriftedObject) -> str | None:
    found = _found(finding).get("on_deletion", "")
    if found.startswith("refuses"):
        return f"a row of {finding.on_table} that it points at cannot be deleted: deleting a student may fail"
    if found.startswith("deletes"):
        return f"deleting a row of {finding.on_table} deletes there, too"
    return f"deleting a row of {finding.on_table} changes rows there" if found else None


def _setting(finding: DriftedObject) -> str | None:
    if "session_replication_role" in finding.name and finding.change != "missing":
        return "triggers and foreign keys do not fire in such sessions"
    return None


def _default_privilege(finding: DriftedObject) -> str | None:
    if finding.change == "missing":
        return None
    return "what is made later is open by itself, unless its revision revokes it (ours do)"


def _publication(finding: DriftedObject) -> str | None:
    if finding.change == "missing":
        return "subscribers are told of no changes of it any more"
    return f"every change of {finding.on_table} is sent to the publication's subscribers, on Supabase to realtime"


def _column_detail(finding: DriftedObject) -> str | None:
    if _found(finding).get("not_null_not_valid"):
        return "rows from before may hold NULL: it was never validated"
    return "slower or larger at worst; no value differs"


def _sequence(finding: DriftedObject) -> str | None:
    found = _found(finding)
    if found.get("persistence") == "u":
        return "a crash of the server sets it back to its start, and numbers come twice"
    if "next number" in found:
        return "its next numbers are taken: what asks for one fails until it has passed them"
    return None


def _physical(_: DriftedObject) -> str:
    return "slower or larger at worst; no value differs"


_TELL: Mapping[str, Callable[[DriftedObject], str | None]] = {
    "auth_function": _auth_function,
    "child": _child,
    "column_detail": _column_detail,
    "default_privilege": _default_privilege,
    "event_trigger": _event_trigger,
    "function": _function,
    "grant": _grant,
    "membership": _membership,
    "open_function": _open,
    "open_view": _open,
    "policy": _policy,
    "publication": _publication,
    "referrer": _referrer,
    "role": _role,
    "sequence": _sequence,
    "setting": _setting,
    "shadow": _shadow,
    "statistics": _physical,
    "table": _table,
    "toast": _physical,
}
