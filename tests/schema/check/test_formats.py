"""Each format of `check` is read by a reader of that format, with every rule and awkward names in it."""

import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import jsonschema
import junitparser

from tripwire_db.schema.check import RULES, Finding, Report, render
from tripwire_db.schema.check.findings import Note

AWKWARD = "ein ordner #1/100%/a&b <c>,d:e.py"
NAMES = (*RULES, "squawk:ban-drop-column")
FINDINGS = tuple(
    Finding(AWKWARD, number, rule, f'{rule}: "quoted" <tag> & 100% ☃\nsecond line\x00', "20260101000000")
    for number, rule in enumerate(NAMES, start=1)
)
REPORT = Report(
    chain="alembic", revisions=1, findings=FINDINGS, notes=(Note("20260101000000", "api", "table public.a is added"),)
)

# What SARIF 2.1.0's schema says of the properties that are used here; it allows others.
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "$schema": {"type": "string", "format": "uri"},
        "runs": {
            "type": "array",
            "items": {
                "required": ["tool"],
                "properties": {
                    "tool": {
                        "required": ["driver"],
                        "additionalProperties": False,
                        "properties": {
                            "driver": {
                                "required": ["name"],
                                "properties": {
                                    "rules": {
                                        "uniqueItems": True,
                                        "items": {
                                            "required": ["id"],
                                            "properties": {
                                                "id": {"type": "string"},
                                                "shortDescription": {"required": ["text"]},
                                            },
                                        },
                                    }
                                },
                            }
                        },
                    },
                    "results": {
                        "items": {
                            "required": ["message"],
                            "properties": {
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": {"required": ["text"]},
                                "properties": {"type": "object"},
                                "locations": {
                                    "items": {
                                        "properties": {
                                            "physicalLocation": {
                                                "required": ["artifactLocation"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        "properties": {
                                                            "uri": {"pattern": r"^[A-Za-z0-9._~:/?@!$&'()*+,;=%-]*$"}
                                                        }
                                                    },
                                                    "region": {
                                                        "properties": {"startLine": {"type": "integer", "minimum": 1}}
                                                    },
                                                },
                                            }
                                        }
                                    }
                                },
                            },
                        }
                    },
                },
            },
        },
    },
}


def test_sarif_is_valid_and_its_addresses_lead_to_the_files() -> None:
    document = json.loads(render(REPORT, "sarif", RULES))

    jsonschema.Draft7Validator(SARIF).validate(document)
    (run,) = document["runs"]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {result["ruleId"] for result in run["results"]}
    for result, finding in zip(run["results"], FINDINGS, strict=True):
        place = result["locations"][0]["physicalLocation"]
        assert unquote(urlsplit(place["artifactLocation"]["uri"]).path) == finding.file
        assert place["region"]["startLine"] == finding.line
    absolute = Report(chain="a", revisions=1, findings=(Finding("/srv/a b#c.py", 1, "name", "m", "r"),))
    result = json.loads(render(absolute, "sarif", RULES))["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "file:///srv/a%20b%23c.py"


def test_junit_is_read_by_a_parser_of_junit_and_has_squawks_rules_too(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    path.write_text(render(REPORT, "junit", RULES), encoding="utf-8")

    (suite,) = junitparser.JUnitXml.fromfile(str(path))

    cases = {case.name: case for case in suite}
    assert (suite.tests, suite.failures, suite.errors) == (len(NAMES), len(NAMES), 0)
    assert set(cases) == set(NAMES)
    for finding in FINDINGS:
        (failure,) = cases[finding.rule].result
        assert f"{AWKWARD}:{finding.line}: {finding.rule}" in failure.text
    clean = Report(chain="alembic", revisions=1, findings=())
    path.write_text(render(clean, "junit", RULES), encoding="utf-8")
    assert [suite.failures for suite in junitparser.JUnitXml.fromfile(str(path))] == [0]


def test_github_commands_come_back_as_they_were_when_its_runner_unescapes_them() -> None:
    lines = render(REPORT, "github", RULES).split("\n")

    assert len(lines) == len(FINDINGS)
    for line, finding in zip(lines, FINDINGS, strict=True):
        command = re.fullmatch(r"::error (.*?)::(.*)", line)
        assert command is not None
        said = dict(part.split("=", 1) for part in command[1].split(","))
        assert {name: _unescaped(value) for name, value in said.items()} == {
            "file": finding.file,
            "line": str(finding.line),
            "title": finding.rule,
        }
        assert _unescaped(command[2]) == finding.message


def test_json_and_text_carry_every_finding_and_how_to_accept_it() -> None:
    document = json.loads(render(REPORT, "json", RULES))
    text = render(REPORT, "text", RULES)

    assert [one["rule"] for one in document["findings"]] == list(NAMES)
    for finding, written in zip(FINDINGS, document["findings"], strict=True):
        assert f'rule = "{finding.rule}", revision = "20260101000000"' in written["accept"]
        assert f"{AWKWARD}:{finding.line}: {finding.rule}: " in text
    assert 'LINT = {"one-head": "why"} in the revision' in text


def _unescaped(text: str) -> str:
    for code, letter in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, letter)
    return text
