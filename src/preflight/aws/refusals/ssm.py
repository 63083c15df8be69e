"""What Systems Manager refuses of parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import regex

from preflight.aws.constraints import (
    Constraint,
    Fault,
    Object,
    Predicate,
    Test,
    equal,
    known,
    lacks,
    length,
    matches,
    no,
    one_of,
    value,
)

SERVICE = "ssm"
_API = "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html"
_GUIDE = "https://docs.aws.amazon.com/systems-manager/latest/userguide"
_NAMES = f"{_GUIDE}/sysman-paramstore-su-create.html"
_ADVANCED = f"{_GUIDE}/parameter-store-advanced-parameters.html"
_FORM = (
    'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths divided by '
    "slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_"
)
_LEVELS = 15
_STANDARD, _LARGE = 4096, 8192
_TIMEOUT = 0.5  # seconds
_POLICIES = {"Expiration", "ExpirationNotification", "NoChangeNotification"}


def _fits_pattern(part: Object) -> Iterator[Fault]:
    """Faults of a value without a match of its pattern; one that cannot be read here decides nothing."""
    pattern, value = known(part, "AllowedPattern"), known(part, "Value")
    if pattern and value is not None and known(part, "Type") != "StringList":
        try:
            matched = regex.search(str(pattern), str(value), timeout=_TIMEOUT)
        except (regex.error, TimeoutError):
            return
        if matched is None:
            yield Fault(("Value",), pattern)


def _are_policies(value: Any) -> bool:
    try:
        policies = json.loads(str(value)) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return False
    listed = policies if isinstance(policies, list) else [policies]
    return all(isinstance(policy, Mapping) and policy.get("Type") in _POLICIES for policy in listed)


_PARAMETER = (
    Constraint(
        value("Name", no(matches(r"(?i:aws|ssm)[^/]*", taken=("awsName", "SSM-name"), refused=("my-aws", "/a")))),
        "ValidationException",
        'Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive).',
        _NAMES,
    ),
    Constraint(
        value("Name", no(matches(r"/(?i:aws)(/.*)?", taken=("/aws/service/x", "/AWS/x"), refused=("/app/aws", "/awsome/x")))),
        "AccessDeniedException",
        "No access to reserved parameter name: {value}.",
        _NAMES,
    ),
    Constraint(
        value("Name", matches(r"[\w.-]+|(/[\w.-]+)+", taken=("/a/b.c", "a-_"), refused=("/a/", "/a//b", "/a b", "/", "a/b", "a:b"))),
        "ValidationException",
        _FORM,
        _NAMES,
        cure="Begin a path with a slash, end it without one, and use letters, digits and .-_ between them.",
    ),
    Constraint(value("Name", no(matches(r"/(?i:ssm).*", taken=("/ssm/x", "/SSMx"), refused=("/a/ssm",)))), "ValidationException", _FORM, _NAMES),
    Constraint(
        value("Name", matches(rf"[^/]*|(/[^/]*){{1,{_LEVELS}}}", taken=("/a" * _LEVELS,), refused=("/a" * (_LEVELS + 1),))),
        "HierarchyLevelLimitExceededException",
        f"Hierarchy depth can't exceed {_LEVELS} levels",
        _API,
    ),
    Constraint(value("Name", length(1, 1011)), "ValidationException", "The parameter name is longer than 1,011 characters", _API),
    Constraint(
        value("Value", length(1, _STANDARD)),
        "ValidationException",
        "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the "
        "parameter to use the advanced-parameter tier.",
        _ADVANCED,
        when=equal("Tier", "Standard", default="Standard"),
    ),
    Constraint(
        value("Value", length(1, _LARGE)),
        "ValidationException",
        "Advanced tier parameters support a maximum parameter value of 8192 characters.",
        _ADVANCED,
        when=equal("Tier", "Advanced", "Intelligent-Tiering"),
    ),
    Constraint(
        value("Value", no(matches(r"(?s).*\{\{.*\}\}.*", taken=("{{ssm:/a}}", "x{{}}y"), refused=("{a}",)))),
        "ValidationException",
        'Parameter value can\'t nest another parameter. Do not use "{{}}" in the value.',
        _API,
    ),
    Constraint(
        Test(
            _fits_pattern,
            ({"AllowedPattern": r"^\d+$", "Value": "80"}, {"AllowedPattern": "(", "Value": "a"}),
            ({"AllowedPattern": r"^\d+$", "Value": "eighty"},),
        ),
        "ParameterPatternMismatchException",
        "Parameter value, cannot be validated against allowedPattern: {value}",
        _API,
    ),
    Constraint(
        value("DataType", one_of("text", "aws:ec2:image", "aws:ssm:integration")),
        "ValidationException",
        "The following data type is not supported: {value} (Data type names are all lowercase.)",
        _API,
    ),
    Constraint(
        lacks("Policies"),
        "ValidationException",
        "Parameter policies are available for parameters of the advanced tier only.",
        f"{_GUIDE}/parameter-store-policies.html",
        when=equal("Tier", "Standard", default="Standard"),
        cure="Set Tier to Advanced.",
    ),
    Constraint(
        value(
            "Policies",
            Predicate(_are_policies, ('[{"Type": "Expiration", "Version": "1.0"}]', "[]"), ("{", '[{"Type": "Expire"}]')),
        ),
        "InvalidPolicyTypeException",
        "The policy type is not supported. Parameter Store supports the following policy types: Expiration, ExpirationNotification, and "
        "NoChangeNotification.",
        f"{_GUIDE}/parameter-store-policies.html",
        when=equal("Tier", "Advanced", "Intelligent-Tiering"),
    ),
)

TYPES: Mapping[str, tuple[Constraint, ...]] = {"AWS::SSM::Parameter": _PARAMETER}
OPERATIONS: Mapping[str, str] = {"PutParameter": "AWS::SSM::Parameter"}
