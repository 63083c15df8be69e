"""Amazon ECR."""

from __future__ import annotations

from typing import Any

from preflight.rehearsal.cloudformation.resources.declarative import ReadSpec, ResourceSpec, by, handler
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler, HandlerContext, Properties

_LATER = {"LifecyclePolicy", "RepositoryPolicyText", "EmptyOnDelete", "Tags", "RepositoryName"}


def _create(place: HandlerContext, given: Properties) -> CreatedResource:
    name = given.get("RepositoryName") or place.name(most=256, is_lower=True)
    plain = {key: value for key, value in given.items() if key not in _LATER}
    made = place.call(
        "ecr",
        "CreateRepository",
        {"RepositoryName": name, **plain, "Tags": place.all_tags(given.get("Tags"))},
    )["repository"]
    place.identify(name)
    _set_policies(place, name, given)
    if "EmptyOnDelete" in given:
        place.note("EmptyOnDelete", "checked", "decides how the repository is deleted")
    return CreatedResource(name, {"Arn": made["repositoryArn"], "RepositoryUri": made["repositoryUri"]})


def _set_policies(place: HandlerContext, name: str, given: Properties) -> None:
    lifecycle = (given.get("LifecyclePolicy") or {}).get("LifecyclePolicyText")
    if lifecycle:
        place.call("ecr", "PutLifecyclePolicy", {"RepositoryName": name, "LifecyclePolicyText": lifecycle})
        place.note("LifecyclePolicy", "stored")
    policy = given.get("RepositoryPolicyText")
    if policy:
        place.call("ecr", "SetRepositoryPolicy", {"RepositoryName": name, "PolicyText": policy})
        place.note("RepositoryPolicyText", "stored")


def _update(place: HandlerContext, name: str, _old: Properties, new: Properties) -> CreatedResource:
    mutability = new.get("ImageTagMutability", "MUTABLE")
    place.ask("ecr", "PutImageTagMutability", repositoryName=name, imageTagMutability=mutability)
    scanning = (new.get("ImageScanningConfiguration") or {}).get("ScanOnPush", False)
    place.ask(
        "ecr",
        "PutImageScanningConfiguration",
        repositoryName=name,
        imageScanningConfiguration={"scanOnPush": scanning},
    )
    _set_policies(place, name, new)
    found = place.ask("ecr", "DescribeRepositories", repositoryNames=[name])["repositories"][0]
    return CreatedResource(name, {"Arn": found["repositoryArn"], "RepositoryUri": found["repositoryUri"]})


def _delete(place: HandlerContext, name: str, given: Properties) -> None:
    place.ask("ecr", "DeleteRepository", repositoryName=name, force=bool(given.get("EmptyOnDelete")))


def _read(place: HandlerContext, name: str, given: Properties) -> dict[str, Any]:
    found = place.ask("ecr", "DescribeRepositories", repositoryNames=[name])["repositories"][0]
    kept = {**found, "Tags": place.ask("ecr", "ListTagsForResource", resourceArn=found["repositoryArn"])["tags"]}
    if (given.get("LifecyclePolicy") or {}).get("LifecyclePolicyText"):
        policy = place.ask("ecr", "GetLifecyclePolicy", repositoryName=name)["lifecyclePolicyText"]
        kept["LifecyclePolicy"] = {"LifecyclePolicyText": policy}
    if given.get("RepositoryPolicyText"):
        kept["RepositoryPolicyText"] = place.ask("ecr", "GetRepositoryPolicy", repositoryName=name)["policyText"]
    return kept


_CACHE = ResourceSpec(
    "ecr",
    create="CreatePullThroughCacheRule",
    identify="EcrRepositoryPrefix",
    delete="DeletePullThroughCacheRule",
    gone=by("ecrRepositoryPrefix"),
    read=ReadSpec(
        "DescribePullThroughCacheRules", by("ecrRepositoryPrefixes", is_list=True), "pullThroughCacheRules[0]"
    ),
)
_TEMPLATE = ResourceSpec(
    "ecr",
    create="CreateRepositoryCreationTemplate",
    identify="Prefix",
    delete="DeleteRepositoryCreationTemplate",
    gone=by("prefix"),
    read=ReadSpec(
        "DescribeRepositoryCreationTemplates", by("prefixes", is_list=True), "repositoryCreationTemplates[0]"
    ),
    update="UpdateRepositoryCreationTemplate",
    changed=by("prefix"),
    attributes={"CreatedAt": "createdAt", "UpdatedAt": "updatedAt"},
)


def _put_registry_policy(place: HandlerContext, given: Properties) -> CreatedResource:
    answer = place.call("ecr", "PutRegistryPolicy", given)
    place.note("PolicyText", "stored")
    return CreatedResource(answer["registryId"], {"RegistryId": answer["registryId"]})


def _delete_registry_policy(place: HandlerContext, _id: str, _given: Properties) -> None:
    place.ask("ecr", "DeleteRegistryPolicy")


def _read_registry_policy(place: HandlerContext, _id: str, _given: Properties) -> dict[str, Any]:
    return {"PolicyText": place.ask("ecr", "GetRegistryPolicy")["policyText"]}


TYPES = {
    "AWS::ECR::Repository": Handler(_create, _delete, _update, _read),
    "AWS::ECR::PullThroughCacheRule": handler(_CACHE),
    "AWS::ECR::RegistryPolicy": Handler(
        _put_registry_policy,
        _delete_registry_policy,
        lambda place, _id, _old, new: _put_registry_policy(place, new),
        _read_registry_policy,
    ),
    "AWS::ECR::RepositoryCreationTemplate": handler(_TEMPLATE),
}
