"""Amazon ECR: its API, and the registry's own, whose requests are actions of ECR.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html.
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


def _repositories(request: ApiRequest) -> Iterator[str]:
    names = request.texts("repositoryName") + request.texts("repositoryNames")
    for name in names or ["*"]:
        yield request.arn(f"repository/{name}")


_REPOSITORY = for_resources(_repositories)
_RESOURCE = for_resources(lambda request: request.texts("resourceArn"))
_ON_REPOSITORY = (
    "BatchCheckLayerAvailability", "BatchDeleteImage", "BatchGetImage", "CompleteLayerUpload",
    "DeleteLifecyclePolicy", "DeleteRepository", "DeleteRepositoryPolicy", "DescribeImages", "DescribeRepositories",
    "GetDownloadUrlForLayer", "GetLifecyclePolicy", "GetRepositoryPolicy", "InitiateLayerUpload", "ListImages",
    "PutImage", "PutImageScanningConfiguration", "PutImageTagMutability", "PutLifecyclePolicy",
    "SetRepositoryPolicy", "UploadLayerPart",
)
_ANYWHERE = (
    "CreatePullThroughCacheRule", "CreateRepositoryCreationTemplate", "DeletePullThroughCacheRule",
    "DeleteRegistryPolicy", "DeleteRepositoryCreationTemplate", "DescribePullThroughCacheRules", "DescribeRegistry",
    "DescribeRepositoryCreationTemplates", "GetAuthorizationToken", "GetRegistryPolicy",
    "GetRegistryScanningConfiguration", "PutRegistryPolicy", "PutRegistryScanningConfiguration",
    "PutReplicationConfiguration", "UpdateRepositoryCreationTemplate",
)
TABLE: Mapping[str, Permissions] = {
    **dict.fromkeys(_ON_REPOSITORY, _REPOSITORY),
    **dict.fromkeys(_ANYWHERE, no_resource),
    "CreateRepository": with_request_tags(_REPOSITORY, tagging="ecr:TagResource"),
    "TagResource": with_tag_changes(_RESOURCE),
    "UntagResource": with_tag_changes(_RESOURCE),
    "ListTagsForResource": _RESOURCE,
}
REGISTRY: Mapping[str, str] = {  # method and kind of a request to the registry: the action that it is
    "HEAD blob": "BatchCheckLayerAvailability",
    "GET blob": "GetDownloadUrlForLayer",
    "POST uploads": "InitiateLayerUpload",
    "PATCH upload": "UploadLayerPart",
    "PUT upload": "CompleteLayerUpload",
    "PUT manifest": "PutImage",
    "HEAD manifest": "BatchGetImage",
    "GET manifest": "BatchGetImage",
}
