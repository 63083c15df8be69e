"""The principals that policies of resources and trust policies name.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from preflight.aws import spelling, unresolved
from preflight.aws.constraints import Fault
from preflight.aws.iam_policy_evaluation import Policy
from preflight.aws.refusals.iam_policy_documents import USER_GUIDE, of_statements, texts, with_any
from preflight.aws.refusals.json_documents import DocumentRule

_PAGE = f"{USER_GUIDE}/reference_policies_elements_principal.html"
_INVALID = "Invalid principal in policy: "
_NAMES = ("Principal", "NotPrincipal")
_KINDS = {"AWS", "Service", "Federated", "CanonicalUser"}
_PATH = r"[\w+=,.@/-]+"  # no wildcard: a principal is named in full
_AWS = re.compile(
    rf"\*|\d{{12}}|arn:aws[a-z-]*:iam::\d{{12}}:(root|(user|role)/{_PATH})"
    rf"|arn:aws[a-z-]*:sts::\d{{12}}:(assumed-role|federated-user|self)/{_PATH}|arn:aws[a-z-]*:sts::\d{{12}}:self"
    rf"|arn:aws[a-z-]*:iam::cloudfront:user/.+|A[A-Z0-9]{{15,}}",
    re.ASCII,
)
_SERVICE = re.compile(r"[a-z0-9.*-]+\.(amazonaws\.(com(\.cn)?|eu)|amazon\.com|aws\.internal|api\.aws)")
_FEDERATED = re.compile(r"\*|arn:aws[a-z-]*:iam::\d{12}:(oidc|saml)-provider/.+|[^:/ ]+\.[^:/ ]+")
# Cognito has names of its own in other partitions: https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-cog.html
_PROVIDERS = re.compile(
    r"arn:.+|cognito-identity([.-][a-z0-9-]+)?\.amazonaws\.com(\.cn)?|(www\.amazon|graph\.facebook|accounts\.google)\.com"
)
_GITHUB = "token.actions.githubusercontent.com"
_COGNITO = "cognito-identity.amazonaws.com"
# Other actions of STS: no role is assumed by one of them.
_NO_ASSUMPTIONS = {
    f"sts:{name}".lower()
    for name in (
        *("DecodeAuthorizationMessage", "GetAccessKeyInfo", "GetCallerIdentity", "GetDelegatedAccessToken"),
        *("GetFederationToken", "GetServiceBearerToken", "GetSessionToken", "GetWebIdentityToken"),
    )
}
# Services that work for tasks; no other service has a name that differs by one letter from one of these.
_FREQUENT = (
    *("ecs-tasks", "lambda", "events", "scheduler", "codebuild", "codedeploy", "codepipeline", "cloudformation"),
    *("apigateway", "autoscaling", "backup", "batch", "cloudfront", "cloudtrail", "config", "delivery.logs", "kinesis", "logs", "pipes", "states"),
    *("application-autoscaling", "ecs.application-autoscaling", "elasticloadbalancing", "firehose", "vpc-flow-logs"),
)


def principals(statement: Policy, kind: str, *names: str) -> Iterator[tuple[str, str]]:
    """Yields the known principals of a kind in a statement, with the element's name."""
    for name in names or _NAMES:
        value = statement.get(name)
        if isinstance(value, Mapping) and not unresolved.is_function(value):
            yield from ((name, text) for _, text in texts(value, kind))


def is_service(text: str) -> bool:
    """Whether a text has the form of a service principal, and is no misspelling of a frequent one."""
    name = re.sub(r"\.amazonaws\.com(\.cn)?$", "", text)
    return text == "*" or (_SERVICE.fullmatch(text) is not None and not spelling.is_misspelt(name, _FREQUENT))


def _wrong(kind: str, is_right: Callable[[str], bool]) -> Callable[[Policy], Iterator[Fault]]:
    def faults(statement: Policy) -> Iterator[Fault]:
        for name, text in principals(statement, kind):
            if not is_right(text):
                yield Fault((name, kind), text)

    return faults


def _forms(statement: Policy) -> Iterator[Fault]:
    """Faults of principals that are a text other than "*", or of a kind that does not exist."""
    for name in _NAMES:
        value = statement.get(name)
        if isinstance(value, Mapping) and not unresolved.is_function(value):
            yield from (Fault((name, key), key) for key in value if key not in _KINDS and not str(key).startswith("Fn::"))
        elif isinstance(value, (list, str)) and value != "*" and not unresolved.is_function(value):
            yield Fault((name,), value)


def _empty(statement: Policy) -> Iterator[Fault]:
    """Faults of an element, or of a kind of it, that names nothing."""
    for name in _NAMES:
        value = statement.get(name)
        if value in ({}, [], ""):
            yield Fault((name,))
        elif isinstance(value, Mapping):
            yield from (Fault((name, kind)) for kind, named in value.items() if named in ([], ""))


def _named(kind: str, *values: Any) -> tuple[Policy, ...]:
    return tuple({"Principal": {kind: value}} for value in values)


def _no_condition(statement: Policy) -> Iterator[Fault]:
    if "Condition" not in statement and statement.get("Effect") == "Allow":
        yield from (Fault(("Principal", "Federated"), text) for _, text in principals(statement, "Federated") if text == _COGNITO)


def _any_repository(statement: Policy) -> Iterator[Fault]:
    """Faults of what trusts every workflow of GitHub: no condition is about a claim other than the audience."""
    providers = [text for _, text in principals(statement, "Federated") if text.endswith(f":oidc-provider/{_GITHUB}")]
    conditions = statement.get("Condition")
    if not providers or statement.get("Effect") != "Allow" or unresolved.is_function(conditions):
        return
    blocks = conditions.values() if isinstance(conditions, Mapping) else ()
    keys = [str(key).lower() for block in blocks if isinstance(block, Mapping) for key in block]
    if all(key == f"{_GITHUB}:aud" or not key.startswith((_GITHUB, "fn::", "${")) for key in keys):
        yield Fault(("Principal", "Federated"), providers[0])


def _no_principal(statement: Policy) -> Iterator[Fault]:
    if not any(name in statement for name in _NAMES):
        yield Fault(())


def _of_github(condition: Policy) -> Policy:
    provider = f"arn:aws:iam::123456789012:oidc-provider/{_GITHUB}"
    return {"Effect": "Allow", "Principal": {"Federated": provider}, "Condition": condition}


PRINCIPAL_RULES: tuple[DocumentRule, ...] = (
    of_statements(
        _no_principal,
        "Missing required field Principal",
        _PAGE,
        right=({"Principal": "*"}, {"NotPrincipal": {"AWS": "123456789012"}}),
        wrong=({"Effect": "Allow"},),
    ),
    of_statements(
        _forms,
        f"{_INVALID}{{value}}",
        _PAGE,
        right=({"Principal": "*"}, {"Principal": {"AWS": "*", "Service": "ecs.amazonaws.com"}}),
        wrong=({"Principal": "ecs.amazonaws.com"}, {"Principal": {"Services": "ecs.amazonaws.com"}}, {"Principal": ["*"]}),
    ),
    of_statements(
        _empty,
        "Missing required field Principal cannot be empty!",
        _PAGE,
        right=({"Principal": "*"}, {"Principal": {"Service": "ecs.amazonaws.com"}}),
        wrong=({"Principal": {}}, {"Principal": {"Service": []}}, {"Principal": {"AWS": ""}}),
    ),
    of_statements(
        _wrong("AWS", lambda text: _AWS.fullmatch(text) is not None),
        f'{_INVALID}"AWS":"{{value}}"',
        _PAGE,
        right=_named("AWS", "*", "123456789012", "arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:role/p/x"),
        wrong=_named("AWS", "bob", "arn:aws:iam::123456789012:group/x", "arn:aws:iam::123456789012:role/*", "12345678901"),
    ),
    of_statements(
        _wrong("Service", is_service),
        f'{_INVALID}"SERVICE":"{{value}}"',
        _PAGE,
        right=_named("Service", "ecs-tasks.amazonaws.com", "ecs.amazonaws.com", ["delivery.logs.amazonaws.com"]),
        wrong=_named("Service", "ecs-tasks", "ecs-tasks.example.com", ["ecs.amazonaws.com", "ecs-task.amazonaws.com"]),
    ),
    of_statements(
        _wrong("Federated", lambda text: _FEDERATED.fullmatch(text) is not None),
        f'{_INVALID}"FEDERATED":"{{value}}"',
        _PAGE,
        right=_named("Federated", "accounts.google.com", "arn:aws:iam::123456789012:oidc-provider/example.com/a"),
        wrong=_named("Federated", "github", "arn:aws:iam::123456789012:provider/example.com"),
    ),
)
TRUST_RULES: tuple[DocumentRule, ...] = (
    of_statements(
        with_any("Resource", "NotResource"),
        "Has prohibited field Resource",
        f"{USER_GUIDE}/id_roles_create_for-service.html",
        right=({"Principal": "*"},),
        wrong=({"Resource": "*"}, {"NotResource": []}),
    ),
    of_statements(
        with_any("NotPrincipal"),
        "Has prohibited field NotPrincipal",
        f"{USER_GUIDE}/reference_policies_elements_notprincipal.html",
        right=({"Principal": {"AWS": "*"}},),
        wrong=({"NotPrincipal": {"AWS": "123456789012"}},),
    ),
    of_statements(
        lambda statement: iter([Fault(("Principal",), "*")] if statement.get("Principal") == "*" else []),
        'AssumeRolepolicy contained an invalid principal: "STAR":"*".',
        _PAGE,
        right=({"Principal": {"AWS": "*"}},),
        wrong=({"Principal": "*"},),
    ),
    of_statements(
        lambda statement: (
            Fault((name,), text)
            for name, text in texts(statement, "Action", "NotAction")
            if not text.lower().startswith("sts:") or text.lower() in _NO_ASSUMPTIONS
        ),
        "AssumeRole policy may only specify STS AssumeRole actions.",
        f"{USER_GUIDE}/id_roles_update-role-trust-policy.html",
        right=({"Action": ["sts:AssumeRole", "sts:TagSession"]},),
        wrong=({"Action": "ecs:RunTask"}, {"Action": ["sts:AssumeRole", "iam:PassRole"]}, {"Action": "sts:GetCallerIdentity"}),
    ),
    of_statements(
        _wrong("Service", lambda text: "*" not in text),
        f'{_INVALID}"SERVICE":"{{value}}"',
        _PAGE,
        right=_named("Service", "ecs-tasks.amazonaws.com"),
        wrong=_named("Service", "*", "*.amazonaws.com"),
    ),
    of_statements(
        _wrong("Federated", lambda text: _PROVIDERS.fullmatch(text) is not None),
        f'{_INVALID}"FEDERATED":"{{value}}"',
        _PAGE,
        right=_named(
            "Federated",
            *("accounts.google.com", "arn:aws:iam::123456789012:oidc-provider/example.com/a"),
            *("cognito-identity.us-gov-east-1.amazonaws.com", "cognito-identity.cn-north-1.amazonaws.com.cn"),
        ),
        wrong=_named("Federated", "example.com", "*"),
        cure="Name the ARN of an OIDC or SAML provider of the account.",
    ),
    of_statements(
        _any_repository,
        f"The trust policy of an identity provider that many organizations share must evaluate {_GITHUB}:sub",
        f"{USER_GUIDE}/id_roles_providers_oidc_secure-by-default.html",
        right=(_of_github({"StringLike": {f"{_GITHUB}:sub": "repo:a/b:*"}}), {"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}}),
        wrong=(_of_github({}), _of_github({"StringEquals": {f"{_GITHUB}:aud": "sts.amazonaws.com"}})),
        cure=f"Compare {_GITHUB}:sub with the repositories that may assume the role, such as repo:my-organization/my-repository:*.",
    ),
    of_statements(
        _no_condition,
        "A condition block must be present for the Cognito provider",
        "https://docs.aws.amazon.com/cognito/latest/developerguide/identity-pools-security-best-practices.html",
        right=({"Effect": "Allow", "Principal": {"Federated": _COGNITO}, "Condition": {"StringEquals": {f"{_COGNITO}:aud": "a"}}},),
        wrong=({"Effect": "Allow", "Principal": {"Federated": _COGNITO}},),
        cure=f"Compare {_COGNITO}:aud with the ID of the identity pool.",
    ),
)
