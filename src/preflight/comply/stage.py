"""The comply stage: checks templates, as written and as resolved, against all rules in one run of cfn-guard.

Findings in the resolved documents point to the source again. Rules in Python check the resolved documents while
cfn-guard works. Waivers are then matched with the findings that they hide.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from preflight.aws import update_losses
from preflight.comply import cfn_guard, ec2_workloads, guard_documents, template_checks, waiver_matching, waivers
from preflight.comply.cfn_guard import GuardRun
from preflight.comply.cfn_guard_binary import Binary
from preflight.comply.cross_template_rules import catalog
from preflight.comply.cross_template_rules.violation import Violation
from preflight.comply.guard_documents import GuardDocument
from preflight.comply.rules import Rule
from preflight.comply.ruleset import Ruleset
from preflight.comply.waiver_matching import MatchedFindings, WaiverMatcher
from preflight.comply.waivers import Waiver
from preflight.errors import UsageError
from preflight.model import Finding, ReportedWaiver
from preflight.plan import resolved_stacks
from preflight.plan.plan import Plan
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.system.result_cache import ResultCache
from preflight.templates.template import Template


@dataclass(frozen=True)
class ComplyRequest:
    """Which templates to check against which rules; `plan` is None without a plan."""

    templates: Mapping[Path, Template]
    rules: Ruleset
    plan: Plan | None
    run: str
    today: dt.date = field(default_factory=dt.date.today)
    cache: ResultCache | None = None


@dataclass(frozen=True)
class Result:
    """The findings of the stage, every waiver, and notes about what was left out."""

    findings: tuple[Finding, ...]
    waived: tuple[ReportedWaiver, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Prepared:
    """The templates that can be judged, resolved and written to files; `nulls` are the findings in the others."""

    nulls: tuple[Finding, ...]
    templates: Mapping[Path, Template]
    stacks: ResolvedStacks
    resolved: Mapping[Path, tuple[ResolvedTemplate, GuardDocument]]
    as_written: Mapping[Path, GuardDocument]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Collected:
    """The findings of all rules, before waivers."""

    as_written: Sequence[Finding]
    resolved: Sequence[Finding]


class ComplyRun:
    """One run of the stage: `start` starts cfn-guard, `result` waits for it and judges."""

    def __init__(self, request: ComplyRequest, binary: Binary, prepared: _Prepared) -> None:
        self._request = request
        self._binary = binary
        self._prepared = prepared
        self._guard: GuardRun | None = None

    def start(self) -> None:
        """Starts cfn-guard, if there is anything to check."""
        documents = {**self._prepared.as_written, **{key: document for key, (_, document) in self._prepared.resolved.items()}}
        if documents and self._request.rules.asked:
            self._guard = cfn_guard.start(self._binary, self._request.rules.asked, documents, cache=self._request.cache)

    def result(self) -> Result:
        """Waits for cfn-guard and returns all findings and waivers.

        Raises:
            ToolBrokeError: cfn-guard gave no verdict.
        """
        matched = self._match(self._collect())
        unused = [] if self._prepared.nulls else list(self._unused(matched.idle))
        loops = template_checks.loops(self._prepared.stacks)
        findings = (*self._prepared.nulls, *loops, *matched.findings, *matched.troubles, *unused)
        waived = [waiver.as_reported() for waiver in matched.waivers if waiver.rule not in update_losses.CHECKS]  # the update lists those
        return Result(findings, tuple(waived), self._prepared.notes)

    def kill(self) -> None:
        """Ends cfn-guard."""
        if self._guard is not None:
            self._guard.kill()

    def _collect(self) -> _Collected:
        in_python = list(self._python_findings())
        by_file = self._guard.by_document() if self._guard is not None else {}
        on, resolved = self._request.rules.on, self._prepared.resolved
        counted = [(path, f) for path, findings in by_file.items() for f in findings if f.check in on]
        return _Collected(
            [finding for path, finding in counted if path not in resolved],
            [*(_with_stack(finding, resolved[path][0]) for path, finding in counted if path in resolved), *in_python],
        )

    def _match(self, collected: _Collected) -> MatchedFindings:
        request = self._request
        settings = request.plan.policy if request.plan is not None else None
        declared = waivers.read_waivers(list(request.templates.values()))
        declared += waivers.plan_waivers(settings) if settings else []
        stacks, templates = self._prepared.stacks, request.templates
        matcher = WaiverMatcher(declared, request.rules, stacks, templates=templates, today=request.today)
        return matcher.match(collected.as_written, collected.resolved)

    def _python_findings(self) -> Iterator[Finding]:
        for rule in self._request.rules.python_rules:
            check = catalog.CHECKS.get(rule.name)
            if check is not None and rule.is_on:
                for violation in check(self._prepared.stacks):
                    yield _with_stack(_finding(rule, violation), violation.document)

    def _unused(self, idle: Sequence[Waiver]) -> Iterator[Finding]:
        """Reports the waivers that hide nothing; those in templates also have to hide nothing in the template as written."""
        findings = self._without_waivers([waiver for waiver in idle if waiver.where == "template"])
        for waiver in idle:
            hidden = [f for f in findings if (f.check, f.file) == (waiver.rule, waiver.file)]
            if waiver.resource is None:
                hidden = [f for f in hidden if waiver_matching.is_of_template(waiver, f, self._prepared.templates)]
            if waiver.where == "plan" or not hidden:
                yield waivers.unused(waiver)

    def _without_waivers(self, idle: Sequence[Waiver]) -> list[Finding]:
        """Returns what cfn-guard finds, by the rules of these waivers, in their templates without any suppression."""
        names, files = {waiver.rule for waiver in idle}, {waiver.file for waiver in idle}
        rule_files = {rule.file for rule in self._request.rules.asked if rule.name in names}
        templates = {path: t for path, t in self._prepared.templates.items() if t.name in files}
        if not rule_files or not templates:
            return []
        rules = tuple(rule for rule in self._request.rules.asked if rule.file in rule_files)
        guard = cfn_guard.start(self._binary, rules, guard_documents.without_suppressions(templates), cache=self._request.cache)
        try:
            return guard.findings()
        finally:
            guard.kill()


@contextlib.contextmanager
def running(request: ComplyRequest, binary: Binary) -> Iterator[ComplyRun]:
    """Starts the stage; ends cfn-guard afterwards.

    Raises:
        PreflightError: it cannot start.
    """
    run = ComplyRun(request, binary, _prepare(request))
    try:
        run.start()
        yield run
    finally:
        run.kill()


def _prepare(request: ComplyRequest) -> _Prepared:
    try:
        nulls = tuple(template_checks.nulls(request.templates))
        broken = {finding.file for finding in nulls}
        templates = {path: t for path, t in request.templates.items() if t.name not in broken}
        stacks = _resolve(replace(request, templates=templates))
        left_out = _leave_out(stacks)
        resolved = guard_documents.resolved(stacks)
        as_written = guard_documents.as_written(templates, left_out)
        notes = tuple(f"left out, as it runs on container instances: {name} in {file}" for file in left_out for name in sorted(left_out[file]))
        return _Prepared(nulls, templates, stacks, resolved, as_written, notes)
    except RecursionError:
        names = ", ".join(template.name for template in request.templates.values())
        msg = f"{names}: nested too deeply to be resolved. Next: nest it less deeply"
        raise UsageError(msg) from None


def _leave_out(stacks: ResolvedStacks) -> dict[str, set[str]]:
    """Take what runs on container instances out of the documents. Returns what is left out of all documents of a file."""
    names: dict[str, set[str]] = {}
    workloads = ec2_workloads.left_out(stacks)
    for document in stacks.documents:
        own = set(workloads.get(document, ()))
        names[document.name] = names[document.name] & own if document.name in names else own
        document.data = {**document.data, "Resources": {n: r for n, r in document.resources.items() if n not in own}}
    return {name: left for name, left in names.items() if left}


def _resolve(request: ComplyRequest) -> ResolvedStacks:
    if request.plan is not None:
        return resolved_stacks.of_plan(request.plan, request.templates, run=request.run)
    return resolved_stacks.of_templates(request.templates)


def _with_stack(finding: Finding, document: ResolvedTemplate) -> Finding:
    """Returns a finding in a resolved document, with the stack whose parameters it depends on."""
    stack = f"stack {document.stack}" if document.stack is not None else "the default parameters"
    return replace(finding, message=f"{finding.message} [with {stack}]")


def _finding(rule: Rule, violation: Violation) -> Finding:
    return Finding(
        stage="comply",
        check=rule.name,
        severity=rule.severity,
        message=violation.message,
        file=violation.document.name,
        line=violation.document.line(*violation.path),
        resource=violation.resource,
        property=violation.property,
        fix=violation.fix,
        source=violation.source or rule.source,
    )
