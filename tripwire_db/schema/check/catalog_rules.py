"""Rules told by what a revision does to the catalog: nothing that a DO block or a function hides escapes them."""

import re
from collections.abc import Iterator

from tripwire_db.postgres.catalog import OWNER, Catalog, Key, Object
from tripwire_db.schema.check.chain import Revision
from tripwire_db.schema.check.run import Told
from tripwire_db.schema.project import Project

RULES = {
    "grant-to-anon": "Nobody who is not signed in gains anything: no GRANT to anon or PUBLIC.",
    "table-without-rls": "A table in public has row-level security switched on, not forced, and a policy.",
    "trigger": "A trigger sets updated_at and does nothing else; no rule and no event trigger does anything.",
    "undeclared-loss": "What drops a table, a column or a sequence of public declares the loss (LOSSES).",
}

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_ASSIGNED = re.compile(r"(?:^|;|\bBEGIN\b|\bTHEN\b|\bELSE\b)\s*([\w.\"]+)\s*:?=", re.IGNORECASE)
_DOES_MORE = re.compile(
    r"\b(insert|update|delete|merge|truncate|perform|execute|call|notify|raise|into|copy)\b(?!\s*=)", re.IGNORECASE
)
_LOSABLE = ("table", "column", "sequence")


def judge(revision: Revision, before: Catalog, after: Catalog, project: Project) -> Iterator[Told]:
    """Yield `(rule, message, fragments)` for each thing that is wrong after a revision and was not before."""
    for key in sorted({*after} - {*before}, key=str):
        yield from _new(key, after[key], project)
    for key in sorted({*after} & {*before}, key=str):
        if after[key].attributes != before[key].attributes:
            yield from _changed(before[key], after[key], project)
    yield from _tables(before, after, project)
    yield from _triggers(before, after)
    if not revision.declares_losses:
        for key in sorted(_lost(before, after, project), key=str):
            yield "undeclared-loss", f"the upgrade drops {key}; declare it in LOSSES, or keep it", _last(key.name)


def judge_downgrade(revision: Revision, above: Catalog, below: Catalog, project: Project) -> Iterator[Told]:
    """The same for the way down: what it drops is declared."""
    if not revision.declares_losses:
        for key in sorted(_lost(above, below, project), key=str):
            yield "undeclared-loss", f"the downgrade drops {key}; declare it in LOSSES", _last(key.name)


def access_notes(before: Catalog, after: Catalog) -> Iterator[str]:
    """Which role gained or lost what, as in `anon gains SELECT on public.lessons`."""
    for key in sorted({k for k in {*before, *after} if k.kind == "grant"}, key=str):
        target, _, role = key.name.rpartition(" to ")
        if role == OWNER:
            continue
        old, new = _privileges(before.get(key)), _privileges(after.get(key))
        if gained := sorted(new - old):
            yield f"{role} gains {', '.join(gained)} on {target}"
        if lost := sorted(old - new):
            yield f"{role} loses {', '.join(lost)} on {target}"
    for key in sorted({k for k in {*before, *after} if k.kind == "policy"}, key=str):
        old_policy, new_policy = before.get(key), after.get(key)
        if (old_policy and old_policy.attributes) == (new_policy and new_policy.attributes):
            continue
        policy = new_policy or old_policy
        verb = "adds" if old_policy is None else "drops" if new_policy is None else "changes"
        if policy is not None:
            command, roles = policy.attributes["command"], policy.attributes["roles"]
            yield f"{verb} the policy {key.name} for {command} to {roles}"
    for key in sorted({k for k in {*before, *after} if k.kind == "table"}, key=str):
        old_switch = before[key].attributes["row_level_security"] if key in before else "no"
        new_switch = after[key].attributes["row_level_security"] if key in after else "no"
        if old_switch != new_switch:
            yield f"row-level security of {key.name} is switched {'on' if new_switch == 'yes' else 'off'}"


def _new(key: Key, item: Object, project: Project) -> Iterator[Told]:
    if key.kind == "grant":
        yield from _grant(None, item, project)


def _changed(before: Object, after: Object, project: Project) -> Iterator[Told]:
    if after.key.kind == "grant":
        yield from _grant(before, after, project)


def _grant(before: Object | None, after: Object, project: Project) -> Iterator[Told]:
    target, _, role = after.key.name.rpartition(" to ")
    gained = sorted(_privileges(after) - _privileges(before))
    if role in project.visitors and gained:
        name = _last(target.partition("(")[0])
        because = (
            "; a new function is open to PUBLIC until that is revoked" if role == "public" and "(" in target else ""
        )
        schema = name if "." not in target else target.rpartition(".")[0]
        message = f"{role} gains {', '.join(gained)} on {target}{because}"
        yield "grant-to-anon", message, (name, f"IN SCHEMA {schema} TO {role}", f"TO {role}", "DEFAULT PRIVILEGES")


def _tables(before: Catalog, after: Catalog, project: Project) -> Iterator[Told]:
    for key, table in sorted(after.items(), key=lambda pair: str(pair[0])):
        if key.kind != "table" or not _in_api(key, project) or "table" not in (table.attributes["kind"] or ""):
            continue
        was = before.get(key)
        was_on = was is not None and was.attributes["row_level_security"] == "yes"
        is_on = table.attributes["row_level_security"] == "yes"
        if not is_on and (was is None or was_on):
            yield "table-without-rls", f"{key.name} is in the API without row-level security", _last(key.name)
        if table.attributes["forced_row_level_security"] == "yes" and (
            was is None or was.attributes["forced_row_level_security"] != "yes"
        ):
            told = f"{key.name} forces row-level security on its owner: functions that run as the owner see nothing"
            yield "table-without-rls", told, _last(key.name)
        if is_on and key.name not in _guarded(after) and (not was_on or key.name in _guarded(before)):
            message = f"{key.name} has row-level security and no policy: nobody but its owner sees a row"
            yield "table-without-rls", message, (f"POLICY {_last(key.name)}", _last(key.name))


def _guarded(catalog: Catalog) -> set[str | None]:
    """The tables that have a policy."""
    return {item.on_table for key, item in catalog.items() if key.kind == "policy"}


def _triggers(before: Catalog, after: Catalog) -> Iterator[Told]:
    """New triggers, and those whose function has changed, that do more than set updated_at."""
    functions = {key.name.partition("(")[0]: item for key, item in after.items() if key.kind == "function"}
    old = {key.name.partition("(")[0]: item for key, item in before.items() if key.kind == "function"}
    for key, item in sorted(after.items(), key=lambda pair: str(pair[0])):
        is_new = key not in before or before[key].attributes != item.attributes
        if key.kind in ("rule", "event_trigger") and is_new:
            whose = "others' statements" if key.kind == "rule" else "every later migration, as whoever runs it"
            yield (
                "trigger",
                f"{key} works in {whose}: what it does belongs into the statements that call for it",
                _last(key.name),
            )
        if key.kind != "trigger":
            continue
        if is_new and item.attributes["fires"] != "enabled":
            told = f"{key} is {item.attributes['fires']}: it fires where others do not, or not where they do"
            yield "trigger", told, (_last(key.name), item.on_table or "")
        called = (item.attributes["definition"] or "").rpartition(" EXECUTE FUNCTION ")[2].partition("(")[0]
        name = called if called in functions else f"public.{called}"
        function = functions.get(name)
        is_changed = function is not None and name in old and _definition(old[name]) != _definition(function)
        if (is_new or is_changed) and (function is None or not _sets_updated_at(_definition(function))):
            message = f"{key} does more than set updated_at: what it does belongs into the statements that call for it"
            yield "trigger", message, (_last(key.name), _last(name))


def _definition(function: Object) -> str:
    return function.attributes["definition"] or ""


def _sets_updated_at(definition: str) -> bool:
    """Whether a trigger function does nothing but NEW.updated_at = …, under a condition or not."""
    body = _COMMENT.sub("", definition.partition("\nAS ")[2])
    if not re.search(r"\bNEW\.updated_at\s*:?=", body, re.IGNORECASE) or _DOES_MORE.search(body):
        return False
    return all(target.lower() == "new.updated_at" for target in _ASSIGNED.findall(body))


def _lost(before: Catalog, after: Catalog, project: Project) -> set[Key]:
    gone = {
        key
        for key in {*before} - {*after}
        if key.kind in _LOSABLE and _in_api(key, project) and not _is_view(key, before)
    }
    # A column goes with its table, which is told.
    return {key for key in gone if Key("table", key.name.rpartition(".")[0]) not in gone}


def _is_view(key: Key, catalog: Catalog) -> bool:
    """Whether it is a view, or a column of one, whatever its options: it holds no rows of its own."""
    table = key if key.kind == "table" else Key("table", key.name.rpartition(".")[0])
    return table in catalog and catalog[table].attributes["kind"] not in ("table", "partitioned table")


def _in_api(key: Key, project: Project) -> bool:
    return key.name.startswith(f"{project.api_schema}.")


def _privileges(grant: Object | None) -> set[str]:
    return set((grant.attributes["privileges"] or "").split(", ")) if grant is not None else set()


def _last(name: str) -> str:
    return name.rpartition(".")[2]
