"""Reads what `supabase gen types` writes: one entry for each thing that the API shows, named as `check` names it."""

import re

_TABLE = re.compile(
    r'"(?P<name>\w+)": \{\s+Row: \{(?P<row>.*?)\n\s+\}\s+ComputedFields: never\s+'
    r"(?:Insert: (?P<insert>.*?)\n\s+Update: (?P<update>.*?)\n\s+)?Relationships: \[(?P<relationships>.*?)\n\s+\]",
    re.DOTALL,
)
_COLUMN = re.compile(r'"(\w+)"\??: .*?(?=,"\w+"\??: |\n|$)')
_RELATIONSHIP = re.compile(r'\{\s+foreignKeyName: "(\w+)"(.*?)\}', re.DOTALL)
_FUNCTION = re.compile(r'^ *"(\w+)":\n(.*?)\n {20,}\}', re.DOTALL | re.MULTILINE)
_ENUM = re.compile(r'"(\w+)": ((?:"[^"]*"(?: \| )?)+)')
_COMPOSITE = re.compile(r'"(\w+)": \{(.*?)\}', re.DOTALL)


def entries(text: str) -> dict[str, tuple[str, ...]]:
    """Give each table, view, column, relationship, function and type, with all that is said of it."""
    schema = text.partition("export type Database = ")[2].partition("type DatabaseWithoutInternals")[0]
    found: dict[str, tuple[str, ...]] = {}
    relations, rest = schema.split("Functions: {", 1)
    functions, rest = rest.split("Enums: {", 1)
    enums, composites = rest.split("CompositeTypes: {", 1)
    for part in relations.split("Views: {"):
        for table in _TABLE.finditer(part):
            found |= _table(table)
    for name, said in _FUNCTION.findall(functions):
        found[f"function public.{name}"] = (said,)
    for name, said in (*_ENUM.findall(enums), *_COMPOSITE.findall(composites)):
        found[f"type public.{name}"] = (said,)
    return found


def _table(table: re.Match[str]) -> dict[str, tuple[str, ...]]:
    name = f"public.{table['name']}"
    found: dict[str, tuple[str, ...]] = {f"table {name}": ()}
    for part in (table["row"], table["insert"] or "", table["update"] or ""):
        for column in _COLUMN.finditer(part):
            key = f"column {name}.{column[1]}"
            found[key] = (*found.get(key, ()), column[0])
    for constraint, said in _RELATIONSHIP.findall(table["relationships"]):
        found[f"relationship {name}.{constraint}"] = (said,)
    return found
