"""Stamping sets the version table right, whatever it holds, and says what it did."""

import pytest

from tests.schema.runner.chain import Chain

# a, then b and c beside each other, then d, which merges them; e hangs from a alone.
_CHAIN = {"a": None, "b": "a", "c": "a", "d": ("b", "c"), "e": "a"}
_REVISION = """from alembic import op
revision = {0!r}
down_revision = {1!r}
def upgrade(): op.execute("SELECT 1")
def downgrade(): op.execute("SELECT 1")
"""


@pytest.fixture
def branched(chain: Chain) -> Chain:
    for revision, down in _CHAIN.items():
        text = _REVISION.format(revision, down)
        (chain.folder / "alembic" / "versions" / f"{revision}_x.py").write_text(text)
    assert chain.upgrade(to="heads").code == 0
    return chain


def test_the_table_holds_what_was_stamped_and_other_branches(branched: Chain) -> None:
    for held, stamped, wanted in (
        ("d", ("b",), "b"),
        ("bd", ("d",), "d"),
        ("ad", ("d",), "d"),
        ("ab", ("a",), "a"),
        ("ab", ("b", "c"), "bc"),
        ("bde", ("d",), "de"),
        ("bc", ("b",), "bc"),
        ("bde", ("heads",), "de"),
        ("abde", ("base",), ""),
    ):
        values = ", ".join(f"('{revision}')" for revision in held)
        branched.execute(f"TRUNCATE tripwire.alembic_version; INSERT INTO tripwire.alembic_version VALUES {values}")

        result = branched.run("stamp", *stamped)

        found = "".join(sorted(row[0] for row in branched.query("SELECT version_num FROM tripwire.alembic_version")))
        assert (result.code, found) == (0, wanted), (held, stamped, result)


def test_an_upgrade_over_two_revisions_of_one_line_says_what_to_do(branched: Chain) -> None:
    branched.execute("TRUNCATE tripwire.alembic_version; INSERT INTO tripwire.alembic_version VALUES ('a'), ('d')")
    result = branched.upgrade(to="heads")
    assert result.code != 0
    assert "write the right one by alembic stamp --purge" in result.out
