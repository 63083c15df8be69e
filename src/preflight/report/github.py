"""The report for GitHub Actions: workflow commands, which become annotations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.model import Finding, Outcome, Report, ReportedWaiver, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_UNSEEN = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def render(report: Report) -> str:
    """One command a finding, a stage that could not check or was skipped, a note and a waiver; the verdict in the last line.

    Every text of others stands inside a command, escaped; so no text can begin a line, and none can begin a command.
    """
    return "\n".join([*_lines(report), _last(report)]) + "\n"


def _lines(report: Report) -> Iterator[str]:
    for finding in report.findings:
        yield _finding(finding)
    for stage in report.stages:
        if stage.outcome is Outcome.ERROR:
            yield _command("error", stage.reason or "no reason given", title=f"{stage.name} could not check")
        if stage.outcome is Outcome.SKIPPED:
            yield _command("notice", stage.reason or "no reason given", title=f"{stage.name} was skipped")
    for note in report.notes:
        yield _command("notice", note, title="preflight")
    for waiver in report.waived:
        yield _waiver(waiver)


def _finding(finding: Finding) -> str:
    lines = [finding.message]
    lines += [f"Fix: {finding.fix}"] if finding.fix else []
    lines += [f"See: {finding.source}"] if finding.source else []
    title = f"{finding.check} ({finding.resource})" if finding.resource else finding.check
    return _command(_COMMANDS[finding.severity], "\n".join(lines), file=finding.file, line=finding.line, title=title)


def _waiver(waiver: ReportedWaiver) -> str:
    until = f" (until {waiver.until})" if waiver.until else ""
    title = f"{waiver.check} is waived for {waiver.resource or 'the whole template'}"
    return _command("notice", f"{waiver.reason}{until}", file=waiver.file, title=title)


def _command(name: str, message: str, *, title: str, file: str | None = None, line: int | None = None) -> str:
    known = {"file": file, "line": str(line) if file and line is not None else None, "title": title}
    properties = ",".join(f"{key}={_property(value)}" for key, value in known.items() if value)
    return f"::{name} {properties}::{_data(message)}"


def _data(said: str) -> str:
    """The text as the data of a command; what cannot be seen is spelt out."""
    seen = _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", said)
    return seen.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(said: str) -> str:
    return _data(said).replace(":", "%3A").replace(",", "%2C")


def _last(report: Report) -> str:
    errors = sum(f.severity is Severity.ERROR for f in report.findings)
    others = len(report.findings) - errors
    counts = f"{errors} error{'s' if errors != 1 else ''}, {others} other finding{'s' if others != 1 else ''}"
    skipped = sum(stage.outcome is Outcome.SKIPPED for stage in report.stages)
    return f"verdict: {report.verdict} ({counts}){f'; {skipped} of {len(report.stages)} stages skipped' if skipped else ''}"
