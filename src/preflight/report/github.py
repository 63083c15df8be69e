"""The report for GitHub Actions: workflow commands, which become annotations."""

from __future__ import annotations

from collections.abc import Iterator

from preflight import model
from preflight.model import Finding, Outcome, Report, ReportedWaiver, Severity
from preflight.report import repository, source_lines, text
from preflight.report.source_lines import Columns

MOST_CHANGES = 50  # of an update
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(report: Report) -> str:
    """Returns a command for each finding, note and waiver, each stage that did not check and the changes of an update; the verdict is the last line.

    Every text from outside is escaped inside a command, so that none begins a line or a command of its own.
    """
    report = repository.renamed(report)
    columns = source_lines.columns(report.findings, report.files)
    report = model.visible_record(report)
    return "\n".join([*_lines(report, columns), _last(report)]) + "\n"


def _lines(report: Report, columns: Columns) -> Iterator[str]:
    for finding in sorted(report.findings, key=lambda finding: finding.severity.rank):  # GitHub shows the first ten of a step
        yield _finding(finding, columns)
    for stage in report.stages:
        if stage.outcome is Outcome.ERROR:
            yield _command("error", stage.reason or "no reason given", title=f"{stage.name} could not check")
        if stage.outcome is Outcome.SKIPPED:
            yield _command("notice", stage.reason or "no reason given", title=f"{stage.name} was skipped")
    if report.update is not None:
        _, *changes = text.update(report.update, most=MOST_CHANGES)
        yield _command("notice", "\n".join(changes) or "nothing changes", title=text.origin(report.update).removesuffix(":"))
    for note in (*report.rule_notes, *report.notes):
        yield _command("notice", note, title="preflight")
    for waiver in report.waived:
        yield _waiver(waiver)


def _finding(finding: Finding, columns: Columns) -> str:
    title = f"{finding.check} ({finding.resource})" if finding.resource else finding.check
    message, place = "\n".join([finding.message, *finding.advice()]), _place(finding.file, finding.line, columns)
    return _command(_COMMANDS[finding.severity], message, title=title, **place)


def _place(file: str | None, line: int | None, columns: Columns) -> dict[str, str]:
    """Returns the properties that say where something is, as far as that is known."""
    if not file:
        return {}
    begin, end = columns.get((file, line or 0), (None, None))
    places = {"file": file, "line": line, "col": begin, "endColumn": end}
    return {name: str(value) for name, value in places.items() if value is not None}


def _waiver(waiver: ReportedWaiver) -> str:
    title = f"{waiver.check} is waived for {waiver.resource or 'the whole template'}"
    return _command("notice", waiver.justification, title=title, **_place(waiver.file, None, {}))


def _command(name: str, message: str, *, title: str, **place: str) -> str:
    properties = ",".join(f"{key}={_property(value)}" for key, value in {**place, "title": title}.items() if value)
    return f"::{name} {properties}::{_data(message)}"


def _data(value: str) -> str:
    """Returns a text as the data of a command."""
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")


def _last(report: Report) -> str:
    skipped = sum(stage.outcome is Outcome.SKIPPED for stage in report.stages)
    return report.summary + (f"; {skipped} of {len(report.stages)} stages skipped" if skipped else "")
