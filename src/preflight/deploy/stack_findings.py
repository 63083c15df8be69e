"""Findings for stacks that were refused or failed: which line of which template, why, and how to fix it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from preflight.deploy import dockerfile_platform, stop_reasons
from preflight.deploy.declared_resources import DeclaredResources
from preflight.deploy.dockerfile_checks import UnsafeBuildError
from preflight.deploy.stacks import STACK, Failure, RefusedError
from preflight.model import Finding, Severity
from preflight.plan.plan import StackStep
from preflight.templates import error_location, template
from preflight.templates.template import UnreadableError

SOURCE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html"


class StackFindings:
    """Finds in the templates what CloudFormation reported; `names` are the files' names in reports."""

    def __init__(self, declared_resources: DeclaredResources, names: Mapping[Path, str], plan_path: Path) -> None:
        self._declared_resources = declared_resources
        self._names = names
        self._plan_path = plan_path

    def of_plan(self, check: str, message: str, fix: str) -> Finding:
        """Returns a finding about the plan."""
        file = self._names.get(self._plan_path, self._plan_path.name)
        return Finding("rehearse", check, Severity.ERROR, message, file=file, line=1, fix=fix)

    def of_dockerfile(self, path: Path, error: UnsafeBuildError) -> Finding:
        """Returns the finding for a build that the engine of this machine must not run."""
        folder = self._names.get(path.parent, path.parent.name)
        return Finding(
            "rehearse",
            "UnsafeBuild",
            Severity.ERROR,
            str(error),
            file=f"{folder}/{path.name}",
            line=error.line,
            fix=error.fix,
            source=error.source,
        )

    def of_platform(self, path: Path, platforms: str) -> Finding | None:
        """Returns the finding for a Dockerfile that builds for another platform than those of its tasks, None if it may not."""
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        fixed = dockerfile_platform.of_image(text)
        if fixed is None or not platforms or set(platforms.split(",")) == {fixed[1]}:
            return None
        folder = self._names.get(path.parent, path.parent.name)
        return Finding(
            "rehearse",
            "PlatformMismatch",
            Severity.ERROR,
            f"the image is built for {fixed[1]}, and its tasks run on {platforms}: its programs would end with 'exec format error'",
            file=f"{folder}/{path.name}",
            line=fixed[0],
            fix=dockerfile_platform.FIX,
            source=stop_reasons.PULL,
        )

    def of_refusal(self, error: RefusedError, step: StackStep) -> Finding:
        """Returns the finding for a request that CloudFormation refused."""
        name, fix = stop_reasons.of_stack(error.message)
        path = _path(step.template, error.message)
        return Finding(
            "rehearse",
            error.code,
            Severity.ERROR,
            f"stack {error.stack}: {error.message}",
            file=self._names.get(step.template, str(step.template)),
            line=template.load(step.template).line(*path) if path else 1,
            resource=error_location.resource_of(path),
            property=name,
            fix=fix,
            source=SOURCE,
        )

    def of_resource(self, failure: Failure) -> Finding:
        """Returns the finding for a resource, or a stack, that failed."""
        name, fix = stop_reasons.of_stack(failure.reason, failure.kind)
        name = name or error_location.property_of(failure.reason)
        other = self._declared_resources.named_in(failure.reason) if "already exists" in failure.reason else None
        if other is not None and other.kind == failure.kind:
            fix = f"{other.logical} in {other.template.name} has this name already: choose another, or leave the name to CloudFormation."
        file, line, resource = self._place(failure, name)
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

    def _place(self, failure: Failure, name: str | None) -> tuple[str | None, int | None, str | None]:
        """Returns file, line and logical id of what failed; those in the nested template if that was refused."""
        if failure.logical and failure.kind == STACK and not failure.reason.startswith("Parameters:"):
            nested = self._declared_resources.nested(failure.stack, failure.logical)
            path = error_location.of_message(nested, failure.reason) if nested else ()
            if nested is not None and path:
                return nested.name, nested.line(*path), error_location.resource_of(path)
        resource = self._declared_resources.by_logical_id(failure.stack, failure.logical) if failure.logical else None
        if resource is not None:
            return resource.template.name, resource.line(name), failure.logical
        template_of_stack = self._declared_resources.template_of(failure.stack)
        if template_of_stack is None:
            return None, None, failure.logical
        path = error_location.of_message(template_of_stack, failure.reason)
        return template_of_stack.name, template_of_stack.line(*path), failure.logical or error_location.resource_of(path)


def _path(path: Path, message: str) -> error_location.Path:
    try:
        return error_location.of_message(template.load(path), message)
    except UnreadableError:
        return ()
