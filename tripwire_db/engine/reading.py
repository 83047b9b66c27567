"""How a report's values are read: the same, whatever a database, a role or an application has set for its sessions.

In their binary form times do not depend on DateStyle, nor numbers and ids on loaders for their text, such as one that
makes floats of `numeric`. JSON is read by Python's own reader, as `details` and segments need it.
"""

import json
from typing import Any

from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format

BINARY = True
"""For `execute`, of a report. A plan is text all the same."""


class _Json(Loader):
    def load(self, data: Buffer) -> Any:
        return json.loads(bytes(data))


class _BinaryJsonb(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> Any:
        # The first byte is the version of the form, which has been 1 since there is one.
        return json.loads(bytes(data)[1:])


def read_json(reader: AdaptContext) -> None:
    """Read JSON with Python's own reader, on all cursors of a connection or on one, whatever `set_json_loads` was given."""
    reader.adapters.register_loader("json", _Json)
    reader.adapters.register_loader("jsonb", _BinaryJsonb)
