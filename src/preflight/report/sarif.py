"""The report for code scanners: SARIF 2.1.0."""

from __future__ import annotations

import collections
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib import parse

from preflight import model
from preflight.model import Finding, Outcome, Report, Severity
from preflight.report import repository, sarif_rules, source_lines
from preflight.report.source_lines import Columns

SarifObject = dict[str, Any]
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "finding/v1"
_NO_BYTE = re.compile(r"[\ud800-\udc7f\udd00-\udfff]")  # the other halves stand for bytes of names that are not UTF-8
MOST_RESULTS = 25_000  # that GitHub takes of a run
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render(report: Report) -> str:
    """Returns the report as a SARIF log with one run, which GitHub's code scanning takes as it is: every result has a place.

    https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
    """
    report = repository.renamed(report)
    columns = source_lines.columns(report.findings, report.files)
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(_visible(report), columns)]}
    return json.dumps(log, indent=2) + "\n"


def _visible(report: Report) -> Report:
    """Returns the report with every text made visible, but for the names of files, which become references."""
    shown = model.visible_record(report)
    stages = []
    for stage, was in zip(shown.stages, report.stages, strict=True):
        findings = [replace(finding, file=former.file) for finding, former in zip(stage.findings, was.findings, strict=True)]
        stages.append(replace(stage, findings=tuple(findings)))
    return replace(shown, stages=tuple(stages), plan=report.plan)


def _run(report: Report, columns: Columns) -> SarifObject:
    placed = [finding if finding.file else replace(finding, file=report.plan) for finding in report.findings]
    worst_first = sorted((finding for finding in placed if finding.file), key=lambda finding: finding.severity.rank)
    shown = worst_first[:MOST_RESULTS]
    rules = sarif_rules.of(shown, report.rules)
    order = {rule["id"]: index for index, rule in enumerate(rules)}
    results = [_result(finding, columns) for finding in shown]
    for result, print_ in zip(results, _fingerprints(results, report.run), strict=True):
        result |= {"ruleIndex": order[result["ruleId"]], "partialFingerprints": {FINGERPRINT: print_}}
    unplaced = [finding for finding in placed if not finding.file]
    return {
        "tool": {"driver": _driver(report, rules), **_extensions(report)},
        "invocations": [_invocation(report, [*unplaced, *worst_first[MOST_RESULTS:]])],
        "results": results,
        "columnKind": "utf16CodeUnits",
        "properties": {"verdict": report.verdict, "target": report.target, "run": report.run},
    }


def _driver(report: Report, rules: list[SarifObject]) -> SarifObject:
    version = report.versions.get("preflight")
    versions = {"version": sarif_rules.text(version)} if version else {}
    return {"name": "fargate-preflight", **versions, "rules": rules}


def _extensions(report: Report) -> SarifObject:
    """Returns the tools that were used, with their versions."""
    tools = [{"name": sarif_rules.text(n), "version": sarif_rules.text(v)} for n, v in report.versions.items() if n != "preflight" and v]
    return {"extensions": tools} if tools else {}


def _result(finding: Finding, columns: Columns) -> SarifObject:
    lines = [finding.message, f"Fix: {finding.fix}" if finding.fix else ""]
    return {
        "ruleId": sarif_rules.text(finding.check) or "-",
        "level": LEVELS[finding.severity],
        "message": {"text": sarif_rules.text("\n".join(filter(None, lines))) or "-"},
        "locations": [_location(finding, columns)],
    }


def _location(finding: Finding, columns: Columns) -> SarifObject:
    """Returns the file, its line if it is known, and the resource."""
    file, line = str(finding.file), finding.line
    location: SarifObject = {"physicalLocation": {"artifactLocation": {"uri": _uri(file)}}}
    if line is not None and line > 0:
        begin, end = columns.get((file, line), (None, None))
        region = {"startLine": line, "startColumn": begin, "endColumn": end}
        location["physicalLocation"]["region"] = {key: value for key, value in region.items() if value is not None}
    if finding.resource:
        full = f"{finding.resource}.{finding.property}" if finding.property else finding.resource
        logical = {"name": sarif_rules.text(finding.resource), "fullyQualifiedName": sarif_rules.text(full), "kind": "resource"}
        location["logicalLocations"] = [logical]
    return location


def _uri(file: str) -> str:
    """Returns a path as a reference: relative as reports name files, of the scheme `file` if the path is absolute."""
    path = parse.quote(_NO_BYTE.sub("?", file), errors="surrogateescape")
    return f"file://{path}" if path.startswith("/") else path


def _fingerprints(results: Iterable[SarifObject], run: str) -> Iterator[str]:
    """Yields one a result, out of what stays from run to run: not its line, a message with addresses, or the run's id.

    Results that are equal in all this differ by their order.
    """
    seen: collections.Counter[str] = collections.Counter()
    for result in results:
        identity = json.dumps([result["ruleId"], _places(result)])
        identity = identity.replace(run, "{run}") if run else identity
        seen[identity] += 1
        yield hashlib.sha256(f"{identity} {seen[identity]}".encode()).hexdigest()[:32]


def _places(result: SarifObject) -> list[Any]:
    """Returns the file and the resource of a result, without its line."""
    return [
        [location.get("physicalLocation", {}).get("artifactLocation"), location.get("logicalLocations")]
        for location in result["locations"]
    ]


def _invocation(report: Report, left_out: Sequence[Finding]) -> SarifObject:
    return {
        "executionSuccessful": report.verdict != "error",
        "exitCode": report.exit_code,
        "toolExecutionNotifications": [*_notifications(report), *map(_left_out, left_out)],
    }


def _notifications(report: Report) -> Iterator[SarifObject]:
    """Yields the stages that could not check or were skipped, the notes, and the waivers: GitHub shows suppressed results as open."""
    for stage in report.stages:
        if stage.outcome is Outcome.ERROR:
            yield _notification("error", f"{stage.name} could not check: {stage.reason or 'no reason given'}")
        if stage.outcome is Outcome.SKIPPED:
            yield _notification("note", f"{stage.name} was skipped: {stage.reason or 'no reason given'}")
    if not report.stages:
        yield _notification("error", "no stage ran")
    for note in (*report.rule_notes, *report.notes):
        yield _notification("note", note)
    for waiver in report.waived:
        place = " of ".join(filter(None, (waiver.resource or "the whole template", waiver.file)))
        yield _notification("note", f"{waiver.check} is waived for {place}: {waiver.justification}")


def _left_out(finding: Finding) -> SarifObject:
    """Returns a finding that cannot be a result: it has no file, or there are more than GitHub takes."""
    return _notification(LEVELS[finding.severity], f"{finding.place()}: {finding.check}: {finding.message}")


def _notification(level: str, text: str) -> SarifObject:
    return {"level": level, "message": {"text": sarif_rules.text(text)}}
