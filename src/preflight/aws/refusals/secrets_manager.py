"""What Secrets Manager refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws import unresolved
from preflight.aws.constraints import (
    Constraint,
    Fault,
    Object,
    Predicate,
    Test,
    as_number,
    between,
    get,
    has,
    known,
    length,
    matches,
    needs,
    present,
    unique,
    value,
)
from preflight.aws.refusals import json_documents
from preflight.aws.refusals.iam_policy_conditions import CONDITION_RULES
from preflight.aws.refusals.iam_policy_documents import SYNTAX_RULES
from preflight.aws.refusals.iam_policy_principals import PRINCIPAL_RULES
from preflight.aws.refusals.iam_policy_resources import NEEDS_RESOURCE

SERVICE = "secretsmanager"
_REFERENCE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference"
_SECRET = f"{_REFERENCE}/aws-resource-secretsmanager-secret.html"
_GENERATED = f"{_REFERENCE}/aws-properties-secretsmanager-secret-generatesecretstring.html"
_API = "https://docs.aws.amazon.com/secretsmanager/latest/apireference"
_PUT = f"{_API}/API_PutResourcePolicy.html"
_MIN_HOURS, _MAX_DAYS = 4, 999
_ROTATION = f"{_API}/API_RotationRulesType.html"
_KINDS = ("ExcludeLowercase", "ExcludeUppercase", "ExcludeNumbers", "ExcludePunctuation")
_RATE = re.compile(r"rate\((?P<number>\d{1,9}) (?P<unit>hours?|days?)\)")
_CRON = re.compile(r"cron\(\S+( \S+){5}\)")


def _is_true(part: Object, name: str) -> bool:
    return str(get(part, name)).lower() == "true"


def _kinds(part: Object) -> int:
    """Returns how many kinds of characters a password has; one that is not known yet counts."""
    return sum(not _is_true(part, name) for name in _KINDS)


def _too_short(part: Object) -> Iterator[Fault]:
    """Faults of a password without room for one character of each kind."""
    number = as_number(known(part, "PasswordLength"))
    has_each = get(part, "RequireEachIncludedType") is None or _is_true(part, "RequireEachIncludedType")
    if number is not None and has_each and 1 <= number < _kinds(part) and not any(map(_is_unknown, map(part.get, _KINDS))):
        yield Fault(("PasswordLength",), int(number))


def _is_unknown(value: Any) -> bool:
    return unresolved.is_function(value)


def _no_characters(part: Object) -> Iterator[Fault]:
    if _kinds(part) == 0 and get(part, "IncludeSpace") in (None, False, "false"):
        yield Fault((_KINDS[0],))


def _is_schedule(value: Any) -> bool:
    """Whether a text is a rate from four hours to 999 days, or a cron expression."""
    rate = _RATE.fullmatch(str(value))
    if rate is None:
        return _CRON.fullmatch(str(value)) is not None
    hours = int(rate["number"]) * (24 if rate["unit"].startswith("day") else 1)
    return _MIN_HOURS <= hours <= _MAX_DAYS * 24


_TEMPLATE = "SecretStringTemplate and GenerateStringKey must both be specified"
_GENERATE = "GenerateSecretString"
_NOTHING = dict.fromkeys(_KINDS, True)
_NAME = Constraint(
    value("Name", matches(r"[\w/+=.@!-]{1,512}", taken=("a", "prod/db+=.@-_"), refused=("a b", "a:b", "a" * 513))),
    "ValidationException",
    "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
    f"{_API}/API_CreateSecret.html",
)
_GENERATION = (
    Constraint(needs("GenerateStringKey"), "InvalidRequest", _TEMPLATE, _GENERATED, at=_GENERATE, when=has("SecretStringTemplate")),
    Constraint(needs("SecretStringTemplate"), "InvalidRequest", _TEMPLATE, _GENERATED, at=_GENERATE, when=has("GenerateStringKey")),
    Constraint(
        json_documents.text_of_json("SecretStringTemplate"),
        "InvalidRequest",
        "Could not parse SecretStringTemplate JSON",
        _GENERATED,
        at=_GENERATE,
        cure="Write a JSON object, to which the password is added.",
    ),
    Constraint(
        value("PasswordLength", between(1, 4096)),
        "InvalidParameterException",
        "Password length must be between 1 and 4096",
        _GENERATED,
        at=_GENERATE,
    ),
    Constraint(
        Test(
            _too_short,
            ({"PasswordLength": 4}, {"PasswordLength": 1, "RequireEachIncludedType": False}, {"PasswordLength": "3", "ExcludeNumbers": True}),
            ({"PasswordLength": 3}, {"PasswordLength": "1", "ExcludePunctuation": True}),
        ),
        "InvalidParameterException",
        "Password length is too short based on the required types.",
        _GENERATED,
        at=_GENERATE,
    ),
    Constraint(
        Test(_no_characters, ({**_NOTHING, "IncludeSpace": True}, {"ExcludeNumbers": True}), (_NOTHING,)),
        "InvalidParameterException",
        "The password has no characters: all types are excluded",
        _GENERATED,
        at=_GENERATE,
    ),
)
_SCHEDULE = (
    Constraint(
        present(0, 1, "AutomaticallyAfterDays", "ScheduleExpression"),
        "InvalidParameterException",
        "You can only specify one of AutomaticallyAfterDays and ScheduleExpression.",
        _ROTATION,
        at="RotationRules",
    ),
    Constraint(
        value("AutomaticallyAfterDays", between(1, 1000)),
        "ValidationException",
        "AutomaticallyAfterDays must be between 1 and 1000",
        _ROTATION,
        at="RotationRules",
    ),
    Constraint(
        value(
            "ScheduleExpression",
            Predicate(_is_schedule, ("rate(4 hours)", "rate(999 days)", "cron(0 8 1 * ? *)"), ("rate(3 hours)", "daily", "cron(0 8 * *)")),
        ),
        "InvalidParameterException",
        "The schedule expression is not valid: {value}",
        _ROTATION,
        at="RotationRules",
    ),
    Constraint(
        value("Duration", matches(r"[0-9]{1,2}h", taken=("3h", "24h"), refused=("3", "3m"))),
        "ValidationException",
        "Value '{value}' at 'rotationRules.duration' failed to satisfy constraint: Member must satisfy regular expression pattern: [0-9]+h",
        _ROTATION,
        at="RotationRules",
    ),
    Constraint(
        present(0, 1, "RotationLambdaARN", "HostedRotationLambda"),
        "InvalidRequest",
        "You can't specify both RotationLambdaARN and HostedRotationLambda",
        f"{_REFERENCE}/aws-resource-secretsmanager-rotationschedule.html",
    ),
)
_POLICY = "This resource policy contains a syntax error or an unsupported principal."

TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::SecretsManager::Secret": (
        Constraint(
            present(0, 1, "SecretString", _GENERATE),
            "InvalidRequest",
            "You can't specify both SecretString and GenerateSecretString",
            _SECRET,
        ),
        _NAME,
        Constraint(
            value("SecretString", length(1, 65536)), "ValidationException", "The secret value is empty or longer than 65,536 bytes", _SECRET
        ),
        Constraint(
            unique("ReplicaRegions", "Region"), "InvalidParameterException", "The region {value} is there twice", _SECRET
        ),
        *_GENERATION,
    ),
    "AWS::SecretsManager::RotationSchedule": _SCHEDULE,
    "AWS::SecretsManager::ResourcePolicy": (
        Constraint(json_documents.text_of_json("ResourcePolicy"), "MalformedPolicyDocumentException", _POLICY, _PUT),
        *json_documents.rows(
            (*SYNTAX_RULES, *CONDITION_RULES, *PRINCIPAL_RULES, NEEDS_RESOURCE),
            "ResourcePolicy",
            code="MalformedPolicyDocumentException",
            sentence=_POLICY,
        ),
    ),
}
OPERATIONS: Mapping[str, str] = {
    "CreateSecret": "AWS::SecretsManager::Secret",
    "RotateSecret": "AWS::SecretsManager::RotationSchedule",
    "PutResourcePolicy": "AWS::SecretsManager::ResourcePolicy",
}
