"""The report for people at a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.model import Finding, Outcome, Report, ReportedWaiver, Severity, StageResult

_CONTROLS = {n: f"\\x{n:02x}" for n in (*range(9), *range(11, 32), 127)}


def render(report: Report) -> str:
    """The findings, what was waived, how each stage ended, and the verdict in the last line."""
    return "\n".join(line.translate(_CONTROLS) for line in _lines(report)) + "\n"


def render_stage(stage: StageResult) -> str:
    """One stage: its outcome, its reason and its findings."""
    lines = [f"{stage.name}: {stage.outcome.value} {stage.reason or ''}".rstrip()]
    lines += [line for finding in stage.findings for line in _finding(finding)]
    return "\n".join(line.translate(_CONTROLS) for line in lines)


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
    for note in report.notes:
        yield f"note: {note}"
    yield _last(report)


def _waiver(waiver: ReportedWaiver) -> str:
    by = ("plan",) if waiver.where == "plan" else ()
    where = ", ".join((*by, *((waiver.file,) if waiver.file else ())))
    until = f" (until {waiver.until})" if waiver.until else ""
    return f"waived: {where}: {waiver.resource or 'the whole template'}: {waiver.check}: {waiver.reason}{until}"


def _finding(finding: Finding) -> Iterator[str]:
    resource = f" {finding.resource}" if finding.resource else ""
    yield f"{finding.place()}:{resource} {finding.severity.value}: {finding.check}: {finding.message}"
    if finding.fix:
        yield f"    Fix: {finding.fix}"
    if finding.source:
        yield f"    See: {finding.source}"


def _last(report: Report) -> str:
    errors = sum(f.severity is Severity.ERROR for f in report.findings)
    others = len(report.findings) - errors
    counts = f"{errors} error{'s' if errors != 1 else ''}, {others} other finding{'s' if others != 1 else ''}"
    skipped = [s for s in report.stages if s.outcome is Outcome.SKIPPED]
    tail = "".join(f"; {s.name} skipped: {s.reason}" for s in skipped)
    return f"verdict: {report.verdict} ({counts}){tail}"
