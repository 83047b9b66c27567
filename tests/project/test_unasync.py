"""The sync repository is made of the async one, and is what an editor, `help()` and type checkers show."""

import ast
import builtins
import doctest
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import tripwire_db
from tripwire_db import AsyncTripwireRepository, TripwireRepository

PROJECT = Path(__file__).resolve().parents[2]
# What an example may take for given, beside what Python and the package have.
GIVEN = set(
    "admin auth certificate date engine leaving lesson_id manager manager_id repository staying student text url user_id".split()
)


def methods(of: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(value)
        for name, value in inspect.getmembers(of, callable)
        if not name.startswith("_") and name != "mro"
    }


def test_the_sync_repository_is_what_the_generator_makes_of_the_async_one():
    done = subprocess.run(
        [sys.executable, "scripts/unasync", "--check"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_both_repositories_have_the_same_methods_with_the_same_signatures():
    assert methods(TripwireRepository) == methods(AsyncTripwireRepository)


@pytest.mark.parametrize("of", [TripwireRepository, AsyncTripwireRepository])
def test_each_method_is_a_function_with_its_own_source_types_and_documentation(of: type):
    for name, signature in methods(of).items():
        method = getattr(of, name)
        written = inspect.unwrap(method)
        assert (written.__name__, written.__module__.rpartition(".")[0]) == (name, of.__module__.rpartition(".")[0])
        assert written.__annotations__ == method.__annotations__, name
        assert signature.return_annotation is not inspect.Signature.empty, name
        assert inspect.getdoc(method), name


def test_the_examples_of_the_sync_repository_await_nothing():
    for name in methods(TripwireRepository):
        shown = inspect.getdoc(getattr(TripwireRepository, name)) or ""
        assert "await" not in shown, name
        assert "Async" not in shown, name


def test_the_examples_of_the_sync_repository_name_what_is_there_and_nothing_of_asyncio():
    for owner in (TripwireRepository, *(getattr(TripwireRepository, name) for name in methods(TripwireRepository))):
        text = inspect.getdoc(owner) or ""
        examples = "".join(example.source for example in doctest.DocTestParser().get_examples(text))
        names = [node for node in ast.walk(ast.parse(examples)) if isinstance(node, ast.Name)]
        made = {node.id for node in names if isinstance(node.ctx, ast.Store)} | {
            alias.name
            for node in ast.walk(ast.parse(examples))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        known = made | GIVEN | set(dir(builtins)) | set(tripwire_db.__all__)
        assert {node.id for node in names} <= known, owner
        assert "event loop" not in text, owner
        assert "await" not in text, owner
