"""The values of a template's parameters, checked against their declarations, and of its pseudo parameters. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import regex

from preflight.aws import partitions
from preflight.templates.intrinsic_functions import NO_VALUE, Path, ResolveError, Value, as_text, is_number

UNKNOWN_UUID = "00000000-0000-0000-0000-000000000000"  # of a stack that does not exist yet
PATTERN_TIMEOUT = 5.0  # seconds that a pattern of a template may take; on a busy machine a good one may wait for one
LIST_TYPES = re.compile(r"^(CommaDelimitedList|List<.+>|AWS::SSM::Parameter::Value<(List<.+>|CommaDelimitedList)>)$")


def pseudo_parameters(
    *, region: str, account: str, stack_name: str, stack_id: str = "", notifications: Sequence[str] = ()
) -> dict[str, Value]:
    """Returns the pseudo parameters of a stack; partition and domain follow from the region.

    Without `stack_id` the id is one in AWS's form, arn:PARTITION:cloudformation:REGION:ACCOUNT:stack/NAME/UUID.
    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
    """
    partition, suffix = partitions.partition_of(region)
    arn = f"arn:{partition}:cloudformation:{region}:{account}:stack/{stack_name}/{UNKNOWN_UUID}"
    return {
        "AWS::AccountId": account,
        "AWS::Region": region,
        "AWS::Partition": partition,
        "AWS::URLSuffix": suffix,
        "AWS::StackName": stack_name,
        "AWS::StackId": stack_id or arn,
        "AWS::NotificationARNs": list(notifications),
        "AWS::NoValue": NO_VALUE,
    }


def parameter_values(
    data: Mapping[str, Value], passed: Mapping[str, str], *, known: Mapping[str, str] | None = None
) -> dict[str, Value]:
    """Returns the values of all parameters: passed ones, checked against their declarations, else the defaults.

    `known` are former values, used by an update. Lists come back as lists of strings, all else as
    strings.

    Raises:
        ResolveError: in AWS's words, the first thing that is wrong.
    """
    declared = data.get("Parameters") or {}
    unknown = [name for name in passed if name not in declared]
    if unknown:
        msg = f"Parameters: [{', '.join(unknown)}] do not exist in the template"
        raise ResolveError(msg)
    values = {**(known or {}), **passed}
    missing = [n for n, d in declared.items() if n not in values and "Default" not in d]
    if missing:
        msg = f"Parameters: [{', '.join(missing)}] must have values"
        raise ResolveError(msg)
    return {n: _parameter(n, d, values.get(n, d.get("Default"))) for n, d in declared.items()}


def admits_default(declared: Value) -> bool | None:
    """Whether the declaration of a parameter admits its own default; None if its pattern takes too long."""
    try:
        parameter_values({"Parameters": {"P": declared}}, {})
    except UndecidedPatternError:
        return None
    except (AttributeError, TypeError, ValueError):
        return False
    return True


def _parameter(name: str, declared: Mapping[str, Value], raw: Value) -> Value:
    kind = str(declared.get("Type", "String"))
    if isinstance(raw, list | dict) or raw is None:
        msg = f"Template format error: Every Default member must be a string. ({name})"
        raise ResolveError(msg, ("Parameters", name, "Default"))
    text = as_text(raw)
    parts = [part.strip() for part in text.split(",")] if LIST_TYPES.match(kind) else [text]
    for part in parts:
        _check_parameter(name, declared, kind, part)
    if not LIST_TYPES.match(kind):
        return text
    return parts if text else []


def _check_parameter(name: str, declared: Mapping[str, Value], kind: str, text: str) -> None:
    path = ("Parameters", name)
    if "Number" in kind and not is_number(text):
        msg = f"Parameter '{name}' must be a number."
        raise ResolveError(msg, path)
    allowed = declared.get("AllowedValues")
    if isinstance(allowed, list) and text not in [as_text(value) for value in allowed]:
        raise ResolveError(_constraint(declared, f"Parameter '{name}' must be one of AllowedValues"), path)
    pattern = declared.get("AllowedPattern")
    if isinstance(pattern, str) and not _matches(pattern, text):
        raise ResolveError(_constraint(declared, f"Parameter '{name}' must match pattern {pattern}"), path)
    _check_bounds(name, declared, text, path)


def _check_bounds(name: str, declared: Mapping[str, Value], text: str, path: Path) -> None:
    checks: tuple[tuple[str, Callable[[float], bool], str], ...] = (
        ("MinLength", lambda limit: len(text) >= limit, "contain at least {} characters"),
        ("MaxLength", lambda limit: len(text) <= limit, "contain at most {} characters"),
        ("MinValue", lambda limit: float(text) >= limit, "be a number not less than {}"),
        ("MaxValue", lambda limit: float(text) <= limit, "be a number not greater than {}"),
    )
    for key, holds, words in checks:
        is_length = key.endswith("Length")
        if key not in declared or not is_number(declared[key]) or not (is_length or is_number(text)):
            continue
        if not holds(float(declared[key])):
            limit = as_text(declared[key])
            message = f"Parameter '{name}' must {words.format(limit)}"
            raise ResolveError(_constraint(declared, message), path)


def _constraint(declared: Mapping[str, Value], message: str) -> str:
    own = declared.get("ConstraintDescription")
    return f"{message.split(' must ', maxsplit=1)[0]} failed to satisfy constraint: {own}" if own else message


class UndecidedPatternError(ResolveError):
    """A pattern took too long for a value; this says nothing about the value."""


def _matches(pattern: str, text: str) -> bool:
    try:
        return regex.fullmatch(pattern, text, timeout=PATTERN_TIMEOUT) is not None
    except TimeoutError:
        msg = f"the pattern {pattern!r} took longer than {PATTERN_TIMEOUT:g} s, so it is not known whether the value matches"
        raise UndecidedPatternError(msg) from None
    except regex.error:
        return True  # a pattern of Java's that cannot be read here decides nothing
