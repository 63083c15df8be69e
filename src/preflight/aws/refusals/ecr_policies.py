"""What ECR refuses of the policies of repositories and registries; it says only that one is wrong."""

from __future__ import annotations

from preflight.aws.constraints import Constraint
from preflight.aws.refusals import json_documents
from preflight.aws.refusals.iam_policy_conditions import CONDITION_RULES
from preflight.aws.refusals.iam_policy_documents import SYNTAX_RULES, of_statements, with_any, wrong_texts
from preflight.aws.refusals.iam_policy_principals import PRINCIPAL_RULES
from preflight.aws.refusals.json_documents import DocumentRule

_GUIDE = "https://docs.aws.amazon.com/AmazonECR/latest/userguide"
_INVALID = "InvalidParameterException"
_SENTENCE = "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid {} policy provided'"
_ACTIONS = of_statements(
    wrong_texts(lambda text: text == "*" or text.lower().startswith("ecr:"), "Action", "NotAction"),
    _SENTENCE,
    f"{_GUIDE}/repository-policies.html",
    right=({"Action": ["ecr:BatchGetImage", "ecr:*"]},),
    wrong=({"Action": "s3:GetObject"},),
)
_NO_RESOURCE = of_statements(
    with_any("Resource", "NotResource"),
    _SENTENCE,
    f"{_GUIDE}/repository-policies.html",
    right=({"Action": "ecr:*"},),
    wrong=({"Resource": "*"}, {"NotResource": []}),
    cure="Leave Resource out: the policy is about its repository.",
)
_RULES = (*SYNTAX_RULES, _ACTIONS, *CONDITION_RULES, *PRINCIPAL_RULES)


def of_repository(name: str) -> tuple[Constraint, ...]:
    """Returns the rows of a property that holds the policy of a repository."""
    return _rows(name, "repository", (*_RULES, _NO_RESOURCE), page=f"{_GUIDE}/repository-policies.html")


def of_registry(name: str) -> tuple[Constraint, ...]:
    """Returns the rows of a property that holds the policy of a registry."""
    return _rows(name, "registry", _RULES, page=f"{_GUIDE}/registry-permissions.html")


def _rows(name: str, kind: str, rules: tuple[DocumentRule, ...], *, page: str) -> tuple[Constraint, ...]:
    sentence = _SENTENCE.format(kind)
    return (
        Constraint(json_documents.text_of_json(name), _INVALID, sentence, page),
        *json_documents.rows(rules, name, code=_INVALID, sentence=sentence),
    )
