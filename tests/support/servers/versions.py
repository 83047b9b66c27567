"""On which versions of PostgreSQL a test runs always, and on which where there are minutes to spare."""

from collections.abc import Sequence

import pytest
from _pytest.mark.structures import ParameterSet

from tests.support.servers.finding import MAJORS

NEWEST = MAJORS[-1:]
OLDEST_AND_NEWEST = (MAJORS[0], MAJORS[-1])


def versions(*majors: int, always: Sequence[int] = NEWEST) -> list[ParameterSet]:
    """Parameters `pg15` … (all versions, where none is named); those that are not in `always` are marked heavy."""
    return [
        pytest.param(major, id=f"pg{major}", marks=() if major in always else pytest.mark.heavy)
        for major in majors or MAJORS
    ]
