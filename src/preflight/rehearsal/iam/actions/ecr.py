"""Amazon ECR: its API, and the registry's own, whose requests are actions of ECR.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.iam.actions.request import ApiRequest, Ask, creating, for_resources, no_resource, tagging


def _repositories(question: ApiRequest) -> Iterator[str]:
    names = question.texts("repositoryName") + question.texts("repositoryNames")
    for name in names or ["*"]:
        yield question.arn(f"repository/{name}")


_REPOSITORY = for_resources(_repositories)
_RESOURCE = for_resources(lambda question: question.texts("resourceArn"))
_ON_REPOSITORY = (
    "BatchCheckLayerAvailability",
    "BatchDeleteImage",
    "BatchGetImage",
    "CompleteLayerUpload",
    "DeleteLifecyclePolicy",
    "DeleteRepository",
    "DeleteRepositoryPolicy",
    "DescribeImages",
    "DescribeRepositories",
    "GetDownloadUrlForLayer",
    "GetLifecyclePolicy",
    "GetRepositoryPolicy",
    "InitiateLayerUpload",
    "ListImages",
    "PutImage",
    "PutImageScanningConfiguration",
    "PutImageTagMutability",
    "PutLifecyclePolicy",
    "SetRepositoryPolicy",
    "UploadLayerPart",
)
_ANYWHERE = (
    "CreatePullThroughCacheRule",
    "CreateRepositoryCreationTemplate",
    "DeletePullThroughCacheRule",
    "DeleteRegistryPolicy",
    "DeleteRepositoryCreationTemplate",
    "DescribePullThroughCacheRules",
    "DescribeRegistry",
    "DescribeRepositoryCreationTemplates",
    "GetAuthorizationToken",
    "GetRegistryPolicy",
    "PutRegistryPolicy",
    "UpdateRepositoryCreationTemplate",
)
TABLE: Mapping[str, Ask] = {
    **dict.fromkeys(_ON_REPOSITORY, _REPOSITORY),
    **dict.fromkeys(_ANYWHERE, no_resource),
    "CreateRepository": creating(_REPOSITORY, tagging="ecr:TagResource"),
    "TagResource": tagging(_RESOURCE),
    "UntagResource": tagging(_RESOURCE),
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
