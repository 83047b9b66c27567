"""Makes a flow of a method's name and of `key=value` words, by the types of its arguments."""

import inspect
import json
import types
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from tripwire_db.cli.people import identify
from tripwire_db.errors import InvalidInput

_CONTEXT = "context"


def function_of(name: str) -> Callable[..., Any]:
    """The function that makes the flow of a method of the repository.

    Raises:
        InvalidInput: there is no such method, or it is more than one flow.
    """
    found = _functions()
    if name not in found:
        from tripwire_db.repository import TripwireRepository

        known = f"these can be explained: {', '.join(sorted(found))}"
        if not name.startswith("_") and hasattr(TripwireRepository, name):
            raise InvalidInput(f"{name} is not one flow alone, as it calls the auth service too; {known}")
        raise InvalidInput(f"there is no such flow; {known}")
    return found[name]


def flow_of(function: Callable[..., Any], words: Sequence[str], database_url: str) -> Any:
    """The flow that a function makes of `key=value` words; a person may be given by e-mail.

    Raises:
        InvalidInput: a word is no `key=value`, a key is unknown, missing or given twice, or a value cannot be right.
        NotFound: nobody has such an e-mail.
    """
    from tripwire_db.flows.shared.context import DEFAULT_CERTIFICATE_URL, FlowContext
    from tripwire_db.settings import Settings

    hints = get_type_hints(function)
    parameters = inspect.signature(function).parameters
    names = [name for name in parameters if name != _CONTEXT]
    given: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or key not in names:
            raise InvalidInput(f"write the arguments as KEY=VALUE; the keys are {', '.join(names) or 'none'}")
        if key in given:
            raise InvalidInput(f"{key} is given twice")
        given[key] = _value(key, text, hints[key], database_url)
    missing = [name for name in names if name not in given and parameters[name].default is inspect.Parameter.empty]
    if missing:
        raise InvalidInput(f"{function.__name__} also needs {', '.join(missing)}: write {missing[0]}=…")
    if _CONTEXT not in parameters:
        return function(**given)
    base = Settings.from_env().certificate_url or DEFAULT_CERTIFICATE_URL
    return function(FlowContext(certificate_url=base), **given)


def _functions() -> dict[str, Callable[..., Any]]:
    """The functions that make a flow of just what a method takes, by the method's name."""
    import pkgutil
    from importlib import import_module

    from tripwire_db import flows
    from tripwire_db.repository import TripwireRepository

    found: dict[str, Callable[..., Any]] = {}
    for module in pkgutil.iter_modules(flows.__path__):
        if module.ispkg:
            continue
        for name, value in vars(import_module(f"{flows.__name__}.{module.name}")).items():
            method = getattr(TripwireRepository, name, None)
            if not name.startswith("_") and inspect.isfunction(value) and inspect.isfunction(method):
                taken = set(inspect.signature(value).parameters) - {_CONTEXT}
                if taken == set(inspect.signature(method).parameters) - {"self"}:
                    found[name] = value
    return found


def _value(key: str, text: str, hint: Any, database_url: str) -> Any:
    is_union = get_origin(hint) in {Union, types.UnionType}
    kinds = get_args(hint) if is_union else (hint,)
    if key.endswith("user_id") and "@" in text:
        return identify.student_id(database_url, text)
    if key.endswith("manager_id") and "@" in text:
        return identify.manager_id(database_url, text)
    if str in kinds or any(get_origin(kind) is Literal for kind in kinds):
        return text
    try:
        return date.fromisoformat(text) if date in kinds else json.loads(text)
    except (ValueError, RecursionError):
        form = "a day, as in 2026-03-01" if date in kinds else "JSON, as in 67, true, [[0, 10]]"
        raise InvalidInput(f"{key} must be {form}") from None
