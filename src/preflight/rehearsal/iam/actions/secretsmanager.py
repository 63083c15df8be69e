"""Secrets of Secrets Manager.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.iam.actions.request import (
    ApiRequest,
    Permissions,
    for_resources,
    no_resource,
    with_request_tags,
    with_tag_changes,
)


def _secret(request: ApiRequest) -> Iterator[str]:
    """A secret by its ARN; by name it ends with six unknown characters."""
    for name in request.texts("secretId") or request.texts("name"):
        yield name if name.startswith("arn:") else request.arn(f"secret:{name}-??????")


_SECRET = for_resources(_secret)
_ON_SECRET = (
    "DeleteResourcePolicy", "DeleteSecret", "DescribeSecret", "GetResourcePolicy", "GetSecretValue",
    "ListSecretVersionIds", "PutResourcePolicy", "PutSecretValue", "RestoreSecret", "RotateSecret", "UpdateSecret",
    "UpdateSecretVersionStage",
)
TABLE: Mapping[str, Permissions] = {
    **dict.fromkeys(_ON_SECRET, _SECRET),
    "CreateSecret": with_request_tags(_SECRET, tagging="secretsmanager:TagResource"),
    "TagResource": with_tag_changes(_SECRET),
    "UntagResource": with_tag_changes(_SECRET),
    "GetRandomPassword": no_resource,
    "ListSecrets": no_resource,
}
