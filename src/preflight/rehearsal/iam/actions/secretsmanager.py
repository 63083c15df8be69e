"""Secrets of Secrets Manager.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.iam.actions.request import ApiRequest, Ask, creating, for_resources, no_resource, tagging


def _secret(question: ApiRequest) -> Iterator[str]:
    """A secret by its ARN; by name it ends with six unknown characters."""
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
TABLE: Mapping[str, Ask] = {
    **dict.fromkeys(_ON_SECRET, _SECRET),
    "CreateSecret": creating(_SECRET, tagging="secretsmanager:TagResource"),
    "TagResource": tagging(_SECRET),
    "UntagResource": tagging(_SECRET),
    "GetRandomPassword": no_resource,
    "ListSecrets": no_resource,
}
