"""Rules about who gets in: roles, policies, views, schema `auth`, and tables beside the chain's own. Told by the catalog."""

from collections.abc import Iterator, Mapping

from tripwire_db.postgres.catalog import CALLERS, OWNER, ROLES, Catalog, Key, Object
from tripwire_db.schema.project import Project

RULES = {
    "api-roles": "The API's roles gain no attribute, no membership, no CREATE and no right that they may pass on or that no policy "
    "holds, and keep USAGE of its schema; nobody else becomes one of them or gains anything.",
    "open-policy": "No policy is for visitors (anon or PUBLIC), none lets its roles write whatever the row, and none that looked at the row "
    "stops doing so.",
    "view-around-policies": "A view that the API's callers may read is one with security_invoker: policies hold in it.",
    "auth-schema": "Schema auth is left alone, and nothing stands in the way of deleting an auth user.",
    "publication": "Nothing is published: no subscriber and no realtime is told of rows, past all policies.",
    "unlogged-or-inherited": "A table or sequence is logged, and no table inherits from another.",
}

# Row-level security does not stop these: they concern the table as a whole.
_PAST_POLICIES = {"TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"}
_LOGGED = ("table", "sequence")


def judge(before: Catalog, after: Catalog, project: Project) -> Iterator[tuple[str, str, str]]:
    """Yield `(rule, message, fragment)` for each thing that is wrong after a revision and was not before."""
    for key in sorted({*before, *after}, key=str):
        was, is_ = before.get(key), after.get(key)
        if (was and was.attributes) == (is_ and is_.attributes):
            continue
        yield from _roles(key, was, is_, project)
        yield from _auth(key, was, is_)
        if is_ is not None:
            yield from _tables(key, was, is_, project)
    yield from _published(before, after)


def _roles(key: Key, was: Object | None, is_: Object | None, project: Project) -> Iterator[tuple[str, str, str]]:
    if key.kind == "role" and was is not None:
        name = key.name
        yield (
            "api-roles",
            f"role {name} is changed; it belongs to every database of the server: leave it as it is",
            name,
        )
    elif key.kind == "membership":
        member, _, role = key.name.partition(" in ")
        if is_ is not None:
            yield "api-roles", f"{member} becomes a member of {role}, and may do all that {role} may", member
        else:
            fails = f": PostgREST's requests as {role} fail" if member == "authenticator" else ""
            yield "api-roles", f"{member} is no member of {role} any more{fails}", member
    elif key.kind == "default_privilege":
        role, gained = key.name.rpartition(" to ")[2], _privileges(is_) - _privileges(was)
        if gained and role in (*ROLES, *project.visitors):
            rule = "grant-to-anon" if role in project.visitors else "api-roles"
            told = f"default privileges {key.name}: what is made later has {', '.join(sorted(gained))} by itself"
            yield rule, told, "DEFAULT PRIVILEGES"
    elif key.kind == "grant":
        yield from _grant(key, _privileges(is_) - _privileges(was), _privileges(was) - _privileges(is_), project)


def _grant(key: Key, gained: set[str], lost: set[str], project: Project) -> Iterator[tuple[str, str, str]]:
    target, _, role = key.name.rpartition(" to ")
    rights = ", ".join(sorted(gained))
    yield from _too_much(target, role, gained)
    if gained and target.startswith(("parameter ", "pg_catalog.")):
        yield "api-roles", f"{role} gains {rights} on {target}, which is the server's", role
    if gained and role not in (*ROLES, OWNER, "public"):
        yield "api-roles", f"{role}, which is no role of the API, gains {rights} on {target}", role
    if role not in ROLES or target not in (*project.schemas, "database"):
        return
    if "CREATE" in gained:
        yield "api-roles", f"{role} may create in {_place(target)}: no role of the API makes anything", role
    if "USAGE" in lost and target == project.api_schema:
        yield "api-roles", f"{role} loses USAGE of {_place(target)}: all its requests fail", role


def _published(before: Catalog, after: Catalog) -> Iterator[tuple[str, str, str]]:
    """Each publication that tells of more, of less or of something else: told once, with its tables."""
    was, is_ = _publications(before), _publications(after)
    for name in sorted({*was, *is_}):
        old, new = was.get(name, {}), is_.get(name, {})
        # A table that is made later is in a publication of all tables by itself.
        more = {
            t for t, one in new.items() if one != old.get(t) and (not old or t in old or one["listed"] == "by name")
        }
        if more:
            yield "publication", f"{name} tells its subscribers of rows of {_some(more)}, whatever policies say", name
        if less := {table for table in old.keys() - new.keys() if Key("table", table) in after}:
            yield "publication", f"{name} tells its subscribers of {_some(less)} no more", name


def _publications(catalog: Catalog) -> dict[str, dict[str, Mapping[str, str | None]]]:
    found: dict[str, dict[str, Mapping[str, str | None]]] = {}
    for key, item in catalog.items():
        if key.kind == "publication":
            name, _, table = key.name.rpartition(" of ")
            found.setdefault(name, {})[table] = item.attributes
    return found


def _some(tables: set[str]) -> str:
    first, *others = sorted(tables)
    return f"{first} and {len(others)} more" if others else first


def _too_much(target: str, role: str, gained: set[str]) -> Iterator[tuple[str, str, str]]:
    passed_on = {privilege for privilege in gained if privilege.endswith(" with grant option")}
    if passed_on and role in ROLES:
        yield "api-roles", f"{role} may pass on {', '.join(sorted(passed_on))} of {target}: leave that out", role
    if role in CALLERS and (unheld := gained & _PAST_POLICIES):
        told = (
            f"{role} gains {', '.join(sorted(unheld))} on {target}, which no policy holds: grant what is needed by name"
        )
        yield "api-roles", told, role


def _auth(key: Key, was: Object | None, is_: Object | None) -> Iterator[tuple[str, str, str]]:
    item = is_ or was
    if item is None or item.on_table != "auth.users":
        return
    name = key.name.partition("(")[0].partition(" to ")[0].rpartition(".")[2]
    if key.kind == "auth_function":
        yield "auth-schema", f"{key.name} is replaced: every policy asks it who calls", name
    elif is_ is None:
        return
    elif key.kind == "referrer":
        yield (
            "auth-schema",
            f"the foreign key {name} keeps auth users from being deleted: give it ON DELETE CASCADE or SET NULL",
            name,
        )
    elif key.kind == "grant":
        yield "auth-schema", f"{key.name.rpartition(' to ')[2]} gains rights on {key.name.partition(' to ')[0]}", name
    elif key.kind in ("policy", "trigger"):
        yield "auth-schema", f"{key} is made on auth.users, which belongs to Supabase Auth", name


def _tables(key: Key, was: Object | None, is_: Object, project: Project) -> Iterator[tuple[str, str, str]]:
    name = key.name.partition(" ")[0].partition("(")[0].rpartition(".")[2]
    if key.kind == "policy" and is_.on_table != "auth.users":
        roles = set((is_.attributes["roles"] or "").split(", "))
        opens_all, widens = is_.attributes["whatever_the_row"] == "yes", is_.attributes["kind"] == "permissive"
        if widens and roles & set(project.visitors):
            rows = "every row" if opens_all else "rows"
            yield "open-policy", f"the policy {name} opens {rows} of {is_.on_table} to visitors", name
        elif widens and opens_all and is_.attributes["command"] != "SELECT" and roles & set(CALLERS):
            told = f"the policy {name} lets {', '.join(sorted(roles))} write every row of {is_.on_table}"
            yield "open-policy", told, name
        elif _looks_no_more(was, is_) and roles & set(CALLERS):
            yield (
                "open-policy",
                f"the policy {name} no longer looks at the row of {is_.on_table}, and opens all of them",
                name,
            )
    elif key.kind == "open_view":
        yield (
            "view-around-policies",
            f"{is_.attributes['open_to']} may read {is_.on_table} by the view {name} past its policies; make it "
            "WITH (security_invoker = true)",
            name,
        )
    elif key.kind == "child":
        yield (
            "unlogged-or-inherited",
            f"{key.name.replace(' under ', ' inherits from ')}: neither its policies nor its keys hold there",
            name,
        )
    elif key.kind in _LOGGED and is_.attributes["persistence"] == "u" and not _is_unlogged(was):
        yield "unlogged-or-inherited", f"{key} is unlogged: a crash of the server empties it", name


def _looks_no_more(was: Object | None, is_: Object) -> bool:
    looked = was is not None and was.attributes["whatever_the_row"] != "yes"
    return looked and is_.attributes["whatever_the_row"] == "yes"


def _is_unlogged(item: Object | None) -> bool:
    return item is not None and item.attributes["persistence"] == "u"


def _privileges(grant: Object | None) -> set[str]:
    return set((grant.attributes["privileges"] or "").split(", ")) if grant is not None else set()


def _place(target: str) -> str:
    return "the database" if target == "database" else f"schema {target}"
