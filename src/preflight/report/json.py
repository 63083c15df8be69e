"""The report for programs: `preflight-report/1`, stable and versioned."""

from __future__ import annotations

import dataclasses
import json

from preflight import model
from preflight.model import Finding, JsonObject, Report, Update

FORMAT = "preflight-report/1"
_WAIVER = ("check", "resource", "reason", "until", "where", "file")


def render(report: Report) -> str:
    """The report as JSON; its form is `docs/report.schema.json`."""
    return json.dumps(document(report), indent=2) + "\n"


def document(report: Report) -> JsonObject:
    """Returns the report as one JSON object."""
    report = model.visible_record(report)
    return {
        "format": FORMAT,
        "verdict": report.verdict,
        "target": report.target,
        "plan": report.plan,
        "started": report.started,
        "run": report.run,
        "stages": [
            {"name": s.name, "outcome": s.outcome.value, "seconds": round(s.seconds, 3), "reason": s.reason}
            for s in report.stages
        ],
        "findings": [_finding(finding) for finding in report.findings],
        "waived": [{key: getattr(waiver, key) for key in _WAIVER} for waiver in report.waived],
        "ledger": [dataclasses.asdict(entry) for entry in report.ledger],
        "deployment": dataclasses.asdict(report.deployment),
        **({"update": _update(report.update)} if report.update is not None else {}),
        "versions": report.versions,
        "notes": list(report.notes),
        **_baseline(report),
        "rules": {"off": list(report.rules_off), "replaced": list(report.rules_replaced)},
    }


def _baseline(report: Report) -> JsonObject:
    """Returns how many findings the baseline hides and which are gone, or nothing without one."""
    if report.baseline is None:
        return {}
    gone = [dataclasses.asdict(entry) for entry in report.baseline.gone]
    return {"baseline": {"file": report.baseline.file, "hidden": len(report.baseline.hidden), "gone": gone}}


def _update(update: Update) -> JsonObject:
    """Returns an update; paths of what was declared before begin with what it started from, as in `git show`."""
    return {"from": update.origin, "commit": update.commit, "changes": [dataclasses.asdict(change) for change in update.changes], "traffic": list(update.traffic)}


def _finding(finding: Finding) -> JsonObject:
    row = {**dataclasses.asdict(finding), "severity": finding.severity.value}
    return row if finding.why is not None else {key: value for key, value in row.items() if key != "why"}
