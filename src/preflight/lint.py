"""Runs cfn-lint over all templates at once: findings and waivers out."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from preflight.errors import ToolBrokeError
from preflight.model import Finding, ReportedWaiver, Severity
from preflight.system import confinement
from preflight.templates.template import MAX_BYTES, Template

ENUM, ROLE_FORMAT = "E3030", "E1041"
SEVERITIES = {"E": Severity.ERROR, "W": Severity.WARNING, "I": Severity.INFO}


def check(templates: Mapping[Path, Template], *, region: str | None = None) -> list[Finding]:
    """Returns everything that cfn-lint finds, informational checks included; its suppressions are honoured.

    No `.cfnlintrc` is read: one in the checkout could name Python files to run, and switch checks off unseen.

    Raises:
        ToolBrokeError: cfn-lint broke.
    """
    from cfnlint.config import ConfigMixIn  # noqa: PLC0415 - slow to import, and only this stage needs it
    from cfnlint.runner import Runner  # noqa: PLC0415 - as above

    by_name = {str(path): template for path, template in templates.items()}
    regions = {"regions": [region]} if region else {}
    try:
        config = ConfigMixIn([], templates=list(by_name), include_checks=["I"], configure_rules={}, config_file=os.devnull, **regions)
        with _confined(templates):
            matches = list(Runner(config).run())
    except Exception as error:  # noqa: BLE001 - whatever broke in cfn-lint, the templates were not checked
        msg = f"cfn-lint broke: {error!r}"
        raise ToolBrokeError(msg) from None
    return [_finding(match, by_name.get(str(match.filename))) for match in matches]


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


def _finding(match: Any, template: Template | None) -> Finding:
    path = [str(part) for part in getattr(match, "path", None) or []]
    is_accepted = template is not None and _is_accepted(template, match.rule.id, path)
    resource = path[1] if len(path) > 1 and path[0] == "Resources" else None
    return Finding(
        stage="lint",
        check=match.rule.id,
        severity=Severity.WARNING if is_accepted else SEVERITIES.get(match.rule.id[:1], Severity.ERROR),
        message=match.message,
        file=template.name if template else str(match.filename),
        line=match.linenumber,
        resource=resource,
        property=".".join(path[3:]) or None,
        fix=match.rule.shortdesc or None,
        source=getattr(match.rule, "source_url", None) or None,
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
    from cfnlint.version import __version__  # noqa: PLC0415 - as above

    return str(__version__)


def waivers(templates: Sequence[Template]) -> list[ReportedWaiver]:
    """Returns the checks that templates switch off in `Metadata.cfn-lint.config.ignore_checks`."""
    return [waiver for template in templates for waiver in _waivers(template)]


def _waivers(template: Template) -> Iterator[ReportedWaiver]:
    sections: list[tuple[str | None, Mapping[str, Any]]] = [(None, template.data), *template.resources.items()]
    for resource, section in sections:
        metadata = section.get("Metadata")
        config = (metadata.get("cfn-lint") or {}).get("config") if isinstance(metadata, dict) else None
        if isinstance(config, dict):
            reasons = config.get("reasons") or {}
            for check_id in config.get("ignore_checks") or []:
                reason = str(reasons.get(check_id, "")) or "no reason given"
                yield ReportedWaiver(str(check_id), resource, reason, "template", template.name)
