"""The report for people at a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from preflight import model
from preflight.model import Finding, Outcome, Report, ReportedWaiver, StageResult


def render(report: Report) -> str:
    """Returns the findings, the waivers, the outcome of each stage, and the verdict in the last line."""
    return "\n".join(model.visible(line) for line in _lines(report)) + "\n"


def render_stage(stage: StageResult) -> str:
    """Returns one stage: its outcome, its reason and its findings."""
    lines = [f"{stage.name}: {stage.outcome.value} {stage.reason or ''}".rstrip()]
    lines += [line for finding in stage.findings for line in _finding(finding)]
    return "\n".join(model.visible(line) for line in lines)


def _lines(report: Report) -> Iterator[str]:
    for finding in report.findings:
        yield from _finding(finding)
    for waiver in report.waived:
        yield _waiver(waiver)
    if report.findings or report.waived:
        yield ""
    for stage in report.stages:
        reason = f"  {stage.reason}" if stage.reason else ""
        yield f"{stage.name:<9} {stage.outcome.value:<7} {stage.seconds:6.1f} s{reason}"
    for answer in report.deployment.smoke:
        yield f"{answer.target}: GET {answer.url} -> {answer.status or 'no answer'} (expected {answer.expected})"
    for note in (*report.rule_notes, *report.notes):
        yield f"note: {note}"
    yield _last(report)


def _waiver(waiver: ReportedWaiver) -> str:
    origin = ", ".join(filter(None, ["plan" if waiver.where == "plan" else "", waiver.file]))
    return f"waived: {origin}: {waiver.resource or 'the whole template'}: {waiver.check}: {waiver.justification}"


def _finding(finding: Finding) -> Iterator[str]:
    resource = f" {finding.resource}" if finding.resource else ""
    yield f"{finding.place()}:{resource} {finding.severity.value}: {finding.check}: {finding.message}"
    if finding.why:
        yield f"    Why {finding.resource} is there: {finding.why}"
    yield from (f"    {line}" for line in finding.advice())


def _last(report: Report) -> str:
    skipped = [stage for stage in report.stages if stage.outcome is Outcome.SKIPPED]
    return report.summary + "".join(f"; {stage.name} skipped: {stage.reason}" for stage in skipped)
