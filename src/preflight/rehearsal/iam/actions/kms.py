"""Systems Manager parameters, secrets of Secrets Manager, and keys of KMS.

Sources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html,
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html and
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.iam.actions.request import ApiRequest, Ask, creating, for_resources, no_resource, tagging


def _parameters(question: ApiRequest) -> Iterator[str]:
    given = question.texts("name") + question.texts("names") + question.texts("path") + question.texts("resourceId")
    for name in given:
        yield name if name.startswith("arn:") else question.arn(f"parameter/{name.lstrip('/')}")


_PARAMETER = for_resources(_parameters)
PARAMETERS: Mapping[str, Ask] = {
    "PutParameter": creating(_PARAMETER, tagging="ssm:AddTagsToResource"),
    "GetParameter": _PARAMETER,
    "GetParameters": _PARAMETER,
    "GetParametersByPath": _PARAMETER,
    "GetParameterHistory": _PARAMETER,
    "DeleteParameter": _PARAMETER,
    "DeleteParameters": _PARAMETER,
    "DescribeParameters": no_resource,
    "AddTagsToResource": tagging(_PARAMETER),
    "RemoveTagsFromResource": tagging(_PARAMETER),
    "ListTagsForResource": _PARAMETER,
}


def _secret(question: ApiRequest) -> Iterator[str]:
    """A secret by its ARN; by name with six characters that nobody knows at its end."""
    for name in question.texts("secretId") or question.texts("name"):
        yield name if name.startswith("arn:") else question.arn(f"secret:{name}-??????")


_SECRET = for_resources(_secret)
_ON_SECRET = (
    "DeleteResourcePolicy",
    "DeleteSecret",
    "DescribeSecret",
    "GetResourcePolicy",
    "GetSecretValue",
    "ListSecretVersionIds",
    "PutResourcePolicy",
    "PutSecretValue",
    "RestoreSecret",
    "RotateSecret",
    "UpdateSecret",
    "UpdateSecretVersionStage",
)
SECRETS: Mapping[str, Ask] = {
    **dict.fromkeys(_ON_SECRET, _SECRET),
    "CreateSecret": creating(_SECRET, tagging="secretsmanager:TagResource"),
    "TagResource": tagging(_SECRET),
    "UntagResource": tagging(_SECRET),
    "GetRandomPassword": no_resource,
    "ListSecrets": no_resource,
}


def _key(question: ApiRequest) -> Iterator[str]:
    """A key by id or ARN; which key an alias names is not known here, so any may be meant."""
    for name in question.texts("keyId") + question.texts("targetKeyId"):
        is_known = not name.rpartition(":")[2].startswith("alias/")
        yield name if name.startswith("arn:") and is_known else question.arn(f"key/{name if is_known else '*'}")


_KEY = for_resources(_key)
_ON_KEY = (
    "CreateGrant",
    "Decrypt",
    "DescribeKey",
    "DisableKey",
    "EnableKey",
    "EnableKeyRotation",
    "Encrypt",
    "GenerateDataKey",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "ListResourceTags",
    "PutKeyPolicy",
    "ScheduleKeyDeletion",
    "UpdateKeyDescription",
)
KEYS: Mapping[str, Ask] = {
    **dict.fromkeys(_ON_KEY, _KEY),
    "CreateKey": creating(no_resource, tagging="kms:TagResource"),
    "TagResource": tagging(_KEY),
    "UntagResource": tagging(_KEY),
    "ListAliases": no_resource,
    "ListKeys": no_resource,
}
