"""What KMS refuses."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import replace

from preflight.aws import unresolved
from preflight.aws.constraints import (
    Constraint,
    Fault,
    Object,
    Test,
    begins,
    between,
    known,
    matches,
    no,
    one_of,
    unequal,
    value,
)
from preflight.aws.iam_policy_evaluation import Policy
from preflight.aws.refusals import iam_policy_documents, json_documents
from preflight.aws.refusals.iam_policy_conditions import CONDITION_RULES
from preflight.aws.refusals.iam_policy_documents import SYNTAX_RULES
from preflight.aws.refusals.iam_policy_principals import PRINCIPAL_RULES
from preflight.aws.refusals.iam_policy_resources import NEEDS_RESOURCE
from preflight.aws.refusals.json_documents import DocumentRule

SERVICE = "kms"
_API = "https://docs.aws.amazon.com/kms/latest/APIReference"
_CREATE = f"{_API}/API_CreateKey.html"
_GUIDE = "https://docs.aws.amazon.com/kms/latest/developerguide"
_KEY = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-key.html"
_MALFORMED = "MalformedPolicyDocumentException"
_INVALID_POLICY = "The request was rejected because the specified policy is not syntactically or semantically correct."
_MAX_POLICY = 32_768
# The usages of a key by the beginning of its spec.
_USAGES: Mapping[str, frozenset[str]] = {
    "SYMMETRIC_DEFAULT": frozenset({"ENCRYPT_DECRYPT"}),
    "HMAC_": frozenset({"GENERATE_VERIFY_MAC"}),
    "RSA_": frozenset({"ENCRYPT_DECRYPT", "SIGN_VERIFY"}),
    "ECC_NIST_P": frozenset({"SIGN_VERIFY", "KEY_AGREEMENT"}),
    "ECC_SECG_": frozenset({"SIGN_VERIFY"}),
    "ECC_NIST_E": frozenset({"SIGN_VERIFY"}),
    "ML_DSA_": frozenset({"SIGN_VERIFY"}),
}


def _usage(part: Object) -> Iterator[Fault]:
    """Faults of a usage that a spec does not have; all but symmetric keys need one."""
    spec, usage = str(known(part, "KeySpec") or "SYMMETRIC_DEFAULT"), known(part, "KeyUsage")
    if any(unresolved.is_function(part.get(name)) for name in ("KeySpec", "KeyUsage")):
        return
    allowed = next((usages for prefix, usages in _USAGES.items() if spec.startswith(prefix)), None)
    if not usage and not spec.startswith("SYMMETRIC"):
        yield Fault(("KeyUsage",), f"KeyUsage must be specified for KeySpec {spec}")
    elif allowed is not None and str(usage or "ENCRYPT_DECRYPT") not in allowed:
        yield Fault(("KeyUsage",), f"{usage or 'ENCRYPT_DECRYPT'} is not compatible with KeySpec {spec}")


def _locked(document: Policy) -> Iterator[Fault]:
    """Faults of a policy that lets no principal change it."""
    value = document.get("Statement")
    listed = value if isinstance(value, list) else [value]
    known_ones = [statement for _, statement in iam_policy_documents.statements(document)]
    if listed and len(known_ones) == len(listed) and not any(map(_lets_change, known_ones)):
        yield Fault(("Statement",))


def _lets_change(statement: Policy) -> bool:
    actions = statement.get("Action")
    patterns = actions if isinstance(actions, list) else [actions]
    covers = any(unresolved.is_function(p) or fnmatch.fnmatchcase("kms:putkeypolicy", str(p).lower()) for p in patterns)
    return statement.get("Effect") != "Deny" and (covers or "NotAction" in statement)


def _admin(action: str) -> Policy:
    return {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": action, "Resource": "*"}]}


_UNLOCKED = DocumentRule(
    _locked,
    "The new key policy will not allow you to update the key policy in the future.",
    f"{_GUIDE}/key-policy-default.html",
    right=(_admin("kms:*"), _admin("kms:Put*")),
    wrong=(_admin("kms:Decrypt"), {"Statement": {**_admin("kms:*")["Statement"][0], "Effect": "Deny"}}),
    cure="Allow kms:PutKeyPolicy to the account or an administrator.",
)
_SYMMETRIC = unequal("KeySpec", "SYMMETRIC_DEFAULT", default="SYMMETRIC_DEFAULT", example="RSA_2048")
_ROTATION = "You cannot set the EnableKeyRotation property to true on asymmetric or external keys."
_NO_ROTATION = value("EnableKeyRotation", one_of("false"))


def _policy(name: str) -> tuple[Constraint, ...]:
    rules = (*SYNTAX_RULES, *CONDITION_RULES, *PRINCIPAL_RULES, NEEDS_RESOURCE)
    page = f"{_GUIDE}/key-policy-overview.html"
    size = Test(
        lambda part: iter(
            [Fault((name,))] if known(part, name) is not None and iam_policy_documents.size(known(part, name)) > _MAX_POLICY else []
        ),
        ({name: "x" * _MAX_POLICY},),
        ({name: "x" * (_MAX_POLICY + 1)},),
    )
    return (
        Constraint(json_documents.text_of_json(name), _MALFORMED, _INVALID_POLICY, page),
        *json_documents.rows(rules, name, code=_MALFORMED, sentence=_INVALID_POLICY),
        Constraint(size, "LimitExceededException", "The key policy is larger than 32 kilobytes.", page),
    )


def _lock(name: str) -> tuple[Constraint, ...]:
    return tuple(
        replace(row, where=unequal("BypassPolicyLockoutSafetyCheck", "true", default="false", example="false"))
        for row in json_documents.rows((_UNLOCKED,), name, code=_MALFORMED)
    )


_KEY_ROWS = (
    Constraint(
        Test(
            _usage,
            ({}, {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}, {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}),
            ({"KeyUsage": "SIGN_VERIFY"}, {"KeySpec": "HMAC_256"}, {"KeySpec": "RSA_2048"}, {"KeySpec": "ECC_NIST_P256", "KeyUsage": "ENCRYPT_DECRYPT"}),
        ),
        "ValidationException",
        "KeyUsage {value}",
        _CREATE,
    ),
    Constraint(_NO_ROTATION, "InvalidRequest", _ROTATION, _KEY, when=_SYMMETRIC),
    Constraint(_NO_ROTATION, "InvalidRequest", _ROTATION, _KEY, when=unequal("Origin", "AWS_KMS", default="AWS_KMS", example="EXTERNAL")),
    Constraint(
        value("RotationPeriodInDays", between(90, 2560)),
        "ValidationException",
        "RotationPeriodInDays must be between 90 and 2560",
        f"{_API}/API_EnableKeyRotation.html",
    ),
    Constraint(
        value("PendingWindowInDays", between(7, 30)),
        "ValidationException",
        "PendingWindowInDays must be between 7 and 30",
        f"{_API}/API_ScheduleKeyDeletion.html",
    ),
)
_ALIAS = (
    Constraint(
        value("AliasName", begins("alias/")),
        "ValidationException",
        'Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html',
        f"{_API}/API_CreateAlias.html",
    ),
    Constraint(
        value("AliasName", no(begins("alias/aws/"))),
        "NotAuthorizedException",
        "The prefix alias/aws/ is reserved for AWS managed keys.",
        f"{_API}/API_CreateAlias.html",
    ),
    Constraint(
        value("AliasName", matches(r"[a-zA-Z0-9:/_-]{1,256}", taken=("alias/a/B_1-2",), refused=("alias/a.b", "alias/a b"))),
        "ValidationException",
        "Value '{value}' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$",
        f"{_API}/API_CreateAlias.html",
    ),
    Constraint(
        value("TargetKeyId", no(matches(r"alias/.*|arn:[^:]+:kms:[^:]*:\d*:alias/.*", taken=("alias/a",), refused=("1234abcd",)))),
        "ValidationException",
        "Aliases must refer to keys. Not aliases",
        f"{_API}/API_CreateAlias.html",
    ),
)

TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::KMS::Key": (*_KEY_ROWS, *_policy("KeyPolicy"), *_lock("KeyPolicy")),
    "AWS::KMS::ReplicaKey": (*_policy("KeyPolicy"), *_lock("KeyPolicy")),
    "AWS::KMS::Alias": _ALIAS,
}
OPERATIONS: Mapping[str, str] = {
    "CreateKey": "AWS::KMS::Key",
    "ScheduleKeyDeletion": "AWS::KMS::Key",
    "CreateAlias": "AWS::KMS::Alias",
    "UpdateAlias": "AWS::KMS::Alias",
}
