"""What a check finds, and how it is printed: for people, machines, GitHub, JUnit and SARIF."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal
from xml.etree import ElementTree as ET

Format = Literal["text", "json", "github", "junit", "sarif"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        file: relative to the folder that the check was run in, where it is below it.
        line: from 1.
        rule: the rule's name, as in `update-without-where`.
        message: what is wrong, and what to do.
        revision: whose fault it is; empty where it is nobody's in particular.
    """

    file: str
    line: int
    rule: str
    message: str
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """What a revision does to access or to the API; told, and no finding."""

    revision: str
    about: Literal["access", "api"]
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at and what was found.

    Attributes:
        chain: the folder of the revisions.
        revisions: how many were checked.
        findings: what is wrong; none is good.
        accepted: findings that a revision itself accepts, with its reason.
        notes: what each revision does to access and to the API.
        skipped: checks that could not be run, and why.
    """

    chain: str
    revisions: int
    findings: tuple[Finding, ...]
    accepted: tuple[tuple[Finding, str], ...] = ()
    notes: tuple[Note, ...] = ()
    skipped: tuple[str, ...] = field(default=())


def render(report: Report, form: Format, rules: dict[str, str]) -> str:
    """A report as text in one of the formats; `rules` tells each rule in a sentence."""
    return {"text": _text, "json": _json, "github": _github, "junit": _junit, "sarif": _sarif}[form](report, rules)


def _text(report: Report, rules: dict[str, str]) -> str:
    lines = [f"{finding.file}:{finding.line}: {finding.rule}: {finding.message}" for finding in report.findings]
    for title, about in (("Access, by revision", "access"), ("API, by revision", "api")):
        told = [note for note in report.notes if note.about == about]
        if told:
            lines += ["", title]
            lines += [f"  {note.revision}  {note.message}" for note in told]
    if report.accepted:
        lines += ["", "Accepted, with the revision's own reason"]
        counted: dict[tuple[str, str, str], int] = {}
        for finding, reason in report.accepted:
            key = (finding.revision, finding.rule, reason)
            counted[key] = counted.get(key, 0) + 1
        lines += [f"  {revision}  {rule} × {n}: {reason}" for (revision, rule, reason), n in counted.items()]
    lines += [f"Skipped: {reason}" for reason in report.skipped]
    found = len(report.findings)
    verdict = "no finding" if not found else f"{found} finding{'s' if found > 1 else ''}"
    revisions = f"{report.revisions} revision{'' if report.revisions == 1 else 's'}"
    return "\n".join([*lines, "", f"{report.chain}: {revisions} and {len(rules)} rules checked, {verdict}"]).strip("\n")


def _json(report: Report, rules: dict[str, str]) -> str:
    document = asdict(report)
    document["accepted"] = [{**asdict(finding), "reason": reason} for finding, reason in report.accepted]
    return json.dumps({**document, "rules": rules}, indent=2, ensure_ascii=False)


def _github(report: Report, rules: dict[str, str]) -> str:
    del rules

    def escaped(text: str, *, is_property: bool = False) -> str:
        text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        return text.replace(":", "%3A").replace(",", "%2C") if is_property else text

    return "\n".join(
        f"::error file={escaped(finding.file, is_property=True)},line={finding.line},"
        f"title={escaped(finding.rule, is_property=True)}::{escaped(finding.message)}"
        for finding in report.findings
    )


def _junit(report: Report, rules: dict[str, str]) -> str:
    suite = ET.Element("testsuite", name="tripwire-db check", tests=str(len(rules)))
    failed = 0
    for rule in rules:
        case = ET.SubElement(suite, "testcase", classname="tripwire-db check", name=rule)
        found = [finding for finding in report.findings if finding.rule == rule]
        failed += bool(found)
        if found:
            failure = ET.SubElement(case, "failure", message=f"{len(found)} findings", type=rule)
            failure.text = "\n".join(f"{finding.file}:{finding.line}: {finding.message}" for finding in found)
    suite.set("failures", str(failed))
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)


def _sarif(report: Report, rules: dict[str, str]) -> str:
    results = [
        {
            "ruleId": finding.rule,
            "level": "error",
            "message": {"text": finding.message},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": finding.file.replace(os.sep, "/")},
                        "region": {"startLine": finding.line},
                    }
                }
            ],
        }
        for finding in report.findings
    ]
    described = [{"id": rule, "shortDescription": {"text": text}} for rule, text in rules.items()]
    driver = {"name": "tripwire-db check", "rules": described}
    document = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def sorted_findings(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """By place, each once."""
    return tuple(sorted(set(findings)))
