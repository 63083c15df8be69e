"""The report as Markdown: the summary of a job of GitHub Actions, or a comment."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from preflight import model
from preflight.model import Finding, Outcome, Report, Severity, Update
from preflight.report import repository, text

MOST = 100  # findings that are listed
LONGEST = 500  # letters of a text that are kept: GitHub takes a summary of 1 MiB
_MARKS = {"pass": "✅", "fail": "❌", "error": "⚠️"}
_SPECIAL = re.compile(r"[\\`*_{}\[\]()#+\-!|<>&~$:@.=\"']")


def render(report: Report) -> str:
    """Returns the verdict, the stages, the findings with the worst first, what an update changes, and what was waived; every text escaped."""
    report = model.visible_record(repository.renamed(report))
    parts = [
        [f"## {_MARKS[report.verdict]} preflight: {escaped(report.summary.removeprefix('verdict: '))}"],
        list(_stages(report)),
        list(_findings(sorted(report.findings, key=lambda finding: finding.severity.rank))),
        list(_update(report.update)) if report.update is not None else [],
        [f"- note: {escaped(note)}" for note in (*report.rule_notes, *report.notes)],
        [f"- waived: {escaped(f'{w.check}, {w.resource or w.file or w.where}: {w.justification}')}" for w in report.waived[:MOST]],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def escaped(value: str) -> str:
    """Returns a text of which Markdown and HTML show every character: no table, link, mention, image, tag or command in it."""
    line = " ".join(value.split())
    line = line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
    return _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", line.encode(errors="replace").decode())


def _stages(report: Report) -> Iterator[str]:
    yield "| stage | outcome | findings | seconds | |"
    yield "| --- | --- | --- | --- | --- |"
    for stage in report.stages:
        counts = Counter(finding.severity for finding in stage.findings)
        shown = ", ".join(f"{counts[severity]} {severity.value}" for severity in Severity if counts[severity])
        reason = "" if stage.outcome is Outcome.PASS else escaped(stage.reason or "")
        yield f"| {escaped(stage.name)} | {stage.outcome.value} | {shown or '-'} | {stage.seconds:.1f} | {reason} |"


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        return
    yield "| severity | where | resource | check | what, and what to do |"
    yield "| --- | --- | --- | --- | --- |"
    for finding in findings[:MOST]:
        where = finding.place() if finding.file else "-"
        what = f"{finding.message} Fix: {finding.fix}" if finding.fix else finding.message
        yield _row(finding.severity.value, where, finding.resource or "-", finding.check, what)
    if len(findings) > MOST:
        yield f"\n{len(findings) - MOST} more findings are in the report's other formats."


def _update(update: Update) -> Iterator[str]:
    """Yields what an update changes, as a table, and the requests that were sent meanwhile."""
    yield f"{escaped(text.origin(update))}{'' if update.changes else ' nothing changes'}"
    yield from ("", "| action | stack | resource | type | properties |", "| --- | --- | --- | --- | --- |") if update.changes else ()
    for change in update.changes[:MOST]:
        yield _row(change.action, change.stack, change.resource, change.type, text.properties(change))
    if len(update.changes) > MOST:
        yield f"\n{len(update.changes) - MOST} more changes are in the report's other formats."
    if any(change.action == "replace" for change in update.changes[:MOST]):
        yield f"\n{escaped(text.REPLACES)}"
    yield from (f"\n{escaped(line)}" for line in text.traffic(update))


def _row(*cells: str) -> str:
    return f"| {' | '.join(map(escaped, cells))} |"
