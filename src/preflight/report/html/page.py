"""Renders the page of a report: one file, with nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib import parse

from preflight import model
from preflight.model import LedgerEntry, Report, Severity, SmokeAnswer
from preflight.report.html import architecture_picture, finding_blocks, timeline

if TYPE_CHECKING:
    from jinja2 import Template

FOLDER = Path(__file__).parent / "templates"
SPRITE = "data:image/png;base64,"


@dataclass(frozen=True)
class LedgerRow:
    """What was done with the properties of a resource: names by state, and the notes about them."""

    resource: str
    states: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def render(report: Report) -> str:
    """Returns the report as one page whose only script and style are its own, by their hashes."""
    report = model.visible_record(report)
    style, script = (_asset(name) for name in ("style.css", "filter.js"))
    counts = {severity.value: sum(f.severity is severity for f in report.findings) for severity in Severity}
    return _template().render(
        report=report,
        style=style,
        script=script,
        policy=f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'",
        counts=counts,
        blocks=finding_blocks.blocks(report),
        files=sorted({finding.file or finding_blocks.WITHOUT_FILE for finding in report.findings}),
        matrix=finding_blocks.matrix(report),
        pictures=[architecture_picture.picture(region) for region in report.deployment.regions],
        timeline=timeline.picture(report.deployment),
        pages=list(_pages(report)),
        ledger=ledger_rows(report.ledger),
        ledger_counts=_counts(report.ledger),
        seconds=sum(stage.seconds for stage in report.stages),
    )


def _asset(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _template() -> Template:
    import jinja2  # noqa: PLC0415 - only a page needs it

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FileSystemLoader(FOLDER),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.tests["web"] = is_web
    return environment.get_template("page.html")


def is_web(address: str) -> bool:
    """Whether an address is one of the web: only those become links."""
    try:
        parts = parse.urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and address.isprintable() and " " not in address


def _pages(report: Report) -> Iterator[tuple[SmokeAnswer, str | None]]:
    """Yields each request, with the picture of its page as an address."""
    for answer in report.deployment.smoke:
        shot = report.screenshots.get(answer.url)
        yield answer, f"{SPRITE}{base64.b64encode(shot).decode()}" if shot else None


def ledger_rows(ledger: Iterable[LedgerEntry]) -> list[LedgerRow]:
    """Returns a row for each resource: the names of its properties by state."""
    resources: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in ledger:
        resources[entry.resource].append(entry)
    return [_ledger_row(resource, entries) for resource, entries in resources.items()]


def _ledger_row(resource: str, entries: list[LedgerEntry]) -> LedgerRow:
    states: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        states[entry.state].append(entry.property or "the resource")
    notes = dict.fromkeys(f"{e.property}: {e.note}" if e.property else e.note for e in entries if e.note)
    return LedgerRow(resource, tuple((state, ", ".join(names)) for state, names in states.items()), tuple(notes))


def _counts(ledger: Iterable[LedgerEntry]) -> list[tuple[int, str]]:
    counts: dict[str, int] = defaultdict(int)
    for entry in ledger:
        counts[entry.state] += 1
    return sorted(((count, state) for state, count in counts.items()), reverse=True)
