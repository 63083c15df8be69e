"""What the stages of a run work on: the request, and its templates as far as they can be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from preflight.model import Finding, Outcome, Severity, StageResult
from preflight.pipeline.previous_version import FormerPlan
from preflight.pipeline.request import RunRequest
from preflight.plan import declared_names
from preflight.plan.plan import ImageStep, Plan
from preflight.templates import template
from preflight.templates.template import Template, UnreadableError


@dataclass(frozen=True)
class RunInputs:
    """The request, the run's id, the files' names in reports, the templates, findings about unreadable ones, and what runs today."""

    request: RunRequest
    run: str
    names: Mapping[Path, str]
    templates: Mapping[Path, Template]
    unreadable: tuple[Finding, ...]
    former: FormerPlan | None = None
    undeclared: tuple[Finding, ...] = ()  # findings about names of the plan that no template declares

    @property
    def stops_deployment(self) -> tuple[Finding, ...]:
        """The findings that keep every stage from deploying something."""
        return (*self.unreadable, *self.undeclared)

    @property
    def stops_comply(self) -> bool:
        """Whether comply cannot begin: a template of a plan cannot be read, or none at all."""
        return bool(self.unreadable) and (self.request.plan is not None or not self.templates)

    def unread_findings(self, stage: str) -> tuple[Finding, ...]:
        """Returns the findings that stop the deployment if the stage is the first one, which reports them."""
        return tuple(replace(f, stage=stage) for f in self.stops_deployment) if stage == self.request.stages[0] else ()

    def unread(self, stage: str) -> StageResult:
        """Returns the result of a stage that needs every template to be readable; the first stage has the findings."""
        unread = ", ".join(str(finding.file) for finding in self.unreadable)
        reason = f"cannot be read: {unread}" if unread else "the plan names something that none of its templates declares"
        if stage != self.request.stages[0]:
            return StageResult(stage, Outcome.SKIPPED, reason=reason)
        return StageResult(stage, Outcome.FAIL, reason=reason, findings=self.unread_findings(stage))

    def explained(self, stage: StageResult) -> StageResult:
        """Returns a result whose findings say why their resource is there: `preflight: {why: ...}` in its Metadata."""
        resources = {template.name: template.resources for template in self.templates.values()}
        findings = [
            replace(finding, why=_why(resources.get(str(finding.file), {}).get(str(finding.resource), {})))
            for finding in stage.findings
        ]
        return replace(stage, findings=tuple(findings))


def read(request: RunRequest, *, run: str, former: FormerPlan | None = None) -> RunInputs:
    """Read the templates of a request."""
    names = {
        **(former.names if former is not None else {}),
        **_names([*request.templates, *_plan_paths(request.plan)], request.plan),
    }
    loaded = {path: _load(path, names[path]) for path in request.templates}
    templates = {path: result for path, result in loaded.items() if isinstance(result, Template)}
    unreadable = [result for result in loaded.values() if isinstance(result, Finding)]
    undeclared = _undeclared(request, templates, names, run) if request.plan is not None and not unreadable else ()
    return RunInputs(request, run, names, templates, tuple(unreadable), former, tuple(undeclared))


def _undeclared(request: RunRequest, templates: Mapping[Path, Template], names: Mapping[Path, str], run: str) -> Iterator[Finding]:
    """Yields a finding for each name of the plan that no template declares."""
    plan: Any = request.plan
    lines = None
    for what, where, fix in declared_names.mistakes(plan, templates, run=run):
        lines = lines or template.load(plan.path)
        yield Finding(request.stages[0], "PlanName", Severity.ERROR, what, file=names[plan.path], line=lines.line(*where), fix=fix)


def _load(path: Path, name: str) -> Template | Finding:
    """Returns the template, or the finding about what keeps it from being read."""
    try:
        return template.load(path, name=name)
    except UnreadableError as error:
        return _unreadable(name, error)


def _why(resource: Mapping[str, Any]) -> str | None:
    """Returns the sentence in a resource's Metadata that says why it is there."""
    metadata = resource.get("Metadata")
    preflight = metadata.get("preflight") if isinstance(metadata, Mapping) else None
    why = preflight.get("why") if isinstance(preflight, Mapping) else None
    return why if isinstance(why, str) else None


def _unreadable(name: str, error: UnreadableError) -> Finding:
    return Finding(
        stage="lint",
        check="TemplateUnreadable",
        severity=Severity.ERROR,
        message=error.reason,
        file=name,
        line=error.line or 1,
        fix="Write the template as YAML or JSON that CloudFormation can read.",
        source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html",
    )


def _plan_paths(plan: Plan | None) -> Iterator[Path]:
    if plan is not None:
        yield plan.path
        yield from plan.template_files()
        yield from (step.build for step in plan.steps if isinstance(step, ImageStep))


def _names(paths: Sequence[Path], plan: Plan | None) -> dict[Path, str]:
    """Returns what reports call each file: its path from here, else from the plan's folder."""
    bases = [Path.cwd(), *([plan.folder] if plan is not None else [])]

    def name(path: Path) -> str:
        base = next((base for base in bases if path.absolute().is_relative_to(base)), None)
        return str(path.absolute().relative_to(base)) if base is not None else str(path)

    return {path: name(path) for path in paths}
