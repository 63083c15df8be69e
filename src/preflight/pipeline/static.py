"""Lint and comply: what can be checked without deploying anything."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from preflight import model
from preflight.comply import cfn_guard_binary, ruleset, stage
from preflight.comply.stage import ComplyRequest, ComplyRun
from preflight.errors import PreflightError, ToolBrokeError, UsageError
from preflight.lint import cfn_lint
from preflight.lint.cfn_lint import LintIncompleteError, LintRun
from preflight.model import DescribedRule, Finding, Outcome, ReportedWaiver, Say, Severity, StageResult
from preflight.pipeline import baseline
from preflight.pipeline.baseline import BaselineMatcher
from preflight.pipeline.inputs import RunInputs
from preflight.pipeline.stage import timed_stage
from preflight.plan import placeholders, resolved_stacks
from preflight.plan.resolved_stacks import ResolvedTemplate
from preflight.system import result_cache


class StaticStages:
    """Runs lint and comply; `versions`, `notes` and the changes of rules are for the report."""

    def __init__(self, inputs: RunInputs, say: Say) -> None:
        self._inputs = inputs
        self._request = inputs.request
        self._say = say
        self._cache = result_cache.of_user() if inputs.request.has_cache else None
        self.versions: dict[str, str] = {}
        self.notes: tuple[str, ...] = ()
        self.rules: dict[str, DescribedRule] = {}
        self.rules_off: tuple[str, ...] = ()
        self.rules_replaced: tuple[str, ...] = ()
        self._refusals: tuple[Finding, ...] = ()
        self._waivable: frozenset[str] = frozenset()
        self.baseline = BaselineMatcher(baseline.of(self._request), inputs)

    def run(self) -> list[StageResult]:
        """Returns the results of the requested stages; cfn-guard works while cfn-lint does, and both while the rest is prepared."""
        stages, started = [], time.monotonic()
        with contextlib.ExitStack() as cleanup:
            lint = self._try_to_start_lint(cleanup)
            guard = self._try_to_start_guard(cleanup)
            if lint is not None:
                stages.append(timed_stage("lint", self._say, functools.partial(self._lint, lint), started=started))
            if "comply" in self._request.stages:
                comply = functools.partial(self._comply, guard)
                stages.append(timed_stage("comply", self._say, comply, started=started))
        if self._cache is not None:
            self._cache.trim()
        return stages

    def _try_to_start_guard(self, cleanup: contextlib.ExitStack) -> ComplyRun | PreflightError | None:
        """Start cfn-guard if it is needed; an error is reported when comply's turn comes."""
        if "comply" not in self._request.stages or self._inputs.stops_comply:
            return None
        try:
            return cleanup.enter_context(self._start_guard())
        except PreflightError as error:
            return error

    def _start_guard(self) -> contextlib.AbstractContextManager[ComplyRun]:
        binary = cfn_guard_binary.find()
        self.versions["cfn-guard"] = binary.name
        plan = self._request.plan
        settings, allows = plan.policy if plan else None, self._request.allows_rule_changes
        rules = ruleset.chosen(self._request.rules, settings, allows_changes=allows)
        self._waivable = rules.waivable
        self.rules = {rule.name: rule.described for rule in rules.every}
        self.rules_off, self.rules_replaced, self._refusals = rules.switched_off, rules.replaced, rules.refusals
        return stage.running(ComplyRequest(self._inputs.templates, rules, plan, self._inputs.run, cache=self._cache), binary)

    def _try_to_start_lint(self, cleanup: contextlib.ExitStack) -> LintRun | PreflightError | None:
        """Start cfn-lint if it is requested; an error is reported as the stage's."""
        if "lint" not in self._request.stages:
            return None
        region = self._request.plan.region if self._request.plan else None
        try:
            return cleanup.enter_context(cfn_lint.running(self._inputs.templates, region=region, cache=self._cache, stacks=self._stacks))
        except PreflightError as error:
            return error

    def _lint(self, run: LintRun | PreflightError) -> StageResult:
        if isinstance(run, PreflightError):
            raise run
        self.versions["cfn-lint"] = cfn_lint.version()
        waived, error = cfn_lint.waivers(list(self._inputs.templates.values())), None
        try:
            findings = run.result()
        except LintIncompleteError as incomplete:
            findings, error = list(incomplete.findings), incomplete
        unchecked = error.unchecked if error is not None else frozenset()
        result = self._judged("lint", [*self._inputs.stops_deployment, *findings], waived, unchecked)
        return result if error is None else replace(result, outcome=Outcome.ERROR, reason=str(error))

    def _stacks(self) -> list[ResolvedTemplate]:
        """Returns the templates as the plan's stacks have them in each region; none without a plan, or if there is no end to what they nest."""
        plan, account = self._request.plan, self._request.account
        if plan is None:
            return []
        of_plan = functools.partial(resolved_stacks.of_plan, run=self._inputs.run, account=account.id if account else placeholders.ACCOUNT)
        try:
            every = [of_plan(replace(plan, region=region), self._inputs.templates) for region in self._request.regions]
        except UsageError:
            return []
        return [template for stacks in every for template in stacks.deployed]

    def _comply(self, guard: ComplyRun | PreflightError | None) -> StageResult:
        if self._inputs.stops_comply:
            return self._inputs.unread("comply")
        if not isinstance(guard, ComplyRun):
            raise guard or ToolBrokeError("cfn-guard was not started")
        result = guard.result()
        self.notes = result.notes
        return self._judged("comply", [*self._inputs.unread_findings("comply"), *self._refusals, *result.findings], result.waived)

    def _judged(self, name: str, findings: Sequence[Finding], waived: Sequence[ReportedWaiver], unchecked: Collection[Path] = ()) -> StageResult:
        rules = self.rules if name == "comply" else None
        shown = tuple(self.baseline.shown(findings, stage=name, can_hide=self._can_hide, unchecked=unchecked, rules=rules))
        outcome = model.outcome_of(shown, strict=self._request.strict)
        return StageResult(name, outcome, findings=shown, waived=tuple(waived))

    def advice(self, stages: Sequence[StageResult]) -> tuple[str, ...]:
        """Returns what to do next if a plan fails only by rules that a baseline may hide, as on its first day."""
        errors = [finding for stage in stages for finding in stage.findings if finding.severity is Severity.ERROR]
        is_broken = any(stage.outcome is Outcome.ERROR for stage in stages)
        if self._request.plan is None or not errors or is_broken or not all(map(self._can_hide, errors)):
            return ()
        return (f"only rules that may be waived fail. Next: fix what they find, or record it with `{baseline.WRITE}`; later runs then fail on new findings only",)

    def _can_hide(self, finding: Finding) -> bool:
        """Whether a baseline may hide a finding: one of a rule that may be waived, or a warning of cfn-lint."""
        if finding.stage == "lint":
            return finding.severity is not Severity.ERROR
        return finding.check in self._waivable
