"""Runs cfn-lint over all templates: findings and waivers out."""

from __future__ import annotations

import contextlib
import functools
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from preflight.errors import ToolBrokeError
from preflight.lint import decided_conditions, known_matches, shipped_lists, written_template
from preflight.lint.known_matches import MatchesRun
from preflight.lint.worker import Match
from preflight.model import Finding, ReportedWaiver, Severity
from preflight.plan import resolved_stacks
from preflight.plan.resolved_stacks import ResolvedTemplate
from preflight.system.result_cache import ResultCache
from preflight.templates import error_location, language_extensions, parameters
from preflight.templates.template import Template

DYNAMIC_PORT, ROLE_FORMAT = "E3049", "E1041"
DEFAULT, ROLE_PATTERNS = "E2015", frozenset({"E1156", "E3511"})
DEPENDENCY, MISSING_SUB, SECTION = "E3005", "E1029", "E1001"
ROLES = frozenset({"ExecutionRoleArn", "TaskRoleArn"})
_ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)  # https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
_DYNAMIC = "'{{resolve:"  # how a dynamic reference begins, quoted in a message
StackTemplates = Callable[[], Sequence[ResolvedTemplate]]
SEVERITIES = {"E": Severity.ERROR, "W": Severity.WARNING, "I": Severity.INFO}


class LintIncompleteError(ToolBrokeError):
    """cfn-lint gave no verdict on some templates, the `unchecked` ones; `findings` are those in the others."""

    def __init__(self, reasons: Mapping[Path, ToolBrokeError], findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(map(str, reasons.values())))
        self.unchecked = frozenset(reasons)
        self.findings = findings


class LintRun:
    """cfn-lint over templates: it works in the background until its result is wanted."""

    def __init__(
        self, templates: Mapping[Path, Template], folder: Path, *, region: str | None, cache: ResultCache | None, stacks: StackTemplates
    ) -> None:
        self._templates = templates
        self._small = {path: template for path, template in templates.items() if not _is_oversized(template)}
        self._unrolled = _unrolled(self._small, folder)
        self._lint = functools.partial(known_matches.run, region=region, cache=cache)
        self._stacks = stacks
        files = {**self._small, **{file: self._small[path] for path, (file, _) in self._unrolled.items()}}
        self.matches = MatchesRun(files, region=region, cache=cache)

    def result(self) -> list[Finding]:
        """Waits for cfn-lint and returns all findings.

        Raises:
            LintIncompleteError: cfn-lint broke, or took too long or too much memory.
        """
        findings = [_oversized(template) for template in self._templates.values() if _is_oversized(template)]
        verdicts, broken = self.matches.result(), {}
        for path, template in self._small.items():
            matches = verdicts[path]
            of_loops, document = (verdicts[self._unrolled[path][0]], self._unrolled[path][1]) if path in self._unrolled else ([], None)
            if isinstance(matches, ToolBrokeError):
                broken[path] = matches
            elif isinstance(of_loops, ToolBrokeError):
                broken[path] = of_loops
            else:
                own = [_finding(match, template if match.filename == str(path) else None) for match in matches]
                findings += own if document is None else _with_loops_unrolled(own, of_loops, template, document)
        findings = decided_conditions.in_effect(findings, self._stacks, self._lint)
        findings += [finding for template in self._templates.values() for finding in _replaced_keys(template)]
        if broken:
            raise LintIncompleteError(broken, findings)
        return findings


@contextlib.contextmanager
def running(
    templates: Mapping[Path, Template], *, region: str | None = None, cache: ResultCache | None = None, stacks: StackTemplates = tuple
) -> Iterator[LintRun]:
    """Starts cfn-lint, and ends it afterwards; its suppressions are honoured, and informational checks included.

    `stacks` returns the templates of a plan as its stacks have them: what is wrong in none of them is a warning.

    cfn-lint runs in processes of its own, since a template of some hundred bytes can keep it busy for hours
    or take all memory. No `.cfnlintrc` is read: one in the checkout could name Python files to run, and
    switch checks off unseen.
    """
    with tempfile.TemporaryDirectory() as folder:
        run = LintRun(templates, Path(folder), region=region, cache=cache, stacks=stacks)
        try:
            run.matches.start()
            yield run
        finally:
            run.matches.end()


def check(
    templates: Mapping[Path, Template], *, region: str | None = None, cache: ResultCache | None = None, stacks: StackTemplates = tuple
) -> list[Finding]:
    """Returns everything that cfn-lint finds.

    Raises:
        LintIncompleteError: cfn-lint broke, or took too long or too much memory.
    """
    with running(templates, region=region, cache=cache, stacks=stacks) as run:
        return run.result()


def _unrolled(templates: Mapping[Path, Template], folder: Path) -> dict[Path, tuple[Path, ResolvedTemplate]]:
    """Writes the templates that have loops with the loops unrolled; returns file and document of each."""
    files: dict[Path, tuple[Path, ResolvedTemplate]] = {}
    for path, template in templates.items():
        if language_extensions.is_used(template.data):
            document = resolved_stacks.of_templates({path: template}).documents[0]
            if document.is_expanded:
                data = {key: value for key, value in document.expanded.items() if key != "Transform"}
                files[path] = (written_template.write(folder / f"{len(files)}.json", data), document)
    return files


def _with_loops_unrolled(findings: list[Finding], unrolled: Sequence[Match], template: Template, document: ResolvedTemplate) -> list[Finding]:
    """Returns the findings in a template with loops; its errors are those that remain once the loops are unrolled.

    cfn-lint takes a loop for a single resource, and so reports correct references as errors.
    """
    written_out = replace(template, data=dict(document.expanded))
    judged = [replace(_finding(match, written_out), line=document.line(*match.path)) for match in unrolled]
    errors = [finding for finding in judged if finding.severity is Severity.ERROR]
    own = [finding for finding in findings if finding.file == template.name and finding.severity is Severity.ERROR]
    known, seen = {finding.check for finding in errors}, {finding.check for finding in own}
    remaining = [finding for finding in findings if finding not in own or finding.check in known]
    return remaining + [finding for finding in errors if finding.check not in seen]


def _replaced_keys(template: Template) -> Iterator[Finding]:
    """Reports keys that count for nothing: AWS takes the last one of a name, and says nothing."""
    for path, line in template.replaced_keys:
        message = f"the key {str(path[-1])[:80]!r} occurs twice, in lines {line} and {template.line(*path)}; AWS takes the last one"
        yield Finding("lint", "ReplacedKey", Severity.WARNING, message, file=template.name, line=line, resource=error_location.resource_of(path), property=".".join(map(str, path[3:])) or None, fix="Remove one of the two.")


def _is_oversized(template: Template) -> bool:
    return language_extensions.least_resources(template.data) > language_extensions.MAX_RESOURCES


def _oversized(template: Template) -> Finding:
    """Reports loops that no template may unroll; cfn-lint would unroll them all the same."""
    count, limit = language_extensions.least_resources(template.data), language_extensions.MAX_RESOURCES
    message = f"Template format error: Number of resources, {count}, is greater than maximum allowed, {limit}"
    fix = "Shorten the collections of Fn::ForEach, or spread the resources over several stacks."
    source = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"
    return Finding("lint", "TooManyResources", Severity.ERROR, message, file=template.name, line=template.line("Resources"), fix=fix, source=source)


def _finding(match: Match, template: Template | None) -> Finding:
    path = match.path
    may_be_new = shipped_lists.may_be_new(match.check, match.message, path)
    is_accepted = template is not None and (_DYNAMIC in match.message or _is_accepted(template, match.check, path))
    return Finding(
        stage="lint",
        check=match.check,
        severity=Severity.WARNING if is_accepted or may_be_new else SEVERITIES.get(match.check[:1], Severity.ERROR),
        message=f"{match.message} {shipped_lists.NOTE}" if may_be_new else match.message,
        file=template.name if template else match.filename,
        line=match.line,
        resource=match.resource,
        property=".".join(path[3:]) or None,
        fix=match.title or None,
        source=match.source,
    )


def _is_accepted(template: Template, check: str, path: Sequence[str]) -> bool:
    """Whether AWS takes what a check of cfn-lint calls an error."""
    accepted = _ACCEPTED.get(check)
    return accepted is not None and accepted(template, path)


def _has_hooks_of_codedeploy(template: Template, path: Sequence[str]) -> bool:
    """Whether a section is the Hooks of CodeDeploy's transform."""
    return path[:1] == ["Hooks"] and language_extensions.BLUE_GREEN in language_extensions.transforms(template.data)


def _is_text(_template: Template, _path: Sequence[str]) -> bool:
    """Returns True: `${X}` outside of Fn::Sub is text as any other to AWS, and a script's own variables look the same."""
    return True


def _is_protocol_of_a_port(_template: Template, path: Sequence[str]) -> bool:
    """Whether a value is the protocol of a port mapping, which ECS treats as tcp."""
    return path[-3:-2] == ["PortMappings"] and path[-1] == "Protocol"


def _is_conditional(template: Template, path: Sequence[str]) -> bool:
    """Whether a DependsOn names a resource that has a condition; if that is false, AWS refuses it, as the rehearsal does."""
    names = template.resources.get(path[1], {}).get("DependsOn") if len(path) > 2 else None
    listed = names if isinstance(names, list) else [names]
    name = listed[int(path[3])] if len(path) > 3 and str(path[3]).isdigit() and int(path[3]) < len(listed) else listed[0]
    return isinstance(name, str) and "Condition" in template.resources.get(name, {})


def _is_role_that_ecs_finds(template: Template, path: Sequence[str]) -> bool:
    """Whether a task definition names a role by Ref, that is by its name, and ECS finds it: its path is "/".

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html.
    """
    if len(path) < 4 or path[3] not in ROLES:
        return False
    definition, resources = template.resources.get(path[1]) or {}, template.resources
    reference = _value_at(definition, path[2:])
    role = resources.get(str(reference.get("Ref"))) if isinstance(reference, dict) else None
    if definition.get("Type") != "AWS::ECS::TaskDefinition" or role is None or role.get("Type") != "AWS::IAM::Role":
        return False
    declared = role.get("Properties")
    return (declared.get("Path", "/") if isinstance(declared, dict) else "/") == "/"


def _is_name_of_a_role(template: Template, path: Sequence[str]) -> bool:
    """Whether a task definition has the plain name of a role, whose ARN ECS then completes.

    Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html,
    https://github.com/aws-actions/amazon-ecs-render-task-definition/issues/19.
    """
    definition = template.resources.get(path[1]) if len(path) > 3 and path[3] in ROLES else None
    if definition is None or definition.get("Type") != "AWS::ECS::TaskDefinition":
        return False
    value = _value_at(definition, path[2:])
    return isinstance(value, str) and _ROLE_NAME.fullmatch(value) is not None


def _is_default_that_cloudformation_takes(template: Template, path: Sequence[str]) -> bool:
    """Whether a default satisfies its parameter's constraints for CloudFormation, to which `false` and "false" are one text.

    Source: https://github.com/aws-ia/taskcat/issues/580.
    """
    return parameters.admits_default(template.data["Parameters"].get(path[1])) is True


def _value_at(value: Any, path: Sequence[str]) -> Any:
    """Returns what a path leads to, also through the branches of Fn::If; None if it leads to nothing."""
    return functools.reduce(_item, path, value)


def _item(value: Any, key: str) -> Any:
    if isinstance(value, list):
        return value[int(key)] if str(key).isdigit() and int(key) < len(value) else None
    return value.get(key) if isinstance(value, dict) else None


def _has_no_health_check_port(template: Template, path: Sequence[str]) -> bool:
    """Whether a target group leaves out its health check port, which is traffic-port then, as dynamic ports need it.

    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html.
    """
    group = template.resources.get(path[1]) if path[-1:] == ["HealthCheckPort"] else None
    properties = group.get("Properties") if group else None
    return isinstance(properties, dict) and "HealthCheckPort" not in properties


_ACCEPTED: Mapping[str, Callable[[Template, Sequence[str]], bool]] = {
    ROLE_FORMAT: _is_role_that_ecs_finds,
    **dict.fromkeys(ROLE_PATTERNS, _is_name_of_a_role),
    DEFAULT: _is_default_that_cloudformation_takes,
    DYNAMIC_PORT: _has_no_health_check_port,
    DEPENDENCY: _is_conditional,
    SECTION: _has_hooks_of_codedeploy,
    MISSING_SUB: _is_text,
    shipped_lists.ENUM: _is_protocol_of_a_port,
}


def version() -> str:
    """Returns the version of cfn-lint."""
    return metadata.version("cfn-lint")


def waivers(templates: Sequence[Template]) -> list[ReportedWaiver]:
    """Returns the checks that templates switch off in `Metadata.cfn-lint.config.ignore_checks`."""
    return [waiver for template in templates for waiver in _waivers(template)]


def _waivers(template: Template) -> Iterator[ReportedWaiver]:
    sections: list[tuple[str | None, Mapping[str, Any]]] = [(None, template.data), *template.resources.items()]
    for resource, section in sections:
        config = _map(_map(_map(section, "Metadata"), "cfn-lint"), "config")
        reasons, checks = _map(config, "reasons"), config.get("ignore_checks")
        for check_id in checks if isinstance(checks, list) else ():
            reason = str(reasons.get(str(check_id), "")) or "no reason given"
            yield ReportedWaiver(str(check_id), resource, reason, "template", template.name)


def _map(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = value.get(key)
    return part if isinstance(part, dict) else {}
