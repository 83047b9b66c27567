"""Each method is a span and a duration where OpenTelemetry is, and is logged as refused or failed, once."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from tests.backend.flows.both import opened
from tests.backend.flows.world import World
from tripwire_db import AuthFailed, InvalidInput, NotFound, PostgresAuth, VideoNotQualified
from tripwire_db.engine import telemetry

EMAIL = "aigerim@course.kz"


class Seen:
    """What the SDK was given."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meters = MeterProvider([self._reader])

    def span(self, name: str) -> ReadableSpan:
        (found,) = [span for span in self._exporter.get_finished_spans() if span.name == name]
        return found

    def durations(self) -> list[Any]:
        data = self._reader.get_metrics_data()
        assert data is not None
        (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
        assert (metric.name, metric.unit) == ("db.client.operation.duration", "s")
        return list(metric.data.data_points)

    def text(self) -> str:
        return "".join(span.to_json() for span in self._exporter.get_finished_spans())


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Seen]:
    seen = Seen()
    instruments = telemetry.instruments_of(seen.tracers.get_tracer("test"), seen.meters.get_meter("test"))
    monkeypatch.setattr(telemetry, "_instruments", lambda: instruments)
    yield seen
    seen.tracers.shutdown()
    seen.meters.shutdown()


def test_a_method_is_a_span_with_its_attempts_the_rows_of_each_step_and_its_outcome(it: World, seen: Seen):
    student = it.student()
    it.complete(student.user_id, 67)
    span = seen.span("tripwire.complete_lesson")
    assert span.kind is SpanKind.CLIENT
    assert span.status.status_code is StatusCode.UNSET
    attributes = dict(span.attributes or {})
    assert attributes["db.system.name"] == "postgresql"
    assert attributes["db.operation.name"] == "complete_lesson"
    assert str(attributes["db.namespace"]) in it.url
    assert attributes["tripwire.attempts"] == 1
    assert attributes["tripwire.rows.earn_achievements"] == 2
    assert attributes["tripwire.outcome"] == "done"


def test_a_refused_method_is_a_span_that_failed_and_a_duration_with_its_error(it: World, seen: Seen):
    student = it.student(email=EMAIL)
    with pytest.raises(VideoNotQualified):
        it.repository.complete_lesson(user_id=student.user_id, lesson_id=67)
    span = seen.span("tripwire.complete_lesson")
    assert span.status.status_code is StatusCode.ERROR
    assert dict(span.attributes or {})["tripwire.outcome"] == "VideoNotQualified"
    errors = [point.attributes.get("error.type") for point in seen.durations()]
    assert sorted(errors, key=str) == [None, None, "VideoNotQualified"]
    assert EMAIL not in seen.text()


def test_creation_is_one_span_whatever_flows_and_auth_calls_it_takes(it: World, seen: Seen):
    it.student()
    attributes = dict(seen.span("tripwire.create_tripwire_user").attributes or {})
    assert attributes["tripwire.rows.insert_student"] == 1
    assert int(str(attributes["tripwire.attempts"])) >= 1


def test_no_secret_of_the_url_is_in_a_span(kind: str, seen: Seen):
    url = "postgresql://app:hush-hush@127.0.0.1:1/course"
    with PostgresAuth(url) as auth, opened(kind, url, auth=auth) as repository, pytest.raises(InvalidInput):
        repository.get_student(user_id="no id")
    attributes = dict(seen.span("tripwire.get_student").attributes or {})
    assert (attributes["server.address"], attributes["server.port"]) == ("127.0.0.1", 1)
    assert "hush-hush" not in seen.text()


def test_where_opentelemetry_is_not_installed_methods_work_without_it():
    code = """
import sys
sys.modules["opentelemetry"] = None
from tripwire_db import InvalidInput, PostgresAuth, TripwireRepository
url = "postgresql://app@127.0.0.1:1/course"
with PostgresAuth(url) as auth, TripwireRepository.connect(url, auth=auth) as repository:
    try:
        repository.get_student(user_id="no id")
    except InvalidInput:
        print("refused")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "refused\n", done.stderr


def warnings_of(caplog: pytest.LogCaptureFixture, method: str) -> list[str]:
    """The failures that were logged of a method."""
    return [
        record.failure
        for record in caplog.records
        if record.levelno == logging.WARNING and getattr(record, "flow", None) == method
    ]


def test_an_argument_that_cannot_be_right_is_logged_with_the_errors_class_and_not_its_value(
    it: World, caplog: pytest.LogCaptureFixture
):
    with pytest.raises(InvalidInput):
        it.repository.get_student(user_id="not-an-id-at-all")
    assert warnings_of(caplog, "get_student") == ["InvalidInput"]
    assert "not-an-id-at-all" not in caplog.text


def test_trouble_of_the_auth_service_is_logged_under_the_methods_name(
    it: World, kind: str, caplog: pytest.LogCaptureFixture
):
    class Broken(PostgresAuth):
        def create_user(self, **_: Any) -> Any:
            raise AuthFailed("no", applied=False)

    manager = it.manager()
    with Broken(it.url) as auth, opened(kind, it.url, auth=auth) as repository, pytest.raises(AuthFailed):
        repository.create_tripwire_user(email=EMAIL, full_name="Aigerim", manager_id=manager.user_id)
    assert warnings_of(caplog, "create_tripwire_user") == ["AuthFailed"]
    assert EMAIL not in caplog.text


def test_what_a_flow_has_logged_is_not_logged_again(it: World, caplog: pytest.LogCaptureFixture):
    with pytest.raises(NotFound):
        it.repository.get_student(user_id=UUID(int=0))
    assert warnings_of(caplog, "get_student") == ["NotFound"]
    with pytest.raises(NotFound):
        it.repository.create_tripwire_user(email=EMAIL, full_name="Aigerim", manager_id=UUID(int=0))
    assert len(warnings_of(caplog, "create_tripwire_user")) == 1
