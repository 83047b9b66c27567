"""Renders a flow's statement so that it means the same whatever the search path is."""

from typing import Any

from sqlalchemy import Integer, Numeric, cast
from sqlalchemy.dialects.postgresql.psycopg import PGCompiler_psycopg, PGDialect_psycopg
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression

# Look like functions and are syntax, as unnest of several arrays is: no schema has them, and nobody can plant another.
_SYNTAX = frozenset({"coalesce", "greatest", "least", "nullif"})


class _ReadableCompiler(PGCompiler_psycopg):
    """Renders constants in place, so that a statement's only parameters are those of its flow; and names where functions are.

    A pool's connections have whatever search path the server gives them (behind a transaction pooler it cannot be set),
    so a statement must not depend on it: a function with its schema is the built-in one, whatever stands in `public`.
    """

    def visit_function(self, func: Any, *arguments: Any, **options: Any) -> str:
        rendered = str(super().visit_function(func, *arguments, **options))
        name = func.name.lower()
        is_syntax = name in _SYNTAX or (name == "unnest" and len(func.clauses) > 1)
        if func.packagenames or is_syntax or not rendered.lower().startswith(f"{name}("):
            return rendered
        return f"pg_catalog.{rendered}"

    def _generate_generic_binary(self, binary: Any, opstring: str, eager_grouping: bool = False, **options: Any) -> str:
        symbol = opstring.strip()
        if not symbol[0].isalpha():
            # All operators written so bind alike, so each expression gets its parentheses.
            opstring, eager_grouping = f" OPERATOR(pg_catalog.{symbol}) ", True
        return str(super()._generate_generic_binary(binary, opstring, eager_grouping, **options))

    def visit_bindparam(self, bindparam: Any, *arguments: Any, **options: Any) -> Any:
        if not bindparam.required:
            options["literal_binds"] = True
        return super().visit_bindparam(bindparam, *arguments, **options)  # type: ignore[no-untyped-call]

    # These SQLAlchemy writes by itself.

    def visit_truediv_binary(self, binary: Any, operator: Any, **options: Any) -> str:  # noqa: ARG002 SQLAlchemy's
        divided: BinaryExpression[Any] = BinaryExpression(binary.left, cast(binary.right, Numeric()), operators.truediv)
        return self._generate_generic_binary(divided, "/", **options)

    def visit_floordiv_binary(self, binary: Any, operator: Any, **options: Any) -> str:  # noqa: ARG002
        divided = self._generate_generic_binary(binary, "/", **options)
        whole = all(isinstance(side.type, Integer) for side in (binary.left, binary.right))
        return divided if whole else f"pg_catalog.floor({divided})"

    def visit_mod_binary(self, binary: Any, operator: Any, **options: Any) -> str:  # noqa: ARG002
        return self._generate_generic_binary(binary, "%%", **options)

    def visit_like_op_binary(self, binary: Any, operator: Any, **options: Any) -> str:  # noqa: ARG002
        return self._generate_generic_binary(binary, "~~", **options)


class _ReadableDialect(PGDialect_psycopg):
    statement_compiler = _ReadableCompiler
    supports_statement_cache = True


DIALECT = _ReadableDialect()  # type: ignore[no-untyped-call]
