"""`tripwire-db drift`: storage, statistics, publications and sequences are compared; order of columns and rows are noted."""

import pytest

from tests.schema.drift.planted import PLANTED_DETAILS, PLANTED_NOTES, by_hand
from tripwire_db.schema.drift import find_drift


@pytest.mark.usefixtures("one_scratch")
@pytest.mark.parametrize("planted", PLANTED_DETAILS, ids=lambda name: name.replace(" ", "_"))
def test_a_detail_changed_by_hand_is_found_and_its_meaning_told(database_url: str, planted: str) -> None:
    sql, (change, kind, name, meaning) = PLANTED_DETAILS[planted]
    by_hand(database_url, sql)

    findings = find_drift(database_url).findings

    told = [f.meaning or "" for f in findings if f.change == change and f.kind == kind and name in f.name]
    assert any(meaning in text for text in told), findings


@pytest.mark.usefixtures("one_scratch")
@pytest.mark.parametrize("planted", PLANTED_NOTES, ids=lambda name: name.replace(" ", "_"))
def test_what_is_no_drift_is_a_note_without_a_value(database_url: str, planted: str) -> None:
    sql, said = PLANTED_NOTES[planted]
    by_hand(database_url, sql)

    notes = find_drift(database_url).notes

    assert any(said in note for note in notes), notes
    assert "secret" not in " ".join(notes)
