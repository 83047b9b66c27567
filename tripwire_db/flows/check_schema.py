"""Asking which revision the schema is at."""

from collections.abc import Sequence

from sqlalchemy import Text, func, select

from tripwire_db.engine.statement import Flow, FlowStatement, Parameters, Row, StatementBuilder
from tripwire_db.expected import EXPECTED_REVISION
from tripwire_db.results import SchemaState


def check_schema() -> Flow[SchemaState]:
    """Which revision the schema is at, and which this package is made for: `repository.check_schema`."""
    return _CHECK.flow()


def state_at(revision: str | None) -> SchemaState:
    """The state of a schema at this revision; None where it has none, or one that is older than the question."""
    return SchemaState(revision=revision, expected=EXPECTED_REVISION, ready=revision == EXPECTED_REVISION)


def _decode(rows: Sequence[Row], asked: Parameters) -> SchemaState:  # noqa: ARG001
    return state_at(rows[0].revision)


def _check(b: StatementBuilder) -> None:
    b.report(select(func.tripwire.schema_revision(type_=Text).label("revision")))


_CHECK = FlowStatement("check_schema", _check, _decode)
