"""Findings for the page: worst first, those of one rule in a block, each with the lines of the file around it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from preflight.model import Finding, Report, Severity
from preflight.report import source_lines

AROUND, WIDEST = 2, 160  # lines before and after a finding's, and letters of each
MOST_COLUMNS, MOST_ROWS = 32, 60
WITHOUT_FILE = "no file"
RANK = {severity: n for n, severity in enumerate(Severity)}


@dataclass(frozen=True)
class SourceLine:
    """A line of a file; `is_marked` if the finding is about it. The line is `indent` and then `text`."""

    number: int
    indent: str
    text: str
    is_marked: bool


@dataclass(frozen=True)
class Entry:
    """A finding, and the lines of its file around it."""

    finding: Finding
    lines: tuple[SourceLine, ...] = ()


@dataclass(frozen=True)
class Block:
    """The findings of one rule and severity; fix and source are there if they are the same for all."""

    check: str
    severity: Severity
    entries: tuple[Entry, ...]
    fix: str | None
    source: str | None
    message: str | None


def blocks(report: Report) -> list[Block]:
    """Returns the findings of a report in blocks: errors first, of the live stages before the static ones."""
    sources = source_lines.of_findings(report.findings, report.files)
    by_rule: dict[tuple[Severity, str], list[Finding]] = defaultdict(list)
    for finding in report.findings:
        by_rule[finding.severity, finding.check].append(finding)
    stages = {stage.name: -n for n, stage in enumerate(report.stages)}
    ordered = sorted(by_rule.items(), key=lambda item: (RANK[item[0][0]], min(stages.get(f.stage, 0) for f in item[1])))
    return [_block(check, severity, findings, sources) for (severity, check), findings in ordered]


def _block(check: str, severity: Severity, findings: Sequence[Finding], sources: Mapping[str, Sequence[str]]) -> Block:
    entries = tuple(Entry(finding, excerpt(finding, sources)) for finding in findings)
    return Block(check, severity, entries, *(_common(findings, name) for name in ("fix", "source", "message")))


def _common(findings: Sequence[Finding], name: str) -> str | None:
    values = {getattr(finding, name) for finding in findings}
    return values.pop() if len(values) == 1 else None


def excerpt(finding: Finding, sources: Mapping[str, Sequence[str]]) -> tuple[SourceLine, ...]:
    """Returns the lines of a finding's file around it, or none if the file is not known."""
    lines = sources.get(finding.file or "")
    if not lines or finding.line is None or finding.line > len(lines):
        return ()
    first, last = max(finding.line - AROUND, 1), min(finding.line + AROUND, len(lines))
    return tuple(_line(number, lines[number - 1], is_marked=number == finding.line) for number in range(first, last + 1))


def _line(number: int, line: str, *, is_marked: bool) -> SourceLine:
    text = line.lstrip(" ")
    shown = text if len(text) <= WIDEST else f"{text[:WIDEST]}…"
    return SourceLine(number, " " * min(len(line) - len(text), WIDEST // 2), shown, is_marked)


@dataclass(frozen=True)
class Matrix:
    """How many findings each rule has in each column, the worst severity of each cell, and what is left out."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[int, str], ...]], ...]
    is_of_files: bool
    left_out: int


def matrix(report: Report) -> Matrix:
    """Returns rules by resources, or by files if there are too many resources."""
    marks = [(f.check, f.resource or f.file or WITHOUT_FILE, f.file or WITHOUT_FILE, f.severity.value) for f in report.findings]
    marks += [(w.check, w.resource or w.file or "the plan", w.file or "the plan", "waived") for w in report.waived]
    is_of_files = len({resource for _, resource, _, _ in marks}) > MOST_COLUMNS
    cells: dict[tuple[str, str], list[str]] = defaultdict(list)
    for check, resource, file, look in marks:
        cells[check, file if is_of_files else resource].append(look)
    counts = Counter(column for (_, column), looks in cells.items() for _ in looks)
    rules = Counter(check for (check, _), looks in cells.items() for _ in looks)
    columns = tuple(column for column, _ in counts.most_common(MOST_COLUMNS))
    rows = tuple(
        (check, tuple((len(cells.get((check, c), ())), _worst(cells.get((check, c), ()))) for c in columns))
        for check, _ in rules.most_common(MOST_ROWS)
    )
    return Matrix(columns, rows, is_of_files, max(len(counts) - MOST_COLUMNS, 0) + max(len(rules) - MOST_ROWS, 0))


def _worst(looks: Sequence[str]) -> str:
    return next((look for look in ("error", "warning", "info", "waived") if look in looks), "")
