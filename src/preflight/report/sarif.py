"""The report for code scanners: SARIF 2.1.0."""

from __future__ import annotations

import collections
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib import parse

from preflight import model
from preflight.model import Finding, Outcome, Report, ReportedWaiver, Severity

SarifObject = dict[str, Any]
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "finding/v1"
_NO_BYTE = re.compile(r"[\ud800-\udc7f\udd00-\udfff]")  # the other halves stand for bytes of names that are not UTF-8
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render(report: Report) -> str:
    """Returns the report as a SARIF log with one run; a waived check is a suppressed result if its file is known."""
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(model.visible_record(report))]}, indent=2) + "\n"


def _run(report: Report) -> SarifObject:
    rules = _rules(report)
    order = {check: index for index, check in enumerate(rules)}
    results = [*map(_failed, report.findings), *map(_suppressed, _with_file(report.waived))]
    for result, print_ in zip(results, _fingerprints(results, report.run), strict=True):
        result |= {"ruleIndex": order[result["ruleId"]], "partialFingerprints": {FINGERPRINT: print_}}
    return {
        "tool": {"driver": _driver(report, rules), **_extensions(report)},
        "invocations": [_invocation(report)],
        "results": results,
        "properties": {"verdict": report.verdict, "target": report.target, "run": report.run},
    }


def _driver(report: Report, rules: dict[str, SarifObject]) -> SarifObject:
    version = report.versions.get("preflight")
    return {"name": "fargate-preflight", **({"version": _text(version)} if version else {}), "rules": list(rules.values())}


def _extensions(report: Report) -> SarifObject:
    """Returns the tools that were used, with their versions."""
    tools = [{"name": _text(n), "version": _text(v)} for n, v in report.versions.items() if n != "preflight" and v]
    return {"extensions": tools} if tools else {}


def _rules(report: Report) -> dict[str, SarifObject]:
    """Returns the checks with findings or waivers, by name; a page is taken from the first finding that has one."""
    pages: dict[str, str | None] = {}
    stages: dict[str, str] = {}
    for finding in report.findings:
        stages.setdefault(_text(finding.check), finding.stage)
        pages[_text(finding.check)] = pages.get(_text(finding.check)) or _page(finding.source)
    for waiver in _with_file(report.waived):
        pages.setdefault(_text(waiver.check), None)
    return {check: _rule(check, stages.get(check), page) for check, page in pages.items()}


def _rule(check: str, stage: str | None, page: str | None) -> SarifObject:
    title = f"{check}, a check of the stage {stage}" if stage else f"{check}, a check that is waived"
    page_or_title = {"helpUri": page, "help": {"text": f"See {page}"}} if page else {"help": {"text": title}}
    return {"id": check, "shortDescription": {"text": title}, "fullDescription": {"text": title}, **page_or_title}


def _page(source: str | None) -> str | None:
    """Returns the address of a page of the web, or None for anything else."""
    if source is None or not source.lower().startswith(("https://", "http://")):
        return None
    return parse.quote(source, safe="%/:=&?~#+!$,;'@()*[]", errors="replace")


def _failed(finding: Finding) -> SarifObject:
    lines = [finding.message, f"Fix: {finding.fix}" if finding.fix else ""]
    return {
        "ruleId": _text(finding.check),
        "level": _LEVELS[finding.severity],
        "message": {"text": _text("\n".join(filter(None, lines))) or "-"},
        **_location(finding.file, finding.line, finding.resource, finding.property),
    }


def _with_file(waived: Iterable[ReportedWaiver]) -> list[ReportedWaiver]:
    return [waiver for waiver in waived if waiver.file]


def _suppressed(waiver: ReportedWaiver) -> SarifObject:
    """Returns the result that a waiver hides; its severity and its line are not known."""
    suppression = {
        "kind": "inSource" if waiver.where == "template" else "external",
        "status": "accepted",
        "justification": _text(waiver.justification),
    }
    return {
        "ruleId": _text(waiver.check),
        "level": "note",
        "message": {"text": _text(f"{waiver.check} is waived for {waiver.resource or 'the whole template'}.")},
        "suppressions": [suppression],
        **_location(waiver.file, None, waiver.resource, None),
    }


def _location(file: str | None, line: int | None, resource: str | None, prop: str | None) -> SarifObject:
    """Returns the file and the resource as far as they are known, or nothing."""
    location: SarifObject = {}
    if file:
        location["physicalLocation"] = {"artifactLocation": {"uri": _uri(file)}}
        if line is not None and line > 0:
            location["physicalLocation"]["region"] = {"startLine": line}
    if resource:
        full = f"{resource}.{prop}" if prop else resource
        logical = {"name": _text(resource), "fullyQualifiedName": _text(full), "kind": "resource"}
        location["logicalLocations"] = [logical]
    return {"locations": [location]} if location else {}


def _uri(file: str) -> str:
    """Returns a path as a reference: relative as reports name files, of the scheme `file` if the path is absolute."""
    path = parse.quote(_NO_BYTE.sub("?", file.replace("\\", "/")), errors="surrogateescape")
    return f"file://{path}" if path.startswith("/") else path


def _fingerprints(results: Iterable[SarifObject], run: str) -> Iterator[str]:
    """Yields one a result, out of what stays from run to run: not its line, a message with addresses, or the run's id.

    Results that are equal in all this differ by their order.
    """
    seen: collections.Counter[str] = collections.Counter()
    for result in results:
        identity = json.dumps([result["ruleId"], result.get("suppressions") is not None, _places(result)])
        identity = identity.replace(run, "{run}") if run else identity
        seen[identity] += 1
        yield hashlib.sha256(f"{identity} {seen[identity]}".encode()).hexdigest()[:32]


def _places(result: SarifObject) -> list[Any]:
    """Returns the file and the resource of a result, without its line."""
    return [
        [location.get("physicalLocation", {}).get("artifactLocation"), location.get("logicalLocations")]
        for location in result.get("locations", [])
    ]


def _invocation(report: Report) -> SarifObject:
    return {
        "executionSuccessful": report.verdict != "error",
        "exitCode": report.exit_code,
        "toolExecutionNotifications": list(_notifications(report)),
    }


def _notifications(report: Report) -> Iterator[SarifObject]:
    """Yields the stages that could not check or were skipped, and the notes."""
    for stage in report.stages:
        if stage.outcome is Outcome.ERROR:
            yield _notification("error", f"{stage.name} could not check: {stage.reason or 'no reason given'}")
        if stage.outcome is Outcome.SKIPPED:
            yield _notification("note", f"{stage.name} was skipped: {stage.reason or 'no reason given'}")
    if not report.stages:
        yield _notification("error", "no stage ran")
    for note in (*report.rule_notes, *report.notes):
        yield _notification("note", note)


def _notification(level: str, text: str) -> SarifObject:
    return {"level": level, "message": {"text": _text(text)}}


def _text(text: str) -> str:
    """Returns a text without halves of characters, which JSON can spell but no reader has to take."""
    return text.encode(errors="replace").decode()
