"""The report for people at a terminal of a known width: worst first, with the source lines. Only this and the display use rich."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.text import Text

from preflight import model
from preflight.model import Finding, Outcome, Report, Severity, StageResult
from preflight.report import source_lines, text

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold cyan"}
MARKS = {Outcome.PASS: ("✓", "green"), Outcome.FAIL: ("✗", "red"), Outcome.ERROR: ("!", "magenta"), Outcome.SKIPPED: ("-", "dim")}
VERDICTS = {"pass": "bold green", "fail": "bold red", "error": "bold magenta"}
MOST_CHANGES = 20  # of an update
MOST_PLACES = 5  # of a finding over many resources
_Key = tuple[str, Severity, str]


def render(report: Report, options: text.Options, *, width: int) -> str:
    """Returns the findings by check, the stages, what else there is to know, and the verdict in the last line."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, highlight=False, markup=False, emoji=False, legacy_windows=False)
    with console.capture() as capture:
        for line in _lines(report, options, console):
            console.print(line, soft_wrap=True)
    return capture.get()


def _lines(report: Report, options: text.Options, console: Console) -> Iterator[Text]:
    blocks = _Blocks(console, source_lines.of_findings(report.findings, report.files), is_verbose=options.is_verbose)
    for findings in _grouped(report.shown(options.least)):
        yield from blocks.of(findings)
        yield Text()
    if not options.is_quiet:
        for line in text.details(report, options):
            yield from _wrapped(console, line, style="dim")
        for stage in report.stages:
            yield from _stage(console, stage)
        if report.update is not None:
            most = None if options.is_verbose else MOST_CHANGES
            for line in text.update(report.update, most=most):
                yield from _wrapped(console, line.lstrip(), indent=len(line) - len(line.lstrip()))
        for answer in report.deployment.smoke:
            style = "green" if answer.status == answer.expected else "red"
            yield from _wrapped(console, text.answer(answer), style=style)
        for note in (*report.rule_notes, *report.notes):
            yield from _wrapped(console, f"note: {note}", style="dim")
    yield from _wrapped(console, text.last(report, options, has_reasons=False), style=VERDICTS[report.verdict])


def _grouped(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Returns the findings of each check, the worst first."""
    groups: dict[_Key, list[Finding]] = {}
    for finding in sorted(findings, key=lambda finding: finding.severity.rank):
        groups.setdefault((finding.stage, finding.severity, finding.check), []).append(finding)
    return list(groups.values())


def _stage(console: Console, stage: StageResult) -> Iterator[Text]:
    mark, style = MARKS[stage.outcome]
    yield from _wrapped(console, f"{mark} {stage.name:<9} {stage.outcome.value:<7} {stage.seconds:6.1f} s", style=style)
    yield from _wrapped(console, stage.reason, indent=4, style=style) if stage.reason else ()


def _wrapped(console: Console, line: str, *, indent: int = 0, style: str = "") -> Iterator[Text]:
    """Yields a line that shows every character, in as many lines as the terminal's width asks for."""
    for part in Text(model.visible(line), style=style).wrap(console, max(console.width - indent, 10)):
        part.rstrip()
        yield Text(" " * indent) + part


class _Blocks:
    """Writes the findings of one check as one block: what is wrong, where, and what to do."""

    def __init__(self, console: Console, sources: Mapping[str, Sequence[str]], *, is_verbose: bool) -> None:
        self._console = console
        self._sources = sources
        self._most = None if is_verbose else MOST_PLACES

    def of(self, findings: Sequence[Finding]) -> Iterator[Text]:
        """Yields the lines of a block."""
        first = findings[0]
        count = f" ({len(findings)} places)" if len(findings) > 1 else ""
        style, messages = STYLES[first.severity], {finding.message for finding in findings}
        yield from _wrapped(self._console, f"{first.severity.value} {first.check}{count}", style=style)
        for message in messages if len(messages) == 1 else ():
            yield from _wrapped(self._console, message, indent=2)
        for finding in findings[: self._most]:
            yield from self._place(finding, style, is_message_shown=len(messages) > 1)
        if self._most is not None and len(findings) > self._most:
            yield from _wrapped(self._console, f"and {len(findings) - self._most} more; --verbose lists them", indent=2, style="dim")
        fixes = dict.fromkeys(f"Fix: {finding.fix}" for finding in findings[: self._most] if finding.fix)
        for line in (*fixes, *dict.fromkeys(finding.source for finding in findings if finding.source)):
            yield from _wrapped(self._console, line, indent=2, style="dim")

    def _place(self, finding: Finding, style: str, *, is_message_shown: bool) -> Iterator[Text]:
        source = self._source(finding)
        column = f":{len(source) - len(source.lstrip()) + 1}" if source else ""
        resource = f" {finding.resource}" if finding.resource and finding.file else ""
        yield from _wrapped(self._console, f"{finding.place()}{column}{resource}", indent=2, style="bold")
        if source:
            yield self._excerpt(source, finding.line or 0, style)
        if is_message_shown:
            yield from _wrapped(self._console, finding.message, indent=4)
        if finding.why:
            yield from _wrapped(self._console, f"Why {finding.resource} is there: {finding.why}", indent=4, style="dim")

    def _excerpt(self, source: str, number: int, style: str) -> Text:
        """Returns a source line with its number, underlined, as far as it fits."""
        margin = " " * (len(source) - len(source.lstrip()))
        line = Text.assemble((f"{number:>6} {margin}", "dim"), (source.strip(), f"{style} underline"))
        line.truncate(self._console.width, overflow="ellipsis")
        return line

    def _source(self, finding: Finding) -> str:
        """Returns the line of a finding, without its line break; nothing if it cannot be read."""
        lines, number = self._sources.get(finding.file or "", ()), finding.line or 0
        return lines[number - 1] if 0 < number <= len(lines) else ""
