"""Findings for stacks that were refused or failed: which line of which template, why, and what mends it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from preflight.deploy import stacks, stop_reasons
from preflight.deploy.declared_resources import DeclaredResources
from preflight.deploy.stacks import Failure, RefusedError
from preflight.model import Finding, Severity
from preflight.plan.plan import StackStep
from preflight.templates import location, template
from preflight.templates.template import UnreadableError

SOURCE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html"


class StackFindings:
    """Explains by the templates what CloudFormation said; `names` are what reports call the files."""

    def __init__(self, known: DeclaredResources, names: Mapping[Path, str]) -> None:
        self._blueprint = known
        self._names = names

    def of_refusal(self, error: RefusedError, step: StackStep) -> Finding:
        """The finding for a request that CloudFormation refused."""
        name, fix = stop_reasons.of_stack(error.message)
        path = _path(step.template, error.message)
        return Finding(
            "rehearse",
            error.code,
            Severity.ERROR,
            f"stack {error.stack}: {error.message}",
            file=self._names.get(step.template, str(step.template)),
            line=template.load(step.template).line(*path) if path else 1,
            resource=location.resource_of(path),
            property=name,
            fix=fix,
            source=SOURCE,
        )

    def of_resource(self, failure: Failure) -> Finding:
        """The finding for a resource, or a stack, that failed."""
        name, fix = stop_reasons.of_stack(failure.reason)
        name = name or location.property_of(failure.reason)
        file, line, resource = self._where(failure, name)
        return Finding(
            "rehearse",
            failure.status,
            Severity.ERROR,
            f"{failure.kind}: {failure.reason}",
            file=file,
            line=line,
            resource=resource,
            property=name,
            fix=fix,
            source=SOURCE,
        )

    def _where(self, failure: Failure, name: str | None) -> tuple[str | None, int | None, str | None]:
        """File, line and logical id of what failed: of the nested template where that was refused."""
        known = self._blueprint.template_of(failure.stack)
        if failure.logical and failure.kind == stacks.STACK and not failure.reason.startswith("Parameters:"):
            inner = self._blueprint.nested(failure.stack, failure.logical)
            path = location.of_message(inner, failure.reason) if inner else ()
            if inner is not None and path:
                return inner.name, inner.line(*path), location.resource_of(path)
        declared = self._blueprint.at(failure.stack, failure.logical) if failure.logical else None
        if declared is not None:
            return declared.template.name, declared.line(name), failure.logical
        path = location.of_message(known, failure.reason) if known else ()
        return (
            (known.name, known.line(*path), failure.logical or location.resource_of(path))
            if known
            else (None, None, failure.logical)
        )


def _path(path: Path, message: str) -> location.Path:
    try:
        return location.of_message(template.load(path), message)
    except UnreadableError:
        return ()
