"""Rules told by what a revision does to the catalog: nothing that a DO block or a function hides escapes them."""

from collections.abc import Iterator

from tripwire_db.postgres.catalog import OWNER, Catalog, Key, Object
from tripwire_db.schema.check.chain import Revision
from tripwire_db.schema.project import Project

RULES = {
    "grant-to-anon": "Nobody who is not signed in gains anything: no GRANT to anon or PUBLIC.",
    "definer-without-search-path": "A SECURITY DEFINER function has a fixed search_path.",
    "definer-in-public": "A SECURITY DEFINER function stands in a schema that the API does not show.",
    "table-without-rls": "A table in public has row-level security switched on, and a policy.",
    "index-not-concurrently": "An index on a table that is there already is built CONCURRENTLY.",
    "undeclared-loss": "What drops a table, a column or a sequence of public declares the loss (LOSSES).",
}

_LOSABLE = ("table", "column", "sequence")


def judge(
    revision: Revision, before: Catalog, after: Catalog, offline: str, project: Project
) -> Iterator[tuple[str, str, str]]:
    """Yield `(rule, message, fragment)` for each thing that is wrong after a revision and was not before."""
    for key in sorted({*after} - {*before}, key=str):
        yield from _new(key, after[key], before, offline, project)
    for key in sorted({*after} & {*before}, key=str):
        if after[key].attributes != before[key].attributes:
            yield from _changed(before[key], after[key], project)
    yield from _tables(before, after, project)
    if not revision.declares_losses:
        for key in sorted(_lost(before, after, project), key=str):
            yield "undeclared-loss", f"the upgrade drops {key}; declare it in LOSSES, or keep it", _last(key.name)


def judge_downgrade(
    revision: Revision, above: Catalog, below: Catalog, project: Project
) -> Iterator[tuple[str, str, str]]:
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


def _new(key: Key, item: Object, before: Catalog, offline: str, project: Project) -> Iterator[tuple[str, str, str]]:
    if key.kind == "grant":
        yield from _grant(None, item, project)
    if key.kind == "function":
        yield from _definer(item, project)
    if key.kind == "default_privilege" and key.name.endswith(tuple(f" to {role}" for role in project.visitors)):
        yield (
            "grant-to-anon",
            f"default privileges {key.name}: later objects would be open to visitors",
            "DEFAULT PRIVILEGES",
        )
    if key.kind == "index" and item.on_table and Key("table", item.on_table) in before:
        name = _last(key.name)
        if _nameless(item) in {_nameless(index) for old, index in before.items() if old.kind == "index"}:
            return  # renamed, not built
        if f"concurrently {name.lower()}" not in " ".join(offline.lower().split()):
            yield (
                "index-not-concurrently",
                f"index {name} is built on {item.on_table}, which is there already, and stops its writers meanwhile; "
                "build it CONCURRENTLY, in a revision of its own",
                name,
            )


def _nameless(index: Object) -> str:
    return (index.attributes["definition"] or "").replace(f" {_last(index.key.name)} ON ", " ON ", 1)


def _changed(before: Object, after: Object, project: Project) -> Iterator[tuple[str, str, str]]:
    if after.key.kind == "grant":
        yield from _grant(before, after, project)
    if after.key.kind == "function":
        yield from _definer(after, project)


def _grant(before: Object | None, after: Object, project: Project) -> Iterator[tuple[str, str, str]]:
    target, _, role = after.key.name.rpartition(" to ")
    gained = sorted(_privileges(after) - _privileges(before))
    if role in project.visitors and gained:
        name = _last(target.partition("(")[0])
        because = (
            "; a new function is open to PUBLIC until that is revoked" if role == "public" and "(" in target else ""
        )
        yield "grant-to-anon", f"{role} gains {', '.join(gained)} on {target}{because}", name


def _definer(function: Object, project: Project) -> Iterator[tuple[str, str, str]]:
    head = (function.attributes["definition"] or "").partition("\nAS ")[0].upper()
    if "SECURITY DEFINER" not in head:
        return
    schema, _, rest = function.key.name.partition(".")
    name = rest.partition("(")[0]
    if "SET SEARCH_PATH" not in head:
        yield "definer-without-search-path", f"{function.key} runs as its owner without a fixed search_path", name
    if schema == project.api_schema:
        yield (
            "definer-in-public",
            f"{function.key} runs as its owner and is in the API; move it to a schema that the API does not show",
            name,
        )


def _tables(before: Catalog, after: Catalog, project: Project) -> Iterator[tuple[str, str, str]]:
    for key, table in sorted(after.items(), key=lambda pair: str(pair[0])):
        if key.kind != "table" or not _in_api(key, project) or "table" not in (table.attributes["kind"] or ""):
            continue
        was = before.get(key)
        switched_off = was is not None and was.attributes["row_level_security"] == "yes"
        if table.attributes["row_level_security"] != "yes" and (was is None or switched_off):
            yield "table-without-rls", f"{key.name} is in the API without row-level security", _last(key.name)


def _lost(before: Catalog, after: Catalog, project: Project) -> set[Key]:
    gone = {key for key in {*before} - {*after} if key.kind in _LOSABLE and _in_api(key, project)}
    # A column goes with its table, which is told.
    return {key for key in gone if Key("table", key.name.rpartition(".")[0]) not in gone}


def _in_api(key: Key, project: Project) -> bool:
    return key.name.startswith(f"{project.api_schema}.")


def _privileges(grant: Object | None) -> set[str]:
    return set((grant.attributes["privileges"] or "").split(", ")) if grant is not None else set()


def _last(name: str) -> str:
    return name.rpartition(".")[2]
