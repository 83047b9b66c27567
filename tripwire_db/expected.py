"""The schema's revision that this package is made for: the chain's head. Made by scripts/expected-revision."""

EXPECTED_REVISION = "20261126153703"
