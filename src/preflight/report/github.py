"""The report for GitHub Actions: workflow commands, which become annotations."""

from __future__ import annotations

from collections.abc import Iterator

from preflight import model
from preflight.model import Finding, Outcome, Report, ReportedWaiver, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(report: Report) -> str:
    """Returns a command for each finding, note and waiver and each stage that did not check; the verdict is the last line.

    Every text from outside is escaped inside a command, so that none begins a line or a command of its own.
    """
    report = model.visible_record(report)
    return "\n".join([*_lines(report), _last(report)]) + "\n"


def _lines(report: Report) -> Iterator[str]:
    for finding in report.findings:
        yield _finding(finding)
    for stage in report.stages:
        if stage.outcome is Outcome.ERROR:
            yield _command("error", stage.reason or "no reason given", title=f"{stage.name} could not check")
        if stage.outcome is Outcome.SKIPPED:
            yield _command("notice", stage.reason or "no reason given", title=f"{stage.name} was skipped")
    for note in (*report.rule_notes, *report.notes):
        yield _command("notice", note, title="preflight")
    for waiver in report.waived:
        yield _waiver(waiver)


def _finding(finding: Finding) -> str:
    title = f"{finding.check} ({finding.resource})" if finding.resource else finding.check
    return _command(_COMMANDS[finding.severity], "\n".join([finding.message, *finding.advice()]), file=finding.file, line=finding.line, title=title)


def _waiver(waiver: ReportedWaiver) -> str:
    title = f"{waiver.check} is waived for {waiver.resource or 'the whole template'}"
    return _command("notice", waiver.justification, file=waiver.file, title=title)


def _command(name: str, message: str, *, title: str, file: str | None = None, line: int | None = None) -> str:
    texts = {"file": file, "line": str(line) if file and line is not None else None, "title": title}
    properties = ",".join(f"{key}={_property(value)}" for key, value in texts.items() if value)
    return f"::{name} {properties}::{_data(message)}"


def _data(text: str) -> str:
    """Returns a text as the data of a command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _last(report: Report) -> str:
    skipped = sum(stage.outcome is Outcome.SKIPPED for stage in report.stages)
    return report.summary + (f"; {skipped} of {len(report.stages)} stages skipped" if skipped else "")
