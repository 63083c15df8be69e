"""Amazon ECR."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response, without
from preflight.rehearsal.cloudformation.resources.declarative import ReadSpec, ResourceSpec, by_id, call, handler
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler

_LATER = {"LifecyclePolicy", "RepositoryPolicyText", "EmptyOnDelete", "Tags", "RepositoryName"}


def _create(context: HandlerContext, properties: Properties) -> CreatedResource:
    name = properties.get("RepositoryName") or context.generate_name(max_length=256, is_lower=True)
    members = without(properties, *_LATER)
    repository = context.submit(
        "ecr",
        "CreateRepository",
        {"RepositoryName": name, **members, "Tags": context.all_tags(properties.get("Tags"))},
    )["repository"]
    context.identify(name)
    _set_policies(context, name, properties)
    if "EmptyOnDelete" in properties:
        context.record("EmptyOnDelete", "checked", "decides how the repository is deleted")
    return _repository(repository)


def _repository(repository: Response) -> CreatedResource:
    attributes = {"Arn": repository["repositoryArn"], "RepositoryUri": repository["repositoryUri"]}
    return CreatedResource(str(repository["repositoryName"]), attributes)


def _described(context: HandlerContext, name: str) -> Response:
    repository: Response = context.call("ecr", "DescribeRepositories", repositoryNames=[name])["repositories"][0]
    return repository


def _set_policies(context: HandlerContext, name: str, properties: Properties) -> None:
    lifecycle = (properties.get("LifecyclePolicy") or {}).get("LifecyclePolicyText")
    if lifecycle:
        context.submit("ecr", "PutLifecyclePolicy", {"RepositoryName": name, "LifecyclePolicyText": lifecycle})
        context.record("LifecyclePolicy", "stored")
    policy = properties.get("RepositoryPolicyText")
    if policy:
        context.submit("ecr", "SetRepositoryPolicy", {"RepositoryName": name, "PolicyText": policy})
        context.record("RepositoryPolicyText", "stored")


def _update(context: HandlerContext, name: str, _old: Properties, new: Properties) -> CreatedResource:
    mutability = new.get("ImageTagMutability", "MUTABLE")
    context.call("ecr", "PutImageTagMutability", repositoryName=name, imageTagMutability=mutability)
    scanning = (new.get("ImageScanningConfiguration") or {}).get("ScanOnPush", False)
    context.call(
        "ecr",
        "PutImageScanningConfiguration",
        repositoryName=name,
        imageScanningConfiguration={"scanOnPush": scanning},
    )
    _set_policies(context, name, new)
    return _repository(_described(context, name))


def _delete(context: HandlerContext, name: str, properties: Properties) -> None:
    context.call("ecr", "DeleteRepository", repositoryName=name, force=bool(properties.get("EmptyOnDelete")))


def _read(context: HandlerContext, name: str, properties: Properties) -> Response:
    repository = _described(context, name)
    tags = context.call("ecr", "ListTagsForResource", resourceArn=repository["repositoryArn"])["tags"]
    description = {**repository, "Tags": tags}
    if (properties.get("LifecyclePolicy") or {}).get("LifecyclePolicyText"):
        policy = context.call("ecr", "GetLifecyclePolicy", repositoryName=name)["lifecyclePolicyText"]
        description["LifecyclePolicy"] = {"LifecyclePolicyText": policy}
    if properties.get("RepositoryPolicyText"):
        description["RepositoryPolicyText"] = context.call("ecr", "GetRepositoryPolicy", repositoryName=name)[
            "policyText"
        ]
    return description


_CACHE_RULE = ResourceSpec(
    "ecr",
    create="CreatePullThroughCacheRule",
    physical_id="EcrRepositoryPrefix",
    delete=(call("DeletePullThroughCacheRule", by_id("ecrRepositoryPrefix")),),
    reads=(
        ReadSpec(
            "DescribePullThroughCacheRules", by_id("ecrRepositoryPrefixes", is_list=True), "pullThroughCacheRules[0]"
        ),
    ),
)
_CREATION_TEMPLATE = ResourceSpec(
    "ecr",
    create="CreateRepositoryCreationTemplate",
    physical_id="Prefix",
    delete=(call("DeleteRepositoryCreationTemplate", by_id("prefix")),),
    reads=(
        ReadSpec(
            "DescribeRepositoryCreationTemplates", by_id("prefixes", is_list=True), "repositoryCreationTemplates[0]"
        ),
    ),
    update=("UpdateRepositoryCreationTemplate",),
    attributes={"CreatedAt": "createdAt", "UpdatedAt": "updatedAt"},
)
_REGISTRY_POLICY = ResourceSpec(
    "ecr",
    create="PutRegistryPolicy",
    physical_id="registryId",
    delete=(call("DeleteRegistryPolicy", lambda _id, _properties: {}),),
    reads=(ReadSpec("GetRegistryPolicy", lambda _id, _properties: {}, "{PolicyText: policyText}"),),
    update=("PutRegistryPolicy",),
    attributes={"RegistryId": str},
)


def _put_replication(context: HandlerContext, properties: Properties) -> CreatedResource:
    context.submit("ecr", "PutReplicationConfiguration", properties)
    return _of_registry(context)


def _end_replication(context: HandlerContext, _id: str, _properties: Properties) -> None:
    context.call("ecr", "PutReplicationConfiguration", replicationConfiguration={"rules": []})


def _put_scanning(context: HandlerContext, properties: Properties) -> CreatedResource:
    context.submit("ecr", "PutRegistryScanningConfiguration", properties)
    return _of_registry(context)


def _end_scanning(context: HandlerContext, _id: str, _properties: Properties) -> None:
    context.call("ecr", "PutRegistryScanningConfiguration", scanType="BASIC", rules=[])


def _of_registry(context: HandlerContext) -> CreatedResource:
    """Returns a setting of the registry, of which each region has one, by the registry's number."""
    return CreatedResource(context.account.id, {"RegistryId": context.account.id})


_REPLICATION = Handler(
    _put_replication,
    _end_replication,
    lambda context, _id, _old, new: _put_replication(context, new),
    lambda context, _id, _properties: context.call("ecr", "DescribeRegistry"),
)
_SCANNING = Handler(
    _put_scanning,
    _end_scanning,
    lambda context, _id, _old, new: _put_scanning(context, new),
    lambda context, _id, _properties: context.call("ecr", "GetRegistryScanningConfiguration")["scanningConfiguration"],
)

TYPES: Mapping[str, Handler] = {
    "AWS::ECR::Repository": Handler(_create, _delete, _update, _read),
    "AWS::ECR::PullThroughCacheRule": handler(_CACHE_RULE),
    "AWS::ECR::RegistryPolicy": handler(_REGISTRY_POLICY),
    "AWS::ECR::RegistryScanningConfiguration": _SCANNING,
    "AWS::ECR::ReplicationConfiguration": _REPLICATION,
    "AWS::ECR::RepositoryCreationTemplate": handler(_CREATION_TEMPLATE),
}
