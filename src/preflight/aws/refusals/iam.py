"""What IAM refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from preflight.aws import unresolved
from preflight.aws.constraints import (
    Constraint,
    Fault,
    Object,
    Predicate,
    Test,
    begins,
    count,
    each,
    get,
    items,
    matches,
    no,
    value,
)
from preflight.aws.refusals import iam_policy_documents, json_documents
from preflight.aws.refusals.iam_policy_conditions import CONDITION_RULES
from preflight.aws.refusals.iam_policy_documents import SID_RULES, SYNTAX_RULES, UNIQUE_SIDS, USER_GUIDE
from preflight.aws.refusals.iam_policy_principals import PRINCIPAL_RULES, TRUST_RULES
from preflight.aws.refusals.iam_policy_resources import RESOURCE_RULES
from preflight.aws.refusals.json_documents import DocumentRule

SERVICE = "iam"
IDENTITY_RULES = (*SYNTAX_RULES, *SID_RULES, UNIQUE_SIDS, *CONDITION_RULES, *RESOURCE_RULES)
_API = "https://docs.aws.amazon.com/IAM/latest/APIReference"
_QUOTAS = f"{USER_GUIDE}/reference_iam-quotas.html"
_MALFORMED = "MalformedPolicyDocument"
_INLINE = {"role": 10_240, "user": 2_048, "group": 5_120}
_MANAGED = 6_144
_TRUST = 4_096  # the most that a quota can be raised to
_ATTACHED = 25  # the same
_POLICY_ARN = matches(
    r"arn:aws[a-z-]*:iam::(aws|\d{12}):policy/[!-~]+",
    taken=("arn:aws:iam::aws:policy/PowerUserAccess", "arn:aws-cn:iam::123456789012:policy/p/x"),
    refused=("arn:aws:iam::123456789012:role/x", "PowerUserAccess"),
)
_SERVICE_NAME = matches(
    r"[a-zA-Z0-9._-]+\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal|api\.aws)",
    taken=("ecs.amazonaws.com", "ecs.application-autoscaling.amazonaws.com"),
    refused=("ecs", "ecs.example.com"),
)


def _longer(name: str, limit: int) -> Test:
    """A document is no longer than the limit, without white space."""

    def faults(part: Object) -> Iterator[Fault]:
        value = get(part, name)
        if value is not None and not unresolved.is_function(value) and iam_policy_documents.size(value) > limit:
            yield Fault((name,), iam_policy_documents.size(value))

    return Test(faults, ({name: "x" * limit}, {name: f"{'x' * limit} \n"}), ({name: "x" * (limit + 1)},))


def _longer_together(limit: int) -> Test:
    """The inline policies are no longer together than the limit, without white space."""

    def faults(part: Object) -> Iterator[Fault]:
        documents = [get(policy, "PolicyDocument") for policy in items(part, "Policies") if isinstance(policy, Mapping)]
        total = sum(iam_policy_documents.size(d) for d in documents if d is not None and not unresolved.is_function(d))
        if total > limit:
            yield Fault(("Policies",), total)

    def policies(*sizes: int) -> Object:
        return {"Policies": [{"PolicyDocument": "x" * size} for size in sizes]}

    half = limit // 2
    return Test(faults, (policies(half, half), policies(limit)), (policies(half, half, 1),))


_NAME = "The specified value for {} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"


def _named(name: str, member: str, high: int) -> Constraint:
    fits = matches(rf"[\w+=,.@-]{{1,{high}}}", taken=("a", "good+=,.@-_name", "a" * high), refused=("bad name", "a/b", "", "a" * (high + 1)))
    return Constraint(value(name, fits), "ValidationError", _NAME.format(member), f"{USER_GUIDE}/reference_iam-quotas.html")


def _inline(entity: str) -> tuple[Constraint, ...]:
    """The rows of a resource's Policies."""
    sentence = f"Maximum policy size of {_INLINE[entity]} bytes exceeded for {entity}"
    return (
        replace(_named("PolicyName", "policyName", 128), at="Policies[]"),
        *_documents(IDENTITY_RULES, at="Policies[]"),
        Constraint(_longer_together(_INLINE[entity]), "LimitExceeded", sentence, _QUOTAS, cure="Move statements to managed policies."),
    )


def _documents(rules: tuple[DocumentRule, ...], name: str = "PolicyDocument", at: str = "") -> tuple[Constraint, ...]:
    return (
        Constraint(
            json_documents.text_of_json(name), _MALFORMED, "This policy contains invalid Json", f"{_API}/API_CreatePolicy.html", at=at
        ),
        *json_documents.rows(rules, name, code=_MALFORMED, at=at),
    )


def _put(entity: str) -> tuple[Constraint, ...]:
    """The rows of a resource that is one inline policy."""
    sentence = f"Maximum policy size of {_INLINE[entity]} bytes exceeded for {entity}"
    return (
        *_documents(IDENTITY_RULES),
        Constraint(_longer("PolicyDocument", _INLINE[entity]), "LimitExceeded", sentence, _QUOTAS, cure="Move statements to managed policies."),
    )


def _attached(code: str = "InvalidInput") -> tuple[Constraint, ...]:
    """The rows of ManagedPolicyArns and PermissionsBoundary."""
    return (
        Constraint(each("ManagedPolicyArns", _POLICY_ARN), code, "ARN {value} is not valid.", f"{_API}/API_AttachRolePolicy.html"),
        Constraint(
            value("PermissionsBoundary", _POLICY_ARN),
            "ValidationError",
            "ARN {value} is not valid: a permissions boundary is the ARN of a policy.",
            f"{USER_GUIDE}/access_policies_boundaries.html",
        ),
    )


_PATH = Constraint(
    value("Path", no(begins("/aws-service-role/"))),
    "ValidationError",
    "Paths beginning with '/aws-service-role' are reserved for AWS Service Linked Roles",
    f"{USER_GUIDE}/id_roles_create-service-linked-role.html",
)
_PATH_FORM = Constraint(
    value("Path", matches(r"/|/[!-~]+/", taken=("/", "/a/b/"), refused=("a", "/a", "a/", ""))),
    "ValidationError",
    "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
    f"{_API}/API_CreateRole.html",
)
def _is_latin(value: object) -> bool:
    return re.fullmatch(r"[\t\n\r -~\u00a1-\u00ff]{0,1000}", str(value)) is not None


_DESCRIPTION = Constraint(
    value("Description", Predicate(_is_latin, ("été", "a" * 1000), ("日本語", "a" * 1001))),
    "ValidationError",
    r"Value at 'description' failed to satisfy constraint: Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*",
    f"{_API}/API_CreateRole.html",
    cure="Write the description with letters of Latin-1, up to 1,000.",
)

_ROLE = (
    _named("RoleName", "roleName", 64),
    _PATH_FORM,
    _PATH,
    _DESCRIPTION,
    *_documents((*SYNTAX_RULES, *SID_RULES, UNIQUE_SIDS, *CONDITION_RULES, *TRUST_RULES, *PRINCIPAL_RULES), "AssumeRolePolicyDocument"),
    Constraint(_longer("AssumeRolePolicyDocument", _TRUST), "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 4096", _QUOTAS),
    *_attached(),
    Constraint(
        count("ManagedPolicyArns", 0, _ATTACHED), "LimitExceeded", f"Cannot exceed quota for PoliciesPerRole: {_ATTACHED}", _QUOTAS
    ),
    *_inline("role"),
)

TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::IAM::Role": _ROLE,
    "AWS::IAM::User": (_named("UserName", "userName", 64), _PATH_FORM, *_attached(), *_inline("user")),
    "AWS::IAM::Group": (_named("GroupName", "groupName", 128), _PATH_FORM, *_attached(), *_inline("group")),
    "AWS::IAM::Policy": (_named("PolicyName", "policyName", 128), *_put("role")),
    "AWS::IAM::RolePolicy": (_named("PolicyName", "policyName", 128), *_put("role")),
    "AWS::IAM::UserPolicy": (_named("PolicyName", "policyName", 128), *_put("user")),
    "AWS::IAM::GroupPolicy": (_named("PolicyName", "policyName", 128), *_put("group")),
    "AWS::IAM::ManagedPolicy": (
        _named("ManagedPolicyName", "policyName", 128),
        _PATH_FORM,
        *_documents(IDENTITY_RULES),
        Constraint(_longer("PolicyDocument", _MANAGED), "LimitExceeded", f"Cannot exceed quota for PolicySize: {_MANAGED}", _QUOTAS),
    ),
    "AWS::IAM::InstanceProfile": (
        _named("InstanceProfileName", "instanceProfileName", 128),
        _PATH_FORM,
        Constraint(
            count("Roles", 0, 1), "LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1", _QUOTAS
        ),
    ),
    "AWS::IAM::ServiceLinkedRole": (
        _DESCRIPTION,
        Constraint(
            value("AWSServiceName", _SERVICE_NAME),
            "InvalidInput",
            "{value} is not a valid AWS service name (Service Principal)",
            f"{_API}/API_CreateServiceLinkedRole.html",
        ),
    ),
    "AWS::IAM::OIDCProvider": (
        Constraint(
            value("Url", matches(r"https://[^?#]+", taken=("https://example.com/a",), refused=("http://example.com", "example.com", "https://example.com?a=b"))),
            "ValidationError",
            "Invalid Open ID Connect Provider URL",
            f"{_API}/API_CreateOpenIDConnectProvider.html",
        ),
        Constraint(
            value("Url", matches(r"(?!https://[^/]*:\d).*", taken=("https://example.com/a",), refused=("https://example.com:8443/a",))),
            "ValidationError",
            "The page allows no port number in the URL {value}",
            f"{_API}/API_CreateOpenIDConnectProvider.html",
            is_certain=False,
        ),
        Constraint(
            count("ClientIdList", 0, 100),
            "LimitExceeded",
            "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100",
            f"{_API}/API_CreateOpenIDConnectProvider.html",
        ),
        Constraint(
            count("ThumbprintList", 0, 5),
            "LimitExceeded",
            "Cannot exceed quota for ThumbprintsPerOpenIdConnectProvider: 5",
            f"{_API}/API_CreateOpenIDConnectProvider.html",
        ),
    ),
}
OPERATIONS: Mapping[str, str] = {
    "CreateRole": "AWS::IAM::Role",
    "CreatePolicy": "AWS::IAM::ManagedPolicy",
    "PutRolePolicy": "AWS::IAM::RolePolicy",
    "PutUserPolicy": "AWS::IAM::UserPolicy",
    "PutGroupPolicy": "AWS::IAM::GroupPolicy",
    "CreateServiceLinkedRole": "AWS::IAM::ServiceLinkedRole",
    "CreateOpenIDConnectProvider": "AWS::IAM::OIDCProvider",
}
