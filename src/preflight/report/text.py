"""The report in plain lines, which stay as they are: for files, pipes and people without a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from preflight import model
from preflight.model import (
    Finding,
    Outcome,
    Report,
    ReportedWaiver,
    Severity,
    SmokeAnswer,
    StackChange,
    StageResult,
    Update,
)


@dataclass(frozen=True)
class Options:
    """What is shown: findings that are at least that bad; nothing but these and the verdict if it `is_quiet`."""

    least: Severity = Severity.INFO
    is_quiet: bool = False
    is_verbose: bool = False


DEFAULT = Options()
REPLACES = "* the property that makes AWS replace the resource"


def render(report: Report, options: Options = DEFAULT) -> str:
    """Returns the findings, the waivers, the outcome of each stage, and the verdict in the last line."""
    return "\n".join(model.visible(line) for line in _lines(report, options)) + "\n"


def render_stage(stage: StageResult) -> str:
    """Returns one stage: its outcome, its reason and its findings."""
    lines = [f"{stage.name}: {stage.outcome.value} {stage.reason or ''}".rstrip()]
    lines += [line for finding in stage.findings for line in _finding(finding)]
    return "\n".join(model.visible(line) for line in lines)


def details(report: Report, options: Options) -> Iterator[str]:
    """Yields the waivers and, if asked for, what a baseline hides and what the rehearsal did nothing with."""
    yield from map(_waiver, report.waived)
    if options.is_verbose:
        for finding in report.baseline.hidden if report.baseline is not None else ():
            yield f"hidden: {finding.place()}: {finding.resource or '-'}: {finding.check}: {finding.message}"
        for entry in report.ledger:
            if entry.state in {"ignored", "assumed"}:
                yield f"{entry.state}: {entry.resource}: {entry.property or 'the whole resource'}: {entry.note or '-'}"


def answer(answer: SmokeAnswer) -> str:
    """Returns the line of a smoke request."""
    return f"{answer.target}: GET {answer.url} -> {answer.status or 'no answer'} (expected {answer.expected})"


def update(update: Update, *, most: int | None = None) -> Iterator[str]:
    """Yields a line for each change, or for `most` of them, and one for each target of the traffic."""
    yield f"{origin(update)}{'' if update.changes else ' nothing changes'}"
    shown = update.changes[:most]
    width = max((len(f"{change.stack} {change.resource}") for change in shown), default=0)
    for change in shown:
        subject, names = f"{change.stack} {change.resource}", properties(change)
        yield f"  {change.action:<8} {subject:<{width}}  {change.type}{f': {names}' if names else ''}"
    if len(shown) < len(update.changes):
        yield f"  and {len(update.changes) - len(shown)} more"
    if any(change.action == "replace" for change in shown):
        yield f"  ({REPLACES})"
    yield from traffic(update)


def origin(update: Update) -> str:
    """Returns the heading of an update: where it started from."""
    commit = f" ({update.commit[:12]})" if update.commit is not None else ""
    return f"update from {update.origin}{commit}:"


def properties(change: StackChange) -> str:
    """Returns the names of the properties that change; those that replace the resource bear an asterisk."""
    return ", ".join(item.name + ("*" if item.recreation != "Never" and change.action == "replace" else "") for item in change.properties)


def traffic(update: Update) -> Iterator[str]:
    """Yields a line for each target that was asked while the update ran."""
    for target in update.traffic:
        yield f"traffic: {target['target']}: {target['sent']} requests, {target['failed']} failed"


def last(report: Report, options: Options, *, has_reasons: bool = True) -> str:
    """Returns the verdict with all counts, what is not shown, and the stages that were skipped."""
    skipped = [stage for stage in report.stages if stage.outcome is Outcome.SKIPPED]
    count = len(report.findings) - len(report.shown(options.least))
    unshown = f"; {count} below {options.least.value} not shown" if count else ""
    reasons = (f": {stage.reason}" if has_reasons else "" for stage in skipped)
    return report.summary + unshown + "".join(f"; {stage.name} skipped{reason}" for stage, reason in zip(skipped, reasons, strict=True))


def _lines(report: Report, options: Options) -> Iterator[str]:
    for finding in report.shown(options.least):
        yield from _finding(finding)
    if not options.is_quiet:
        yield from _rest(report, options)
    yield last(report, options)


def _rest(report: Report, options: Options) -> Iterator[str]:
    yield from details(report, options)
    if report.shown(options.least) or report.waived:
        yield ""
    for stage in report.stages:
        reason = f"  {stage.reason}" if stage.reason else ""
        yield f"{stage.name:<9} {stage.outcome.value:<7} {stage.seconds:6.1f} s{reason}"
    if report.update is not None:
        yield from update(report.update)
    yield from map(answer, report.deployment.smoke)
    for note in (*report.rule_notes, *report.notes):
        yield f"note: {note}"


def _waiver(waiver: ReportedWaiver) -> str:
    origin = ", ".join(filter(None, ["plan" if waiver.where == "plan" else "", waiver.file]))
    return f"waived: {origin}: {waiver.resource or 'the whole template'}: {waiver.check}: {waiver.justification}"


def _finding(finding: Finding) -> Iterator[str]:
    resource = f" {finding.resource}" if finding.resource else ""
    yield f"{finding.place()}:{resource} {finding.severity.value}: {finding.check}: {finding.message}"
    if finding.why:
        yield f"    Why {finding.resource} is there: {finding.why}"
    yield from (f"    {line}" for line in finding.advice())
