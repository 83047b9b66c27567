"""The allow-list of `drift`: what it takes, and what it refuses; its page is tried in tests/docs/test_own_alembic.py."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.schema.drift.planted import PLANTED, by_hand
from tripwire_db import InvalidInput
from tripwire_db.cli.app import app
from tripwire_db.schema.drift import find_drift
from tripwire_db.schema.drift.allowed import Allowed, read_allowed

BAD = {
    "no TOML": ("[[allow]", "cannot be read as TOML"),
    "a typing error": ('[[allowed]]\nkind = "index"', r"\[\[allow\]\]"),
    "one table": ('[allow]\nkind = "index"', r"\[\[allow\]\]"),
    "no reason": ('[[allow]]\nkind = "index"\nname = "public.i"', "entry 1 must have exactly kind, name and reason"),
    "an empty reason": ('[[allow]]\nkind = "index"\nname = "public.i"\nreason = " "', "must say something"),
    "a number": ('[[allow]]\nkind = "index"\nname = 7\nreason = "r"', "each a text"),
    "a policy": ('[[allow]]\nkind = "policy"\nname = "public.users.p"\nreason = "r"', "cannot be allowed"),
    "a membership of PostgREST's login": (
        '[[allow]]\nkind = "membership"\nname = "authenticated in service_role"\nreason = "r"',
        "membership of authenticated cannot be allowed",
    ),
    "a grant": ('[[allow]]\nkind = "grant"\nname = "public.users to anon"\nreason = "r"', "cannot be allowed"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_file_that_cannot_be_right_is_refused_with_what_to_write(tmp_path: Path, bad: str) -> None:
    content, message = BAD[bad]
    path = tmp_path / "drift.toml"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(InvalidInput, match=message):
        read_allowed(path)


def test_a_file_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["drift", "--allow", str(tmp_path / "none.toml")])

    assert ran.exit_code == 2
    assert "none.toml" in ran.output


@pytest.mark.usefixtures("one_scratch")
def test_what_is_allowed_hides_nothing_else_and_an_object_of_the_chain_cannot_be_allowed(database_url: str) -> None:
    by_hand(database_url, "CREATE INDEX a ON public.users (role); CREATE INDEX b ON public.users (role)")
    by_hand(database_url, PLANTED["index predicate changed"][0])
    allow = [Allowed("index", f"public.{name}", "r") for name in ("a", "idx_users_role")]

    found = find_drift(database_url, allow=allow)

    assert {(one.change, one.name) for one in found.findings} == {
        ("extra", "public.b"),
        ("changed", "public.idx_users_role"),
    }
    assert found.allowed == (allow[0],)
    assert [note for note in found.notes if "idx_users_role" in note]
