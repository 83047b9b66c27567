"""Functions and operators planted in `public`, named like the built-in ones and fitting better: whoever runs one fails."""

import re
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parents[2]

ONE = "text varchar name int2 int4 int8 numeric uuid timestamptz date bool jsonb json oid bytea interval float8".split()
MANY = ["text[]", "varchar[]", "name[]", "uuid[]", "int4[]", "int8[]", "int8range", "int8multirange"]
PAIRS = "text varchar name int2 int4 int8 numeric uuid timestamptz date bool jsonb text[] uuid[] int8[]".split()
OPERATORS = "= <> < > <= >= || + - * / % ->> -> @> <@ && ~ !~ ~* ~~ !~~ ~~*".split()

# One body for all of them, run by whoever comes: as a superuser it could do anything.
PLANT = """
CREATE FUNCTION public.trap(what text) RETURNS text LANGUAGE plpgsql AS $trap$
BEGIN
    RAISE EXCEPTION 'planted: %% was run as %%', what, current_user USING ERRCODE = 'XX001';
END
$trap$;
DO $plant$
DECLARE
    function text;
    operator text;
    one text;
    other text;
BEGIN
    PERFORM set_config('check_function_bodies', 'off', true);
    FOREACH one IN ARRAY %(types)s::text[] LOOP
        FOREACH function IN ARRAY %(functions)s::text[] LOOP
            EXECUTE format(
                'CREATE FUNCTION public.%%I(%%s) RETURNS text LANGUAGE sql AS $body$ SELECT public.trap(%%L) $body$',
                function, one, format('%%s(%%s)', function, one)
            );
        END LOOP;
    END LOOP;
    FOREACH one IN ARRAY %(pairs)s::text[] LOOP
        FOREACH other IN ARRAY %(pairs)s::text[] LOOP
            FOREACH function IN ARRAY %(functions)s::text[] LOOP
                EXECUTE format(
                    'CREATE FUNCTION public.%%I(%%s, %%s) RETURNS text LANGUAGE sql AS $body$ SELECT public.trap(%%L) $body$',
                    function, one, other, format('%%s(%%s, %%s)', function, one, other)
                );
            END LOOP;
            EXECUTE format(
                'CREATE FUNCTION public.trap_of(%%s, %%s) RETURNS bool LANGUAGE sql AS $body$ SELECT public.trap(%%L) IS NULL $body$',
                one, other, format('an operator between %%s and %%s', one, other)
            );
            FOREACH operator IN ARRAY %(operators)s::text[] LOOP
                EXECUTE format(
                    'CREATE OPERATOR public.%%s (LEFTARG = %%s, RIGHTARG = %%s, FUNCTION = public.trap_of)',
                    operator, one, other
                );
            END LOOP;
        END LOOP;
    END LOOP;
END
$plant$;
"""


def plant(connection: psycopg.Connection[Any]) -> int:
    """Plant traps for all that our sources call; tell how many there are."""
    called = set()
    for folder in ("tripwire_db", "alembic"):
        for file in [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).rglob("*.sql")]:
            called |= set(re.findall(r"\b([a-z_0-9]+)\(", file.read_text(encoding="utf-8")))
    built_in = connection.execute(
        "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
    )
    functions = sorted(called & {name for (name,) in built_in})
    values = {"functions": functions, "types": ONE + MANY, "pairs": PAIRS, "operators": OPERATORS}
    psycopg.ClientCursor(connection).execute(PLANT, values)
    (count,) = connection.execute(
        "SELECT (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace)"
        " + (SELECT count(*) FROM pg_operator WHERE oprnamespace = 'public'::regnamespace)"
    ).fetchone() or (0,)
    return int(count)
