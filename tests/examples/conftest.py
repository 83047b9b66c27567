"""A migrated database that the tests of a module use one after another."""

from tests.faults.conftest import module_url

__all__ = ["module_url"]
