"""The rule `structure`: what the chain makes is what its file says, at the revision that the file names."""

from pathlib import Path

from tests.schema.check.chain import judge, make
from tests.schema.check.planted import BASE, Planted
from tripwire_db.schema.bootstrap import bootstrap
from tripwire_db.schema.check.chain import opened
from tripwire_db.schema.check.dump import dump
from tripwire_db.schema.check.structure import FILE, revision_of, written
from tripwire_db.schema.project import COURSE
from tripwire_db.schema.tracing import tracing_server

FUNCTION = Planted(
    "",
    """
CREATE FUNCTION public.one() RETURNS integer LANGUAGE sql STABLE SET search_path = '' AS 'SELECT 1';
REVOKE ALL ON FUNCTION public.one() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.one() TO authenticated;
COMMENT ON FUNCTION public.one() IS 'Gives 1.';
""",
    "DROP FUNCTION public.one()",
)
CHANGES = {
    "AS 'SELECT 1'": "AS 'SELECT 2'",
    " STABLE ": " IMMUTABLE ",
    "GRANT EXECUTE ON FUNCTION public.one() TO authenticated;\n": "",
    "COMMENT ON FUNCTION public.one() IS 'Gives 1.';\n": "",
}


def _write_structure(folder: Path, revision: str) -> None:
    with opened(folder) as chain, tracing_server() as server:
        url = server.create_database("structure")
        bootstrap(url)
        chain.to_head(url)
        (folder / FILE).write_text(written(revision, dump(url), COURSE), encoding="utf-8")


def test_a_body_a_volatility_a_grant_and_a_comment_that_are_not_what_the_file_says_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "alembic"
    (path,) = make(folder, [FUNCTION])
    revision = str(int(BASE) + 1)
    _write_structure(folder, revision)
    assert judge(folder).findings == ()

    for before, after in CHANGES.items():
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")
    findings = judge(folder).findings

    assert {(one.rule, one.revision, one.message.partition(" is not")[0]) for one in findings} == {
        ("structure", revision, "FUNCTION public.one()"),
        ("structure", revision, "ACL public.FUNCTION one()"),
        ("structure", revision, "COMMENT public.FUNCTION one()"),
    }
    function = next(one for one in findings if one.message.startswith("FUNCTION"))
    assert "IMMUTABLE" in function.message
    assert "SELECT 2" in function.message
    assert "public.one()" in path.read_text(encoding="utf-8").splitlines()[function.line - 1]


def test_a_newer_revision_than_the_files_is_not_held_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "alembic"
    make(folder, [])
    _write_structure(folder, BASE)
    make(tmp_path / "longer", [FUNCTION])
    (tmp_path / "longer" / FILE).write_bytes((folder / FILE).read_bytes())

    assert revision_of(tmp_path / "longer") == BASE
    assert judge(tmp_path / "longer").findings == ()
