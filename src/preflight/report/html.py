"""The report for people with a browser: one page that needs nothing but itself."""

from __future__ import annotations

import collections
import html
import re
from collections.abc import Iterable, Iterator, Sequence
from urllib import parse

from preflight import model
from preflight.model import (
    Deployment,
    Finding,
    LedgerEntry,
    Report,
    ReportedWaiver,
    Severity,
    SmokeAnswer,
    StageResult,
)

_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_STYLE = """
:root { color-scheme: light dark; --text: #1d2430; --soft: #5b6472; --page: #f7f8fa; --card: #fff; --line: #dfe3e9;
  --link: #0b5cad; --error: #b3261e; --warning: #8a5a00; --info: #33658a; --pass: #1f7a3d; }
@media (prefers-color-scheme: dark) { :root { --text: #e3e7ee; --soft: #9aa4b2; --page: #14181f; --card: #1c222b;
  --line: #323a46; --link: #8ab8f0; --error: #f2938c; --warning: #e5b65c; --info: #8fbfe0; --pass: #7fcf98; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 4rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2.25rem 0 .5rem; }
h3 { font: 600 .95rem/1.4 ui-monospace, monospace; margin: 1.25rem 0 .5rem; }
p { margin: .3rem 0; } a { color: var(--link); } .soft { color: var(--soft); } .said { white-space: pre-wrap; } .took { white-space: nowrap; }
code { font: .9em ui-monospace, monospace; } .wide { overflow-x: auto; }
article, table, details { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; }
article { border-left: .3rem solid var(--line); margin: .5rem 0; padding: .6rem .9rem; }
table { border-collapse: collapse; font-size: .93rem; width: 100%; overflow-wrap: normal; }
th, td { border-bottom: 1px solid var(--line); padding: .4rem .7rem; text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: 500; } tr:last-child td { border-bottom: 0; } td:last-child { overflow-wrap: anywhere; }
details { padding: .5rem .9rem; } details table { border: 0; } summary { cursor: pointer; }
.error, .fail { color: var(--error); } .warning { color: var(--warning); } .info, .skipped { color: var(--info); }
.pass { color: var(--pass); } b { font-weight: 600; }
article.error, article.warning, article.info { border-left-color: currentColor; } article > * { color: var(--text); }
article .soft { color: var(--soft); }
article.error b { color: var(--error); } article.warning b { color: var(--warning); } article.info b { color: var(--info); }
"""


def render(report: Report) -> str:
    """Returns the report as a page without scripts, pictures or anything else that is loaded."""
    report = model.visible_record(report)
    title = f"preflight: {report.verdict}"
    return "\n".join([
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<meta name="referrer" content="no-referrer">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{_text(title)}</title>",
        f"<style>{_STYLE}</style>",
        "</head>",
        "<body>",
        *_body(report),
        "</body>",
        "</html>",
        "",
    ])  # fmt: skip


def _body(report: Report) -> Iterator[str]:
    yield from _head(report)
    yield from _stages(report.stages)
    yield from _findings(report.findings)
    yield from _waived(report.waived)
    yield from _answers(report.deployment)
    yield from _notes((*report.rule_notes, *report.notes))
    yield from _ledger(report.ledger)
    yield from _versions(report.versions)


def _head(report: Report) -> Iterator[str]:
    counts = collections.Counter(finding.severity for finding in report.findings)
    totals = [f"{severity.value}: {counts[severity]}" for severity in Severity if counts[severity]]
    strict = ["strict: any finding fails"] if report.strict else []
    facts = [", ".join(totals) or "no findings", f"target {report.target}", f"run {report.run}", *strict]
    yield f'<h1>Verdict: <span class="{_text(report.verdict)}">{_text(report.verdict)}</span></h1>'
    yield f'<p class="soft">{_text(" · ".join(facts))}</p>'


def _stages(stages: Sequence[StageResult]) -> Iterator[str]:
    rows = [
        [
            _text(stage.name),
            f'<span class="{stage.outcome.value}">{stage.outcome.value}</span>',
            f'<span class="took">{stage.seconds:.1f} s</span>',
            f'<span class="said">{_text(stage.reason or "")}</span>',
        ]
        for stage in stages
    ]
    yield from _section("Stages", _table(("stage", "outcome", "took", "reason"), rows))


def _findings(findings: Iterable[Finding]) -> Iterator[str]:
    """Yields the findings by file, in the order in which the files come up."""
    files: dict[str | None, list[Finding]] = {}
    for finding in findings:
        files.setdefault(finding.file, []).append(finding)
    if files:
        yield "<h2>Findings</h2>"
    for file, of_file in files.items():
        yield f"<h3>{_text(file or 'without a file')}</h3>"
        for finding in of_file:
            yield from _finding(finding)


def _finding(finding: Finding) -> Iterator[str]:
    line = f"line {finding.line}" if finding.line is not None else None
    place = " · ".join(filter(None, [finding.stage, line, finding.resource, finding.property]))
    severity = finding.severity.value
    yield f'<article class="{severity}">'
    yield f'<p><b>{severity}</b> <code>{_text(finding.check)}</code> <span class="soft">{_text(place)}</span></p>'
    yield f'<p class="said">{_text(finding.message)}</p>'
    if finding.why:
        yield f'<p class="said"><span class="soft">Why it is there:</span> {_text(finding.why)}</p>'
    if finding.fix:
        yield f'<p class="said"><span class="soft">Fix:</span> {_text(finding.fix)}</p>'
    if finding.source:
        yield f'<p><span class="soft">See:</span> {_link(finding.source)}</p>'
    yield "</article>"


def _waived(waived: Iterable[ReportedWaiver]) -> Iterator[str]:
    rows = [
        [
            f"<code>{_text(waiver.check)}</code>",
            _text(waiver.resource or "the whole template"),
            _text(", ".join(filter(None, ["plan" if waiver.where == "plan" else "", waiver.file]))),
            _text(waiver.until or ""),
            f'<span class="said">{_text(waiver.reason)}</span>',
        ]
        for waiver in waived
    ]
    if rows:
        yield from _section("Waived", _table(("check", "resource", "where", "until", "reason"), rows))


def _answers(deployment: Deployment) -> Iterator[str]:
    rows = [
        [
            _text(answer.target),
            _link(answer.url),
            _status(answer),
            str(answer.expected),
            f'<span class="took">{answer.seconds:.2f} s</span>',
        ]
        for answer in deployment.smoke
    ]
    if rows:
        yield from _section("What answered", _table(("target", "address", "answer", "expected", "after"), rows))


def _status(answer: SmokeAnswer) -> str:
    outcome = "pass" if answer.status == answer.expected else "fail"
    return f'<span class="{outcome}">{answer.status if answer.status is not None else "no answer"}</span>'


def _notes(notes: Sequence[str]) -> Iterator[str]:
    if notes:
        items = [f'<li class="said">{_text(note)}</li>' for note in notes]
        yield from _section("Notes", ["<ul>", *items, "</ul>"])


def _ledger(ledger: Sequence[LedgerEntry]) -> Iterator[str]:
    """Yields how many properties were run, checked, stored and so on, and a table of them to unfold."""
    if not ledger:
        return
    counts = collections.Counter(entry.state for entry in ledger)
    totals = ", ".join(f"{count} {state}" for state, count in counts.most_common())
    rows = [[_text(e.resource), _text(e.property or ""), _text(e.state), _text(e.note or "")] for e in ledger]
    table = _table(("resource", "property", "state", "note"), rows)
    yield from _section("What was rehearsed", ["<details>", f"<summary>{_text(totals)}</summary>", *table, "</details>"])


def _versions(versions: dict[str, str]) -> Iterator[str]:
    if versions:
        rows = [[_text(name), _text(version)] for name, version in versions.items()]
        yield from _section("Versions", _table(("tool", "version"), rows))


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"<h2>{title}</h2>"
    yield from lines


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Returns a table of cells that are escaped already."""
    head = "".join(f"<th>{name}</th>" for name in heads)
    body = [f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows]
    return ['<div class="wide"><table>', f"<thead><tr>{head}</tr></thead>", "<tbody>", *body, "</tbody>", "</table></div>"]


def _link(address: str) -> str:
    """Returns a link if the address is one of the web, else its text."""
    if not _is_web(address):
        return _text(address)
    return f'<a href="{_text(address)}" rel="noopener noreferrer">{_text(address)}</a>'


def _is_web(address: str) -> bool:
    try:
        parts = parse.urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and address.isprintable() and " " not in address


def _text(text: str) -> str:
    """Returns a text escaped for elements and attributes; invisible characters are spelt out."""
    return html.escape(_INVISIBLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text))
