"""A nested stack is given the parameters that its template declares, with values it allows.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stack.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.comply.cross_template_rules import violation
from preflight.comply.cross_template_rules.violation import Violation
from preflight.plan import resolved_stacks
from preflight.plan.resolved_stacks import ResolvedStacks
from preflight.templates import intrinsic_functions, parameters
from preflight.templates.intrinsic_functions import ResolveError
from preflight.templates.parameters import UndecidedPatternError


def check(stacks: ResolvedStacks) -> Iterator[Violation]:
    """Nested stacks whose parameters do not match their templates."""
    for document in stacks.documents:
        for logical, child in document.children.items():
            passed = resolved_stacks.properties(document.resources.get(logical, {})).get("Parameters", {})
            declared = child.source.data.get("Parameters") or {}
            if not isinstance(passed, dict) or intrinsic_functions.is_kept(passed) or not isinstance(declared, dict):
                continue
            for name, message, fix in _wrong(passed, declared, child.name):
                path = violation.at(logical, "Parameters", *([name] if name in passed else []))
                yield Violation(document, path, message, fix)


def _wrong(passed: Mapping[str, Any], declared: Mapping[str, Any], child: str) -> Iterator[tuple[str, str, str]]:
    for name, declaration in declared.items():
        is_required = isinstance(declaration, dict) and "Default" not in declaration
        if is_required and name not in passed:
            yield name, f"parameter {name} of {child} has no default, and is not passed.", f"Pass {name}, or give it a default."
    for name, value in passed.items():
        declaration = declared.get(name)
        if declaration is None:
            yield name, f"{child} declares no parameter {name}.", f"Declare {name} there, or do not pass it."
        elif isinstance(declaration, dict):
            refusal = _refusal(name, declaration, value)
            if refusal:
                yield name, f"{child} refuses the value {_shown(value)}: {refusal}.", "Pass a value that the parameter allows."


def _refusal(name: str, declaration: Mapping[str, Any], value: Any) -> str | None:
    if isinstance(value, dict | list) or value is None or str(declaration.get("Type")).startswith("AWS::SSM::"):
        return None
    try:
        parameters.parameter_values({"Parameters": {name: declaration}}, {name: value})
    except UndecidedPatternError:
        return None  # the rehearsal reports that it could not check the value
    except ResolveError as error:
        return error.message.rstrip(".")
    except (TypeError, ValueError):
        return None
    return None


def _shown(value: Any) -> str:
    text = intrinsic_functions.as_text(value)
    return repr(text if len(text) <= 60 else f"{text[:60]}...")
