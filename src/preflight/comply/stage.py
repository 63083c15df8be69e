"""The comply stage: templates as written and as resolved, held against all rules in one run of cfn-guard.

What the rules find in the resolved documents points to the source again. Checks in Python look at the
resolved documents meanwhile. Then waivers are taken into account, and held against what they hide.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from preflight.comply import cfn_guard, waiver_matching, waivers
from preflight.comply.cfn_guard import Document
from preflight.comply.cfn_guard_binary import Binary
from preflight.comply.python_rules import catalog
from preflight.comply.python_rules.violation import Violation
from preflight.comply.rules import Rule
from preflight.comply.ruleset import Ruleset
from preflight.comply.waiver_matching import WaiverMatcher
from preflight.comply.waivers import Waiver
from preflight.errors import UsageError
from preflight.model import Finding, ReportedWaiver, Severity
from preflight.plan import resolved_stacks
from preflight.plan.plan import Plan
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.system import run_folders
from preflight.templates.template import Template

NULL = "NULL_VALUE"
LOOP = "LOOP_NOT_UNROLLED"
_ODD_KEY = re.compile(r"[^A-Za-z_]|$|(true|false|null|yes|no|on|off|y|n)$", re.IGNORECASE)


@dataclass(frozen=True)
class ComplyRequest:
    """What is to be held against which rules; `plan` is None where there is none."""

    templates: Mapping[Path, Template]
    rules: Ruleset
    plan: Plan | None
    run: str
    today: dt.date = field(default_factory=dt.date.today)


@dataclass(frozen=True)
class Result:
    """What the stage found, and every waiver."""

    findings: tuple[Finding, ...]
    waived: tuple[ReportedWaiver, ...]


class ComplyRun:
    """The stage at work: cfn-guard has begun; `result` does the rest."""

    def __init__(self, asked: ComplyRequest, binary: Binary, folder: Path) -> None:
        self._asked = asked
        self._binary = binary
        self._folder = folder
        self._nulls = list(_nulls(asked.templates))
        broken = {found.file for found in self._nulls}
        self._templates = {path: known for path, known in asked.templates.items() if known.name not in broken}
        self._estate = _estate(replace(asked, templates=self._templates))
        self._written = _write(self._estate, folder)
        every = {**_as_written(self._templates, folder), **self._written}
        has_work = bool(every) and bool(asked.rules.asked)
        self._started = cfn_guard.start(binary, asked.rules.asked, every) if has_work else None

    def result(self) -> Result:
        """Wait for cfn-guard and judge.

        Raises:
            ToolBrokeError: cfn-guard gave no verdict.
        """
        joined = list(self._joined())
        answers = self._started.by_document() if self._started is not None else {}
        on = self._asked.rules.on
        raw = [f for path, found in answers.items() if path not in self._written for f in found if f.check in on]
        resolved = [
            _placed(f, self._written[path]) for path, found in answers.items() if path in self._written for f in found if f.check in on
        ]
        settled = self._settling().settled(raw, [*resolved, *joined])
        stale = [] if self._nulls else list(self._stale(settled.idle))
        findings = [*self._nulls, *_loops(self._estate), *settled.findings, *settled.troubles, *stale]
        return Result(tuple(findings), tuple(claim.shown() for claim in settled.claims))

    def kill(self) -> None:
        """End cfn-guard."""
        if self._started is not None:
            self._started.kill()

    def _settling(self) -> WaiverMatcher:
        asked = self._asked
        policy = asked.plan.policy if asked.plan is not None else None
        claims = waivers.of(list(asked.templates.values())) + (waivers.of_policy(policy) if policy else [])
        return WaiverMatcher(claims, asked.rules, self._estate, templates=asked.templates, today=asked.today)

    def _joined(self) -> Iterator[Finding]:
        for rule in self._asked.rules.joins:
            check = catalog.CHECKS.get(rule.name)
            if check is not None and rule.is_on:
                for found in check(self._estate):
                    yield _placed(_finding(rule, found), found.document)

    def _stale(self, idle: Sequence[Waiver]) -> Iterator[Finding]:
        """Waivers that hide nothing; those of templates are asked of the template as written, too."""
        names = {claim.rule for claim in idle if claim.where == "template"}
        rules = [rule for rule in self._asked.rules.asked if rule.name in names]
        files = {claim.file for claim in idle if claim.where == "template"}
        again = {path: known for path, known in self._templates.items() if known.name in files}
        found: list[Finding] = []
        if rules and again:
            asked = tuple(r for r in self._asked.rules.asked if r.file in {rule.file for rule in rules})
            found = cfn_guard.start(self._binary, asked, _bare(again, self._folder)).findings()
        for claim in idle:
            same = [f for f in found if (f.check, f.file) == (claim.rule, claim.file)]
            if claim.resource is None:
                same = [f for f in same if waiver_matching.is_of_template(claim, f, self._templates)]
            if claim.where == "plan" or not same:
                yield waivers.unused(claim)


@contextlib.contextmanager
def running(asked: ComplyRequest, binary: Binary) -> Iterator[ComplyRun]:
    """Begin the stage; the folder of the resolved documents is removed in any case.

    Raises:
        PreflightError: it cannot begin.
    """
    folder = run_folders.new_run(f"{asked.run}-comply")
    started: ComplyRun | None = None
    try:
        started = _begun(asked, binary, folder)
        yield started
    finally:
        if started is not None:
            started.kill()
        run_folders.remove(folder)


def _begun(asked: ComplyRequest, binary: Binary, folder: Path) -> ComplyRun:
    try:
        return ComplyRun(asked, binary, folder)
    except RecursionError:
        names = ", ".join(known.name for known in asked.templates.values())
        msg = f"{names}: nested too deeply to be resolved. Next: write it flatter"
        raise UsageError(msg) from None


def _estate(asked: ComplyRequest) -> ResolvedStacks:
    if asked.plan is not None:
        return resolved_stacks.of_plan(asked.plan, asked.templates, run=asked.run)
    return resolved_stacks.of_templates(asked.templates)


def _write(every: ResolvedStacks, folder: Path) -> dict[Path, Document]:
    """Write each document that differs from the others to a file; the files by path."""
    seen: set[tuple[Path, str]] = set()
    written: dict[Path, Document] = {}
    for document in every.documents:
        text = _text(waivers.stripped(document.data, document.resources))
        if (document.path, text) not in seen:
            seen.add((document.path, text))
            written[_put(folder / f"{len(written)}.json", text)] = document
    return written


def _as_written(templates: Mapping[Path, Template], folder: Path) -> dict[Path, Document]:
    """The templates' own files; a copy of those that cfn-guard cannot read and CloudFormation can."""
    files: dict[Path, Document] = {}
    for number, (path, known) in enumerate(templates.items()):
        is_odd = _is_odd(known.data)
        file = _put(folder / f"written-{number}.json", _text(known.data)) if is_odd else path.absolute()
        files[file] = known
    return files


def _is_odd(value: Any) -> bool:
    """Whether a key may be no text to a reader of YAML, as the number of an account is, or a number is none of JSON's."""
    if isinstance(value, dict):
        return any(_ODD_KEY.match(key) or _is_odd(item) for key, item in value.items())
    if isinstance(value, list):
        return any(map(_is_odd, value))
    return isinstance(value, float) and not math.isfinite(value)


def _bare(templates: Mapping[Path, Template], folder: Path) -> dict[Path, Document]:
    """The templates as written, but without their suppressions, as files."""
    return {
        _put(folder / f"bare-{number}.json", _text(waivers.stripped(known.data, known.resources))): known
        for number, known in enumerate(templates.values())
    }


def _put(path: Path, text: str) -> Path:
    """Write a document to a file; the file's whole path."""
    path.write_text(text, encoding="utf-8")
    return path.absolute()


def _text(data: Mapping[str, Any]) -> str:
    """A document as JSON; numbers that JSON does not have become text."""
    try:
        return json.dumps(data, allow_nan=False)
    except ValueError:
        return json.dumps(_plain(data))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float) else value


def _placed(finding: Finding, document: Document) -> Finding:
    """A finding in a resolved document, with what the values it depends on come from."""
    stack = document.stack if isinstance(document, ResolvedTemplate) else None
    where = f"stack {stack}" if stack is not None else "the default parameters"
    return replace(finding, message=f"{finding.message} [with {where}]")


def _finding(rule: Rule, found: Violation) -> Finding:
    return Finding(
        stage="comply",
        check=rule.name,
        severity=rule.severity,
        message=found.message,
        file=found.document.name,
        line=found.document.line(*found.path),
        resource=found.resource,
        property=found.property,
        fix=found.fix,
        source=rule.source,
    )


def _nulls(templates: Mapping[Path, Template]) -> Iterator[Finding]:
    """Nulls, which CloudFormation takes nowhere but in metadata of the template, and cfn-guard breaks at."""
    for known in templates.values():
        path = _null({key: value for key, value in known.data.items() if key != "Metadata"})
        if path is not None:
            yield Finding(
                "comply",
                NULL,
                Severity.ERROR,
                f"[/{'/'.join(map(str, path))}] 'null' values are not allowed in templates; no rule was asked about this file.",
                file=known.name,
                line=known.line(*path),
                resource=str(path[1]) if len(path) > 1 and path[0] == "Resources" else None,
                fix="Give it a value, or take it out.",
                source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html",
            )


def _null(value: Any) -> tuple[str | int, ...] | None:
    """Path of the first null in a value, itself included; None where there is none."""
    if value is None:
        return ()
    if isinstance(value, dict):
        for key, item in value.items():
            found = None if item.__class__ is str else _null(item)
            if found is not None:
                return (key, *found)
    elif isinstance(value, list):
        return _null(dict(enumerate(value)))
    return None


def _loops(every: ResolvedStacks) -> Iterator[Finding]:
    for name in dict.fromkeys(document.name for document in every.documents if not document.is_expanded):
        message = "a loop (Fn::ForEach) cannot be unrolled with what is known, so no rule saw what it makes."
        fix = "Give the parameters of its collection defaults, or check the template by a plan that has them."
        yield Finding("comply", LOOP, Severity.WARNING, message, file=name, line=1, fix=fix)
