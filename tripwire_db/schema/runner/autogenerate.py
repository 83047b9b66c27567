"""What `alembic revision --autogenerate` finds, as literal SQL to be reviewed, for the template of a new revision."""

import io
from collections.abc import Callable, Iterable
from typing import Any

from alembic.operations import Operations
from alembic.operations.ops import MigrateOperation, OpContainer
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext

_REVIEW = "-- Compared with the models: review it. Grants, policies, functions and CHECKs are not compared."

Directives = Callable[[Any, Any, list[Any]], None]


def literal_sql(environment: EnvironmentContext, then: Directives) -> Directives:
    """Give the hook that hands the template what was found, as `upgrade_sql` and `downgrade_sql`.

    Args:
        environment: Of the command.
        then: The hook to go on with.
    """

    def render(context: Any, revision: Any, directives: list[Any]) -> None:
        for directive in directives:
            arguments = environment.context_opts["revision_context"].template_args
            for name, found in (("upgrade_sql", directive.upgrade_ops), ("downgrade_sql", directive.downgrade_ops)):
                if not found.is_empty():
                    arguments[name] = as_literal(found.ops)
        then(context, revision, directives)

    return render


def as_literal(operations: Iterable[MigrateOperation]) -> str:
    """Write operations as SQL for a string of three quotes, indented as the template has it."""
    buffer = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": buffer, "literal_binds": True}
    )
    for operation in _flat(operations):
        Operations(context).invoke(operation)
    text = buffer.getvalue().strip().replace("\\", "\\\\").replace('"""', '\\"""')
    lines = [_REVIEW, *(line.rstrip() for line in text.splitlines())]
    return "\n".join(f"        {line}" if line and place else line for place, line in enumerate(lines))


def _flat(operations: Iterable[MigrateOperation]) -> Iterable[MigrateOperation]:
    for operation in operations:
        if isinstance(operation, OpContainer):
            yield from _flat(operation.ops)
        else:
            yield operation
