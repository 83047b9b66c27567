"""How a report is printed: for people, machines, GitHub, JUnit and SARIF."""

import json
import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import Literal
from urllib.parse import quote
from xml.etree import ElementTree as ET

from tripwire_db.schema.check.findings import Report

Format = Literal["text", "json", "github", "junit", "sarif"]

_NOTES = (
    ("Access, by revision", "access"),
    ("API, by revision", "api"),
    ("Deployment, by revision", "deployment"),
)

# What no XML document may hold, however it is escaped.
_XML_LACKS = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")


def render(report: Report, form: Format, rules: dict[str, str]) -> str:
    """A report as text in one of the formats; `rules` tells each rule in a sentence."""
    return {"text": _text, "json": _json, "github": _github, "junit": _junit, "sarif": _sarif}[form](report, rules)


def _text(report: Report, rules: dict[str, str]) -> str:
    lines = [f"{finding.file}:{finding.line}: {finding.rule}: {finding.message}" for finding in report.findings]
    if report.findings:
        lines += ["", f"To accept the first, for example: {report.findings[0].accept}"]
    for title, about in _NOTES:
        told = [note for note in report.notes if note.about == about]
        if told:
            lines += ["", title]
            lines += [f"  {note.revision}  {note.message}" for note in told]
    if report.accepted:
        lines += ["", "Accepted, with the reason"]
        counted: dict[tuple[str, str, str], int] = {}
        for finding, reason in report.accepted:
            key = (finding.revision, finding.rule, reason)
            counted[key] = counted.get(key, 0) + 1
        lines += [f"  {revision}  {rule} × {n}: {reason}" for (revision, rule, reason), n in counted.items()]
    lines += [f"Skipped: {reason}" for reason in report.skipped]
    found = len(report.findings)
    verdict = "no finding" if not found else f"{found} finding{'s' if found > 1 else ''}"
    revisions = f"{report.revisions} revision{'' if report.revisions == 1 else 's'}"
    played = f"{_releases(report.releases)} played, " if report.releases else ""
    summary = f"{report.chain}: {revisions} and {len(rules)} rules checked, {played}{verdict}"
    return "\n".join([*lines, "", summary]).strip("\n")


def _releases(versions: tuple[str, ...]) -> str:
    return f"release{'s' if len(versions) > 1 else ''} {', '.join(versions)}"


def _json(report: Report, rules: dict[str, str]) -> str:
    document = asdict(report)
    document["findings"] = [{**asdict(finding), "accept": finding.accept} for finding in report.findings]
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
    asked = list(dict.fromkeys([*rules, *(finding.rule for finding in report.findings)]))  # squawk's own too
    suite = ET.Element("testsuite", name="tripwire-db check", tests=str(len(asked)), errors="0", skipped="0")
    failed = 0
    for rule in asked:
        case = ET.SubElement(suite, "testcase", classname="tripwire-db check", name=rule)
        found = [finding for finding in report.findings if finding.rule == rule]
        failed += bool(found)
        if found:
            failure = ET.SubElement(case, "failure", message=f"{len(found)} findings", type=rule)
            failure.text = "\n".join(
                _XML_LACKS.sub("?", f"{finding.file}:{finding.line}: {finding.message} (to accept: {finding.accept})")
                for finding in found
            )
    suite.set("failures", str(failed))
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)


def _uri(path: str) -> str:
    """A path as SARIF wants it: relative, or a file's URL where it is absolute."""
    if Path(path).is_absolute():
        return Path(path).as_uri()
    return quote(path.replace(os.sep, "/"), safe="/")


def _sarif(report: Report, rules: dict[str, str]) -> str:
    results = [
        {
            "ruleId": finding.rule,
            "level": "error",
            "message": {"text": finding.message},
            "properties": {"accept": finding.accept},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": _uri(finding.file)},
                        "region": {"startLine": finding.line},
                    }
                }
            ],
        }
        for finding in report.findings
    ]
    known = {finding.rule: "A rule of squawk, a linter of SQL." for finding in report.findings} | rules
    described = [{"id": rule, "shortDescription": {"text": text}} for rule, text in known.items()]
    driver = {"name": "tripwire-db check", "rules": described}
    document = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)
