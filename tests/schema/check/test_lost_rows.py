"""The rows that a project knows to be lost by a downgrade, where the layout does not take them."""

from pathlib import Path

from tests.schema.check.chain import judge, make
from tests.schema.check.planted import BASE, Planted

REVISION = str(int(BASE) + 1)
LOST_ROWS = {(REVISION, "notes"): "INSERT INTO public.notes (id, said) VALUES (1, NULL)"}
NOTES = Planted(
    "losses",
    """
CREATE TABLE public.notes (id integer PRIMARY KEY, said text NOT NULL);
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY service_role_all ON public.notes TO service_role USING (true);
""",
    "DROP TABLE public.notes",
    head="LOSSES = (Loss('notes', 'FROM public.notes'),)\n",
)


def test_rows_to_be_lost_that_the_layout_refuses_are_a_finding_without_their_values(tmp_path: Path) -> None:
    make(tmp_path / "alembic", [NOTES])

    (finding,) = judge(tmp_path / "alembic", lost_rows=f"{__name__}:LOST_ROWS").findings

    assert (finding.rule, finding.revision) == ("losses", REVISION)
    assert 'null value in column "said"' in finding.message
    assert "Failing row" not in finding.message
