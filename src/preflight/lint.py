"""Runs cfn-lint over all templates at once: findings and waivers out."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import resource as limits
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from preflight.errors import ToolBrokeError
from preflight.model import Finding, ReportedWaiver, Severity
from preflight.plan import resolved_stacks
from preflight.system import confinement, processes
from preflight.templates import language_extensions
from preflight.templates.template import MAX_BYTES, Template

ENUM, ROLE_FORMAT = "E3030", "E1041"
BYTES_PER_SECOND = 4096  # of templates, for which the worker gets a second more
MARK = "\n== matches ==\n"  # cfn-lint may write to standard output itself
MAX_MEMORY = 4 << 30  # bytes of address space
TIMEOUT = 60.0  # seconds; our own templates take one
# `-c` searches the current folder for modules first, and that is the checkout: its files are not this program's.
_WORKER = "import sys; sys.path[:] = filter(None, sys.path); from preflight import lint; lint.work()"
SEVERITIES = {"E": Severity.ERROR, "W": Severity.WARNING, "I": Severity.INFO}


def check(templates: Mapping[Path, Template], *, region: str | None = None) -> list[Finding]:
    """Returns everything that cfn-lint finds, informational checks included; its suppressions are honoured.

    cfn-lint runs in a process of its own, since a template of some hundred bytes can keep it busy for hours
    or take all memory. No `.cfnlintrc` is read: one in the checkout could name Python files to run, and
    switch checks off unseen.

    Raises:
        ToolBrokeError: cfn-lint broke, or took too long or too much memory.
    """
    by_name = {str(path): template for path, template in templates.items()}
    oversized = [_oversized(template) for template in templates.values() if _is_oversized(template)]
    if oversized:
        small = {path: template for path, template in templates.items() if not _is_oversized(template)}
        return oversized + (check(small, region=region) if small else [])
    findings = [_finding(match, by_name.get(match.filename)) for match in _run(templates, region)]
    for path, template in templates.items():
        if language_extensions.is_used(template.data):
            findings = _with_loops_unrolled(findings, path, template, region)
    return findings


def _with_loops_unrolled(findings: list[Finding], path: Path, template: Template, region: str | None) -> list[Finding]:
    """Returns findings of which errors in a template with loops are those of the template with the loops unrolled.

    cfn-lint sees one resource where a loop makes several, and calls right references errors.
    """
    document = resolved_stacks.of_templates({path: template}).documents[0]
    if not document.is_expanded:
        return findings
    with tempfile.TemporaryDirectory() as folder:
        unrolled = Path(folder, "unrolled.json")
        unrolled.write_text(json.dumps({k: v for k, v in document.expanded.items() if k != "Transform"}, default=str))
        matches = [match for match in _run({unrolled: template}, region) if match.check.startswith("E")]
    own = [finding for finding in findings if finding.file == template.name and finding.severity is Severity.ERROR]
    known, seen = {match.check for match in matches}, {finding.check for finding in own}
    kept = [finding for finding in findings if finding not in own or finding.check in known]
    added = [replace(_finding(m, template), line=document.line(*m.path)) for m in matches if m.check not in seen]
    return kept + [finding for finding in added if finding.severity is Severity.ERROR]


def _run(templates: Mapping[Path, Template], region: str | None) -> list[Match]:
    request = json.dumps({"templates": [str(path) for path in templates], "region": region})
    timeout = TIMEOUT + sum(path.stat().st_size for path in templates) / BYTES_PER_SECOND
    try:
        done = processes.run(sys.executable, "-c", _WORKER, given=request, timeout=timeout)
    except ToolBrokeError:
        names = ", ".join(template.name for template in templates.values())
        msg = f"cfn-lint did not end within {timeout:.0f} s over {names}. Next: look for loops and nested functions in it"
        raise ToolBrokeError(msg) from None
    try:
        return [Match(**match) for match in json.loads(done.stdout.rpartition(MARK)[2])]
    except (ValueError, TypeError):
        reason = (done.stderr.strip() or f"it ended with {done.code}").splitlines()[-1]
        msg = f"cfn-lint broke: {reason}"
        raise ToolBrokeError(msg) from None


def _is_oversized(template: Template) -> bool:
    return language_extensions.least_resources(template.data) > language_extensions.MAX_RESOURCES


def _oversized(template: Template) -> Finding:
    """Reports loops that no template may unroll; cfn-lint would unroll them all the same."""
    count, limit = language_extensions.least_resources(template.data), language_extensions.MAX_RESOURCES
    message = f"Template format error: Number of resources, {count}, is greater than maximum allowed, {limit}"
    fix = "Shorten the collections of Fn::ForEach, or spread the resources over several stacks."
    source = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"
    return Finding("lint", "TooManyResources", Severity.ERROR, message, file=template.name, line=template.line("Resources"), fix=fix, source=source)


@dataclass(frozen=True)
class Match:
    """What cfn-lint found in one place; `path` leads from the template's top to it."""

    check: str
    title: str
    source: str | None
    message: str
    filename: str
    line: int
    path: list[str]


def work() -> None:
    """Read a request from standard input, and write what cfn-lint finds to standard output."""
    limits.setrlimit(limits.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    request = json.load(sys.stdin)
    sys.stdout.write(MARK + json.dumps([asdict(match) for match in _matches(request["templates"], request["region"])]))


def _matches(templates: list[str], region: str | None) -> list[Match]:
    from cfnlint.config import ConfigMixIn  # noqa: PLC0415 - slow to import, and only the worker needs it
    from cfnlint.runner import Runner  # noqa: PLC0415 - as above

    regions = {"regions": [region]} if region else {}
    config = ConfigMixIn([], templates=templates, include_checks=["I"], configure_rules={}, config_file=os.devnull, **regions)
    with _confined([Path(name) for name in templates]):
        return [_match(match) for match in Runner(config).run()]


def _match(match: Any) -> Match:
    rule = match.rule
    path = [str(part) for part in getattr(match, "path", None) or []]
    source = getattr(rule, "source_url", None) or None
    return Match(rule.id, rule.shortdesc or "", source, match.message, str(match.filename), match.linenumber, path)


@contextlib.contextmanager
def _confined(templates: Iterable[Path]) -> Iterator[None]:
    """Let cfn-lint read the templates, and what these name as nested only if it is a plain file of the same checkout."""
    from cfnlint.decode import cfn_yaml  # noqa: PLC0415 - slow to import

    load, listed = cfn_yaml.load, set(map(str, templates))
    roots = {confinement.root_of(path.parent) for path in templates}

    def load_confined(filename: str) -> Any:
        problems = [confinement.problem(Path(filename), root, limit=MAX_BYTES) for root in roots]
        if filename not in listed and None not in problems:
            raise FileNotFoundError(errno.ENOENT, "not a file of the checkout", filename)
        return load(filename)

    logging.getLogger("cfnlint").setLevel(logging.CRITICAL)  # what it logs may hold names out of templates
    cfn_yaml.load = load_confined
    try:
        yield
    finally:
        cfn_yaml.load = load


def _finding(match: Match, template: Template | None) -> Finding:
    path = match.path
    is_accepted = template is not None and _is_accepted(template, match.check, path)
    return Finding(
        stage="lint",
        check=match.check,
        severity=Severity.WARNING if is_accepted else SEVERITIES.get(match.check[:1], Severity.ERROR),
        message=match.message,
        file=template.name if template else match.filename,
        line=match.line,
        resource=path[1] if len(path) > 1 and path[0] == "Resources" else None,
        property=".".join(path[3:]) or None,
        fix=match.title or None,
        source=match.source,
    )


def _is_accepted(template: Template, check: str, path: Sequence[str]) -> bool:
    """Whether AWS takes what a check of cfn-lint calls an error."""
    if check == ROLE_FORMAT:
        return _is_role_that_ecs_finds(template, path)
    return check == ENUM and path[-3:-2] == ["PortMappings"] and path[-1] == "Protocol"  # ECS treats it as tcp


def _is_role_that_ecs_finds(template: Template, path: Sequence[str]) -> bool:
    """Whether a task definition names a role by Ref, that is by its name, and ECS finds it: its path is "/".

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html.
    """
    if len(path) < 4 or path[3] not in {"ExecutionRoleArn", "TaskRoleArn"}:
        return False
    definition, resources = template.resources.get(path[1]) or {}, template.resources
    properties = definition.get("Properties")
    reference = properties.get(path[3]) if isinstance(properties, dict) else None
    role = resources.get(str(reference.get("Ref"))) if isinstance(reference, dict) else None
    if definition.get("Type") != "AWS::ECS::TaskDefinition" or role is None or role.get("Type") != "AWS::IAM::Role":
        return False
    declared = role.get("Properties")
    return (declared.get("Path", "/") if isinstance(declared, dict) else "/") == "/"


def version() -> str:
    """Returns the version of cfn-lint."""
    return metadata.version("cfn-lint")


def waivers(templates: Sequence[Template]) -> list[ReportedWaiver]:
    """Returns the checks that templates switch off in `Metadata.cfn-lint.config.ignore_checks`."""
    return [waiver for template in templates for waiver in _waivers(template)]


def _waivers(template: Template) -> Iterator[ReportedWaiver]:
    sections: list[tuple[str | None, Mapping[str, Any]]] = [(None, template.data), *template.resources.items()]
    for resource, section in sections:
        notes = section.get("Metadata")
        config = (notes.get("cfn-lint") or {}).get("config") if isinstance(notes, dict) else None
        if isinstance(config, dict):
            reasons = config.get("reasons") or {}
            for check_id in config.get("ignore_checks") or []:
                reason = str(reasons.get(check_id, "")) or "no reason given"
                yield ReportedWaiver(str(check_id), resource, reason, "template", template.name)
