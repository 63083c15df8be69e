"""Findings, stage results and the report, and the aliases that every folder uses."""

from __future__ import annotations

import dataclasses
import enum
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from preflight.architecture import DeployedRegion, ResourceEvent

Say = Callable[[str], None]  # reports progress, one line a call
JsonObject = dict[str, Any]  # an object of AWS's own JSON
T = TypeVar("T")

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # control, format (bidi marks too), halves of pairs, line and paragraph
_COMMAND = re.compile(r"^(\s*):(?=:)|#(?=#\w*\[)")  # of a CI runner: `::error`, `##[error]`, `##vso[...]`


def visible(text: str) -> str:
    r"""Returns a text in one line that shows every character: `\n` for a line break, `\u202e` for a bidi override.

    No runner of a CI system takes it for a command, not even at the beginning of a line.
    """
    if not text.isprintable():
        text = "".join(map(_visible_character, text))
    return _COMMAND.sub(lambda match: f"{match[1] or ''}\\x{ord(match[0][-1]):02x}", text)


def _visible_character(character: str) -> str:
    is_byte = "\udc80" <= character <= "\udcff"  # of a file's name that is not UTF-8: the stream that is written shows it
    is_unseen = unicodedata.category(character) in _UNSEEN and not is_byte
    return character.encode("unicode_escape").decode("ascii") if is_unseen else character


def visible_record(record: T) -> T:
    """Returns a record such as a report with every text in it, at any depth, made `visible`."""
    shown: Any = record
    if isinstance(record, enum.Enum):
        return record
    if isinstance(record, str):
        shown = visible(record)
    elif dataclasses.is_dataclass(record) and not isinstance(record, type):
        fields = {item.name: visible_record(getattr(record, item.name)) for item in dataclasses.fields(record)}
        shown = type(record)(**fields)
    elif isinstance(record, Mapping):
        shown = {visible_record(key): visible_record(value) for key, value in record.items()}
    elif isinstance(record, tuple | list):
        shown = type(record)(visible_record(item) for item in record)
    return shown  # type: ignore[no-any-return] # the same type as before


class Progress(str):
    """A message of progress, and what it is about: the kind and the name of something, a detail, and its state.

    Readers of lines get the text; without one, the message is for displays, which show the state in place.
    """

    __slots__ = ("detail", "kind", "name", "state")
    kind: str
    name: str
    detail: str
    state: str

    def __new__(cls, line: str = "", *, kind: str, name: str, detail: str = "", state: str = "") -> Progress:  # noqa: PYI034 - Self is of Python 3.11
        """Returns the message."""
        progress = super().__new__(cls, line)
        progress.kind, progress.name, progress.detail, progress.state = kind, name, detail, state
        return progress


def said_in(region: str, text: str) -> str:
    """Returns a message of a region among several."""
    line = f"{region}: {text}" if text else ""
    if not isinstance(text, Progress):
        return line
    return Progress(line, kind=text.kind, name=f"{region} {text.name}", detail=text.detail, state=text.state)


class Severity(enum.Enum):
    """How bad a finding is, the worst first; only `ERROR` fails a run that is not strict."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """Its place among all, 0 for the worst."""
        return list(Severity).index(self)


MOST_GONE = 5  # entries of a baseline that a note names
TIERS = {"fargate": Severity.ERROR, "security": Severity.ERROR, "practice": Severity.WARNING}


class Outcome(enum.Enum):
    """How a stage ended. `ERROR` means that it could not check."""

    PASS = "pass"  # noqa: S105 - the word of the report, not a password
    FAIL = "fail"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with what the user wrote; `line` counts from 1, `why` the resource is there."""

    stage: str
    check: str
    severity: Severity
    message: str
    file: str | None = None
    line: int | None = None
    resource: str | None = None
    property: str | None = None
    fix: str | None = None
    source: str | None = None
    why: str | None = None

    def advice(self) -> list[str]:
        """Returns what to do and where to read about it, in lines."""
        return [f"{label}: {text}" for label, text in (("Fix", self.fix), ("See", self.source)) if text]

    def place(self) -> str:
        """Returns where it is, as `file:line`, as far as that is known."""
        if self.file is None:
            return self.resource or "-"
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True)
class DescribedRule:
    """What a report says of a rule that has findings: what it asks for, why, the controls it stands for, and its tier."""

    title: str
    why: str = ""
    tier: str = ""
    controls: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    source: str | None = None


@dataclass(frozen=True)
class ReportedWaiver:
    """A check that the user switched off for one resource, and why."""

    check: str
    resource: str | None
    reason: str
    where: str
    file: str | None = None
    until: str | None = None

    @property
    def justification(self) -> str:
        """The reason, and until when the waiver holds."""
        return f"{self.reason} (until {self.until})" if self.until else self.reason


@dataclass(frozen=True, order=True)
class BaselineEntry:
    """A finding in a baseline: what stays of it when lines move; `path` is its place if it is about no resource."""

    file: str
    resource: str
    check: str
    property: str
    path: str
    stage: str


@dataclass(frozen=True)
class BaselineUse:
    """The baseline of a run, the findings that it hides, and the entries for which there is no finding any more.

    `text` is what the file is to hold from now on, None if it stays as it is.
    """

    file: str
    hidden: tuple[Finding, ...] = ()
    gone: tuple[BaselineEntry, ...] = ()
    text: str | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What is gone, in words."""
        places = [f"{e.check} at {'/'.join(filter(None, (e.file, e.path, e.resource, e.property)))}" for e in self.gone]
        rest = f" and {len(places) - MOST_GONE} more" if len(places) > MOST_GONE else ""
        then = "removed" if self.text is not None else "Next: remove them with --write-baseline"
        return (f"{self.file}: no longer found: {', '.join(places[:MOST_GONE])}{rest}. {then}",) if places else ()


@dataclass(frozen=True)
class LedgerEntry:
    """What the emulated account did with one property, or with the whole resource if `property` is None."""

    resource: str
    property: str | None
    state: str
    note: str | None = None


@dataclass(frozen=True)
class Observations:
    """What the emulated account reports of a run; `skipped` has the reason by task definition whose tasks do not run."""

    ledger: tuple[LedgerEntry, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> JsonObject:
        """Returns the object that travels between the processes."""
        return asdict(self)

    @classmethod
    def from_json(cls, observations: JsonObject) -> Observations:
        """Returns the record of an object made by `to_json`.

        Raises:
            KeyError, TypeError: it has another form.
        """
        return cls(
            ledger=tuple(LedgerEntry(**entry) for entry in observations["ledger"]),
            notes=tuple(observations["notes"]),
            problems=tuple(observations["problems"]),
            skipped=dict(observations["skipped"]),
        )


@dataclass(frozen=True)
class SmokeAnswer:
    """One request of the smoke stage and what came back; `seconds` until the answer that counted."""

    target: str
    url: str
    status: int | None
    expected: int
    seconds: float


@dataclass(frozen=True)
class Deployment:
    """What was deployed: names and addresses, nothing that could be secret."""

    stacks: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    images: tuple[dict[str, str], ...] = ()
    tasks: tuple[dict[str, str], ...] = ()
    smoke: tuple[SmokeAnswer, ...] = ()
    regions: tuple[DeployedRegion, ...] = ()
    events: tuple[ResourceEvent, ...] = ()


def combined_deployment(deployments: Sequence[Deployment]) -> Deployment:
    """Returns all deployments as one."""
    parts = {field.name: tuple(item for each in deployments for item in getattr(each, field.name)) for field in fields(Deployment)}
    return Deployment(**parts)


@dataclass(frozen=True)
class PropertyChange:
    """A property that an update changes, its values as text; `recreation` (Never, Conditionally, Always) is of its resource."""

    name: str
    before: str | None
    after: str | None
    recreation: str = "Never"


@dataclass(frozen=True)
class StackChange:
    """What an update does to a resource: `action` is add, modify, replace, remove or import.

    `policy` says in AWS's words what becomes of what is replaced or removed, `was` where it was declared.
    """

    stack: str
    resource: str
    type: str
    action: str
    file: str | None = None
    line: int | None = None
    policy: str | None = None
    properties: tuple[PropertyChange, ...] = ()
    was: str | None = None


@dataclass(frozen=True)
class Update:
    """An update that was rehearsed: what it started from, what it changed, and the requests that were sent meanwhile."""

    origin: str
    commit: str | None = None
    changes: tuple[StackChange, ...] = ()
    traffic: tuple[JsonObject, ...] = ()


@dataclass(frozen=True)
class StageResult:
    """How one stage ended, in how many seconds, and what it found."""

    name: str
    outcome: Outcome
    seconds: float = 0.0
    reason: str | None = None
    findings: tuple[Finding, ...] = ()
    waived: tuple[ReportedWaiver, ...] = ()


@dataclass(frozen=True)
class Report:
    """One run: its stages in order, what it deployed, what was rehearsed and by which versions.

    `rules` has those with findings, `files` leads from the names of files in findings to where they are, `screenshots` from addresses of pages to PNG files.
    """

    target: str
    run: str
    stages: tuple[StageResult, ...]
    strict: bool = False
    ledger: tuple[LedgerEntry, ...] = ()
    deployment: Deployment = field(default_factory=Deployment)
    versions: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rules_off: tuple[str, ...] = ()
    rules_replaced: tuple[str, ...] = ()
    baseline: BaselineUse | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    rules: Mapping[str, DescribedRule] = field(default_factory=dict)
    plan: str | None = None
    started: str | None = None
    screenshots: Mapping[str, bytes] = field(default_factory=dict)
    update: Update | None = None

    @property
    def rule_notes(self) -> tuple[str, ...]:
        """What was changed about the rules, in words."""
        changes = (("switched off", self.rules_off), ("replaced", self.rules_replaced))
        return tuple(f"rules {what} here: {', '.join(names)}" for what, names in changes if names)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order of the stages."""
        return tuple(finding for stage in self.stages for finding in stage.findings)

    @property
    def waived(self) -> tuple[ReportedWaiver, ...]:
        """All waivers, in the order of the stages."""
        return tuple(waiver for stage in self.stages for waiver in stage.waived)

    @property
    def verdict(self) -> str:
        """`error` outranks `fail` outranks `pass`; a report without stages is an error."""
        outcomes = {stage.outcome for stage in self.stages}
        if Outcome.ERROR in outcomes or not outcomes:
            return "error"
        return "fail" if Outcome.FAIL in outcomes else "pass"

    def shown(self, least: Severity) -> tuple[Finding, ...]:
        """Returns the findings that are at least that bad."""
        return tuple(finding for finding in self.findings if finding.severity.rank <= least.rank)

    @property
    def summary(self) -> str:
        """The verdict and how many findings there are, in one line."""
        errors = sum(finding.severity is Severity.ERROR for finding in self.findings)
        others = len(self.findings) - errors
        counts = f"{errors} error{'s' if errors != 1 else ''}, {others} other finding{'s' if others != 1 else ''}"
        changes = ((self.rules_off, "off"), (self.rules_replaced, "replaced"))
        rules = "".join(f", {len(names)} rule{'s' if len(names) != 1 else ''} {what}" for names, what in changes if names)
        hidden = self.baseline.hidden if self.baseline is not None else ()
        hidden_count = f", {len(hidden)} hidden by {self.baseline.file}" if self.baseline is not None and hidden else ""
        return f"verdict: {self.verdict} ({counts}{hidden_count}{rules})"

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 2 could not check."""
        return {"pass": 0, "fail": 1, "error": 2}[self.verdict]


def outcome_of(findings: tuple[Finding, ...], *, strict: bool = False) -> Outcome:
    """Returns `FAIL` if a finding counts: errors always, the others if `strict`."""
    counts = (strict and findings) or [f for f in findings if f.severity is Severity.ERROR]
    return Outcome.FAIL if counts else Outcome.PASS


def without_repeats(stages: Sequence[StageResult]) -> list[StageResult]:
    """Returns the results of stages, of which none has a finding again that it or one before it has."""
    reported: set[Finding] = set()
    results = []
    for stage in stages:
        own: dict[Finding, Finding] = {}
        for finding in stage.findings:
            own.setdefault(replace(finding, stage=""), finding)
        new = tuple(finding for alike, finding in own.items() if alike not in reported)
        reported |= own.keys()
        results.append(replace(stage, findings=new))
    return results


def failing(result: StageResult, more: Sequence[Finding]) -> StageResult:
    """Returns the result with more findings, failed by them; an error stays an error."""
    outcome = result.outcome if result.outcome is Outcome.ERROR else Outcome.FAIL
    return replace(result, outcome=outcome, findings=(*result.findings, *more))
