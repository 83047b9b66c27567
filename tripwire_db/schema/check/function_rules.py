"""Rules about functions: what they run as, what PostgreSQL believes of them, what they stand in place of."""

from collections.abc import Iterator

from tripwire_db.postgres.catalog import Catalog, Key, Object
from tripwire_db.schema.check.run import Told
from tripwire_db.schema.project import Project

RULES = {
    "definer-without-search-path": "A SECURITY DEFINER function has a fixed search_path.",
    "definer-in-public": "A SECURITY DEFINER function stands in a schema that the API does not show.",
    "function-traits": "A function keeps its owner, its volatility, SECURITY DEFINER, its search_path and whether it is parallel safe; "
    "none is LEAKPROOF.",
    "function-around-policies": "A function that works with its owner's rights and that the API's callers may call stands in a "
    "schema of the chain, and executes no text.",
    "one-signature": "A function of the API has one signature.",
    "shadows-built-in": "No function, operator or cast is found in place of one of PostgreSQL's own.",
}

# What PostgreSQL believes of a function, or lets it do; each with what a change of it does.
_TRAITS = {
    "owner": "what runs as its owner runs as somebody else",
    "runs_as_owner": "it has other rights than those who rely on it were given",
    "volatility": "a policy or a prepared statement may be given an old answer, or ask again for every row",
    "parallel": "it may run in a worker, which sees no temporary table and may write nothing",
    "settings": "its names may mean something else",
}


def judge(before: Catalog, after: Catalog, project: Project) -> Iterator[Told]:
    """Yield `(rule, message, fragment)` for each thing that is wrong after a revision and was not before."""
    for key, item in sorted(after.items(), key=lambda pair: str(pair[0])):
        was = before.get(key)
        if was is not None and was.attributes == item.attributes:
            continue
        if key.kind == "function":
            yield from _definer(item, project)
            yield from _traits(was, item)
            yield from _overloads(key, after, project)
        elif key.kind == "open_function":
            yield from _around(key, item, project)
        elif key.kind == "shadow":
            name = key.name.partition("(")[0].rpartition(".")[2]
            yield (
                "shadows-built-in",
                f"{key.name} may be found in place of PostgreSQL's own, by anybody's statements",
                name,
            )


def _definer(function: Object, project: Project) -> Iterator[Told]:
    if function.attributes["runs_as_owner"] != "yes":
        return
    schema, name = _parts(function.key)
    if "search_path=" not in (function.attributes["settings"] or ""):
        yield "definer-without-search-path", f"{function.key} runs as its owner without a fixed search_path", name
    if schema == project.api_schema:
        yield (
            "definer-in-public",
            f"{function.key} runs as its owner and is in the API; move it to a schema that the API does not show",
            name,
        )


def _traits(was: Object | None, function: Object) -> Iterator[Told]:
    _, name = _parts(function.key)
    if function.attributes["leakproof"] == "yes" and (was is None or was.attributes["leakproof"] != "yes"):
        yield (
            "function-traits",
            f"{function.key} is LEAKPROOF: it is called with rows that policies and views hide",
            (f"{name}(", name),
        )
    if was is None:
        return
    for trait, means in _TRAITS.items():
        old, new = was.attributes[trait], function.attributes[trait]
        if old != new and not (trait == "settings" and _only_pins(old, new)):
            told = f"{trait.replace('_', ' ')} of {function.key} changes from {old or 'nothing'} to {new or 'nothing'}: {means}"
            yield "function-traits", told, (f"{name}(", name)


def _only_pins(old: str | None, new: str | None) -> bool:
    """Whether a search path is fixed that was not."""
    return old is None and (new or "").startswith("search_path=") and ", " not in (new or "").partition("=")[2]


def _overloads(key: Key, after: Catalog, project: Project) -> Iterator[Told]:
    schema, name = _parts(key)
    alike = [one for one in after if one.kind == "function" and one.name.startswith(f"{schema}.{name}(")]
    if schema == project.api_schema and len(alike) > 1:
        told = f"{schema}.{name} has {len(alike)} signatures: the API answers 300 where it cannot tell which is meant; drop the old one"
        yield "one-signature", told, name


def _around(key: Key, item: Object, project: Project) -> Iterator[Told]:
    schema, name = _parts(key)
    table = key.name.rpartition(" over ")[2]
    if schema in project.schemas and table != "any table":
        return  # in the API it is told by definer-in-public; elsewhere in the chain it is what policies ask
    told = (
        f"{item.attributes['open_to']} may reach {table} by the function {schema}.{name}, which has its owner's rights"
    )
    yield "function-around-policies", told, name


def _parts(key: Key) -> tuple[str, str]:
    schema, _, rest = key.name.partition(".")
    return schema, rest.partition("(")[0]
