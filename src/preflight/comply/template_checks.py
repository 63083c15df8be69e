"""Reports what no rule can judge in a template: nulls, and loops that cannot be unrolled. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from preflight.model import Finding, Severity
from preflight.plan.resolved_stacks import ResolvedStacks
from preflight.templates import error_location
from preflight.templates.template import Template

NULL = "NULL_VALUE"
LOOP = "LOOP_NOT_UNROLLED"


def nulls(templates: Mapping[Path, Template]) -> Iterator[Finding]:
    """Reports nulls: CloudFormation allows them only in the metadata of the template, and cfn-guard breaks at them."""
    for template in templates.values():
        path = _null({key: value for key, value in template.data.items() if key != "Metadata"})
        if path is not None:
            yield Finding(
                "comply",
                NULL,
                Severity.ERROR,
                f"[/{'/'.join(map(str, path))}] 'null' values are not allowed in templates; no rule was run on this file.",
                file=template.name,
                line=template.line(*path),
                resource=error_location.resource_of(path),
                fix="Give it a value, or remove it.",
                source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html",
            )


def _null(value: Any) -> error_location.Path | None:
    """Returns the path of the first null in a value, itself included, or None."""
    if value is None:
        return ()
    if isinstance(value, dict):
        for key, item in value.items():
            path = None if item.__class__ is str else _null(item)
            if path is not None:
                return (key, *path)
    elif isinstance(value, list):
        return _null(dict(enumerate(value)))
    return None


def loops(stacks: ResolvedStacks) -> Iterator[Finding]:
    """Reports templates with a loop that cannot be unrolled."""
    for name in dict.fromkeys(document.name for document in stacks.documents if not document.is_expanded):
        message = "a loop (Fn::ForEach) cannot be unrolled with what is known, so no rule was run on what it creates."
        fix = "Give the parameters of its collection defaults, or check the template with a plan that sets them."
        yield Finding("comply", LOOP, Severity.WARNING, message, file=name, line=1, fix=fix)
