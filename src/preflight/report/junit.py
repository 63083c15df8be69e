"""The report for CI systems that show tests: JUnit's XML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from preflight import model
from preflight.model import Finding, Outcome, Report, ReportedWaiver, StageResult
from preflight.report import repository

_UNWRITABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")
_SHORT = 300


def render(report: Report) -> str:
    """Returns a suite for each stage: a case for each check with findings about a resource or file, or one for the stage."""
    report = model.visible_record(repository.renamed(report))
    root = ET.Element("testsuites", name="preflight")
    for stage in report.stages:
        root.append(_suite(stage, report))
    if not report.stages:
        root.append(_suite(StageResult("preflight", Outcome.ERROR, reason="no stage ran"), report))
    _count(root, seconds=sum(stage.seconds for stage in report.stages))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(stage: StageResult, report: Report) -> ET.Element:
    suite = ET.Element("testsuite", name=_clean(stage.name))
    _properties(suite, report)
    groups = _groups(stage.findings)
    cases = [_case(stage, findings, strict=report.strict) for findings in groups]
    if not cases or not _is_shown(stage, cases):
        cases.insert(0, _whole(stage))
    suite.extend(cases)
    if stage.waived:
        ET.SubElement(suite, "system-out").text = _clean("\n".join(map(_waived, stage.waived)))
    _count(suite, seconds=stage.seconds)
    return suite


def _is_shown(stage: StageResult, cases: Sequence[ET.Element]) -> bool:
    """Whether the cases of a stage's findings already show its outcome."""
    if stage.outcome is Outcome.FAIL:
        return any(case.find("failure") is not None for case in cases)
    return stage.outcome is Outcome.PASS


def _properties(suite: ET.Element, report: Report) -> None:
    values = {"verdict": report.verdict, "run": report.run, **{f"version.{n}": v for n, v in report.versions.items()}}
    properties = ET.SubElement(suite, "properties")
    for name, value in values.items():
        ET.SubElement(properties, "property", name=_clean(name), value=_clean(value))


def _groups(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Returns the findings grouped by check, resource and file."""
    groups: dict[tuple[str, str | None, str | None], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.check, finding.file, finding.resource), []).append(finding)
    return list(groups.values())


def _case(stage: StageResult, findings: Sequence[Finding], *, strict: bool) -> ET.Element:
    """Returns a case that fails if a finding counts; findings that do not count are its output."""
    first = findings[0]
    places = [place for place in (first.file, first.resource) if place]
    case = ET.Element("testcase", classname=_clean(f"preflight.{stage.name}"), name=_clean(": ".join([first.check, *places])), time="0.000")
    if first.file:
        case.set("file", _clean(first.file))
    if first.line is not None:
        case.set("line", str(first.line))
    counting = [f for f in findings if model.outcome_of((f,), strict=strict) is Outcome.FAIL]
    if counting:
        count = f"{len(findings)} findings: " if len(findings) > 1 else ""
        _add(case, "failure", count + counting[0].message, kind=first.check, text="\n\n".join(map(_finding, findings)))
    else:
        ET.SubElement(case, "system-out").text = _clean("\n\n".join(map(_finding, findings)))
    return case


def _whole(stage: StageResult) -> ET.Element:
    """Returns the case of the stage itself."""
    case = ET.Element("testcase", classname=_clean(f"preflight.{stage.name}"), name=_clean(stage.name), time=f"{stage.seconds:.3f}")
    reason = stage.reason or "no reason given"
    if stage.outcome is Outcome.ERROR:
        _add(case, "error", reason, kind="CouldNotCheck", text=reason)
    elif stage.outcome is Outcome.FAIL:
        _add(case, "failure", reason, kind="Failed", text=reason)
    elif stage.outcome is Outcome.SKIPPED:
        ET.SubElement(case, "skipped", message=_short(reason))
    return case


def _add(case: ET.Element, tag: str, message: str, *, kind: str, text: str) -> None:
    ET.SubElement(case, tag, message=_short(message), type=_clean(kind)).text = _clean(text)


def _finding(finding: Finding) -> str:
    line = f"{finding.place()}: {finding.severity.value}: {finding.check}: {finding.message}"
    return "\n".join([line, *finding.advice()])


def _waived(waiver: ReportedWaiver) -> str:
    return f"waived: {waiver.file or waiver.where}: {waiver.resource or 'the whole template'}: {waiver.check}: {waiver.justification}"


def _count(element: ET.Element, *, seconds: float) -> None:
    """Set how many cases are below an element, and how they ended."""
    cases = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(sum(case.find(tag) is not None for case in cases)))
    element.set("time", f"{seconds:.3f}")


def _short(text: str) -> str:
    """Returns a text in one line, cut to what fits a table."""
    line = " ".join(_clean(text).split())
    return line if len(line) <= _SHORT else f"{line[:_SHORT]}…"


def _clean(text: str) -> str:
    """Returns a text without the characters that XML 1.0 forbids or discourages."""
    return _UNWRITABLE.sub("", text)
