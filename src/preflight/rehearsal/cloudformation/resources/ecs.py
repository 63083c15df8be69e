"""Amazon ECS."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

from preflight.aws import fargate_sizes
from preflight.errors import WaitExpiredError
from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
    ResourceFailedError,
)
from preflight.system import waiting

STEADY_TIMEOUT = 600.0
HOPELESS = 3
GRACE = 3.0  # seconds in which a client can still ask why, while everything stands
GONE = ("Service was not ACTIVE.", "Service not found.")
STUCK = "was unable to stop or start tasks during a deployment"
TRIPPED = "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'."


def _call(place: HandlerContext, operation: str, words: str, given: Properties) -> dict[str, Any]:
    """Call ECS; its refusals in the words of ECS's own handlers."""
    try:
        return place.call("ecs", operation, given)
    except ResourceFailedError as failure:
        said, _, _ = failure.message.partition(" (Service: ")
        if failure.code == "AccessDenied":
            tail = f"Error Code: AccessDeniedException; Request ID: {uuid.uuid4()}; Proxy: null"
            raise ResourceFailedError(f"{said} (Service: AmazonECS; Status Code: 400; {tail})", failure.code) from None
        code = "ClientException" if "TaskDefinition" in operation else "InvalidParameterException"
        msg = (
            f"Invalid request provided: {words}: {said} (Service: AmazonECS; Status Code: 400; "
            f"Error Code: {code}; Request ID: {uuid.uuid4()}; Proxy: null)"
        )
        raise ResourceFailedError(msg, "InvalidRequest") from None


def _with_tags(place: HandlerContext, given: Properties) -> dict[str, Any]:
    tags = place.all_tags(given.get("Tags"))
    return {**given, **({"Tags": tags} if tags else {})}


def _create_cluster(place: HandlerContext, given: Properties) -> CreatedResource:
    renamed = {("settings" if k == "ClusterSettings" else k): v for k, v in given.items()}
    asked = {"ClusterName": place.name(most=255), **_with_tags(place, renamed)}
    cluster = _call(place, "CreateCluster", "Create Cluster", asked)["cluster"]
    if "ClusterSettings" in given:
        place.note("ClusterSettings", "stored")
    return CreatedResource(cluster["clusterName"], {"Arn": cluster["clusterArn"]})


def _update_cluster(place: HandlerContext, name: str, old: Properties, new: Properties) -> CreatedResource:
    asked: dict[str, Any] = {"Cluster": name, "Settings": new.get("ClusterSettings") or []}
    if "Configuration" in new:
        asked["Configuration"] = new["Configuration"]
    cluster = _call(place, "UpdateCluster", "Update Cluster", asked)["cluster"]
    if not {"CapacityProviders", "DefaultCapacityProviderStrategy"} & {*old, *new}:
        return CreatedResource(name, {"Arn": cluster["clusterArn"]})  # an association of its own may have set them
    providers = {
        "Cluster": name,
        "CapacityProviders": new.get("CapacityProviders") or [],
        "DefaultCapacityProviderStrategy": new.get("DefaultCapacityProviderStrategy") or [],
    }
    _call(place, "PutClusterCapacityProviders", "Put Cluster Capacity Providers", providers)
    return CreatedResource(name, {"Arn": cluster["clusterArn"]})


def _delete_cluster(place: HandlerContext, name: str, _given: Properties) -> None:
    place.ask("ecs", "DeleteCluster", cluster=name)


def _create_definition(place: HandlerContext, given: Properties) -> CreatedResource:
    asked = {"Family": place.name(most=255), **_with_tags(place, given)}
    made = _call(place, "RegisterTaskDefinition", "Create TaskDefinition", asked)["taskDefinition"]
    return CreatedResource(made["taskDefinitionArn"], {"TaskDefinitionArn": made["taskDefinitionArn"]})


def _update_definition(_place: HandlerContext, arn: str, _old: Properties, _new: Properties) -> CreatedResource:
    return CreatedResource(arn, {"TaskDefinitionArn": arn})  # only tags can change without a new revision


def _delete_definition(place: HandlerContext, arn: str, _given: Properties) -> None:
    place.ask("ecs", "DeregisterTaskDefinition", taskDefinition=arn)


def _as_service(given: Properties) -> dict[str, Any]:
    return {("placementStrategy" if k == "PlacementStrategies" else k): v for k, v in given.items()}


def _create_service(place: HandlerContext, given: Properties) -> CreatedResource:
    asked = {"ServiceName": place.name(most=255), **_with_tags(place, _as_service(given))}
    made = _call(place, "CreateService", "CreateService error", asked)["service"]
    service = CreatedResource(made["serviceArn"], {"ServiceArn": made["serviceArn"], "Name": made["serviceName"]})
    place.identify(service.id)
    _stabilize(place, service.id, given.get("Cluster"))
    return service


@dataclass
class _Failing:
    """Since when launches fail."""

    since: float | None = None

    def is_hopeless(self, failed: int) -> bool:
        """Whether so many launches failed, and the first of them so long ago, that there is no point in waiting."""
        if failed and self.since is None:
            self.since = time.monotonic()
        return failed >= HOPELESS and self.since is not None and time.monotonic() - self.since >= GRACE


def _stabilize(place: HandlerContext, arn: str, cluster: str | None) -> None:
    """Wait until the service is steady, or until it is plain that it never will be.

    AWS waits for up to three hours; three launches in a row that failed for the same kind of reason
    are proof enough here, once they have been there to be seen for a moment.
    """
    failing = _Failing()

    def probe() -> str | None:
        if place.is_over:
            return "cancelled"
        service = place.ask("ecs", "DescribeServices", services=[arn], **({"cluster": cluster} if cluster else {}))[
            "services"
        ][0]
        primary = service["deployments"][0]
        has_failed = any(d["rolloutState"] == "FAILED" for d in service["deployments"])
        if has_failed and failing.is_hopeless(HOPELESS):
            return "tripped"
        is_stuck = any(STUCK in event["message"] for event in service["events"][:1])
        if not has_failed and (failing.is_hopeless(primary["failedTasks"]) or is_stuck):
            return "hopeless"
        is_steady = any(e["message"].endswith("has reached a steady state.") for e in service["events"][:1])
        return "steady" if is_steady and primary["rolloutState"] == "COMPLETED" else None

    try:
        ended = waiting.until(probe, what=f"service {arn} to be steady", timeout=STEADY_TIMEOUT, interval=0.05)
    except WaitExpiredError:
        ended = "hopeless"
    if ended == "tripped":
        raise ResourceFailedError(TRIPPED, "GeneralServiceException")
    if ended == "cancelled":
        raise ResourceFailedError("Resource creation cancelled", is_whole=True)
    if ended == "hopeless":
        raise ResourceFailedError(f"Service {arn} did not stabilize.", "NotStabilized")


def _update_service(place: HandlerContext, arn: str, _old: Properties, new: Properties) -> CreatedResource:
    left_out = {"ServiceName", "Tags", "LaunchType", "SchedulingStrategy", "Role"}
    asked = {k: v for k, v in _as_service(new).items() if k not in left_out}
    made = _call(place, "UpdateService", "UpdateService error", {"Service": arn, **asked})["service"]
    _stabilize(place, arn, new.get("Cluster"))
    return CreatedResource(arn, {"ServiceArn": arn, "Name": made["serviceName"]})


def _delete_service(place: HandlerContext, arn: str, given: Properties) -> None:
    cluster = given.get("Cluster") or "default"
    try:
        place.ask("ecs", "DeleteService", service=arn, cluster=cluster, force=True)
    except ResourceFailedError as failure:
        if not any(gone in failure.message for gone in GONE):
            raise
        return

    def is_gone() -> bool:
        if place.account.closing.is_set():
            return True
        described = place.ask("ecs", "DescribeServices", services=[arn], cluster=cluster)["services"]
        return all(service["status"] == "INACTIVE" for service in described)

    waiting.until(is_gone, what=f"service {arn} to drain", timeout=STEADY_TIMEOUT, interval=0.05)


def _associate(place: HandlerContext, given: Properties) -> CreatedResource:
    _call(place, "PutClusterCapacityProviders", "Put Cluster Capacity Providers", given)
    return CreatedResource(str(given["Cluster"]))


def _reassociate(place: HandlerContext, cluster: str, _old: Properties, new: Properties) -> CreatedResource:
    _call(place, "PutClusterCapacityProviders", "Put Cluster Capacity Providers", new)
    return CreatedResource(cluster)


def _dissociate(place: HandlerContext, cluster: str, _given: Properties) -> None:
    place.ask(
        "ecs", "PutClusterCapacityProviders", cluster=cluster, capacityProviders=[], defaultCapacityProviderStrategy=[]
    )


def _read_cluster(place: HandlerContext, name: str, _given: Properties) -> dict[str, Any]:
    include = ["SETTINGS", "CONFIGURATIONS", "TAGS"]
    found = place.ask("ecs", "DescribeClusters", clusters=[name], include=include)["clusters"][0]
    return {**found, "ClusterSettings": found.get("settings"), "Tags": _pairs(found)}


def _pairs(found: dict[str, Any]) -> list[dict[str, str]]:
    return [{"Key": tag["key"], "Value": tag["value"]} for tag in found.get("tags") or []]


def _read_definition(place: HandlerContext, arn: str, given: Properties) -> dict[str, Any]:
    answer = place.ask("ecs", "DescribeTaskDefinition", taskDefinition=arn, include=["TAGS"])
    found = answer["taskDefinition"]
    sizes_kept = {
        name: given[name]
        for name, word in (("Cpu", "vcpu"), ("Memory", "gb"))
        if name in given and str(fargate_sizes.units(str(given[name]), word)) == found.get(name.lower())
    }
    roles = {
        name: given[name]
        for name, key in (("ExecutionRoleArn", "executionRoleArn"), ("TaskRoleArn", "taskRoleArn"))
        if name in given and str(found.get(key, "")).endswith(f"/{given[name]}")
    }
    plain = {key: value for key, value in found.items() if key not in {"cpu", "memory", *(_lower(n) for n in roles)}}
    rest = {"Cpu": found.get("cpu"), "Memory": found.get("memory")}
    return {**plain, **rest, **sizes_kept, **roles, "Tags": _pairs(answer)}


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]


def _read_service(place: HandlerContext, arn: str, given: Properties) -> dict[str, Any]:
    asked = {"cluster": given["Cluster"]} if given.get("Cluster") else {}
    found = place.ask("ecs", "DescribeServices", services=[arn], include=["TAGS"], **asked)["services"][0]
    same = found["clusterArn"] == given.get("Cluster") or found["clusterArn"].endswith(f"/{given.get('Cluster')}")
    revision = found["taskDefinition"]
    is_short = str(given.get("TaskDefinition", "")) in {revision.rpartition("/")[2], _family(revision)}
    return {
        **found,
        "Cluster": given.get("Cluster") if same else found["clusterArn"],
        "TaskDefinition": given["TaskDefinition"] if is_short else revision,
        "PlacementStrategies": found.get("placementStrategy"),
        "ServiceConnectConfiguration": _primary(found).get("serviceConnectConfiguration"),
        "VolumeConfigurations": _primary(found).get("volumeConfigurations"),
        "Tags": _pairs(found),
    }


def _family(arn: str) -> str:
    return arn.rpartition("/")[2].partition(":")[0]


def _primary(found: dict[str, Any]) -> dict[str, Any]:
    return next(iter(found.get("deployments") or []), {})


def _read_association(place: HandlerContext, cluster: str, given: Properties) -> dict[str, Any]:
    found = place.ask("ecs", "DescribeClusters", clusters=[cluster])["clusters"][0]
    return {**found, "Cluster": given["Cluster"] if found["clusterName"] in str(given["Cluster"]) else None}


TYPES = {
    "AWS::ECS::Cluster": Handler(_create_cluster, _delete_cluster, _update_cluster, _read_cluster),
    "AWS::ECS::ClusterCapacityProviderAssociations": Handler(_associate, _dissociate, _reassociate, _read_association),
    "AWS::ECS::TaskDefinition": Handler(_create_definition, _delete_definition, _update_definition, _read_definition),
    "AWS::ECS::Service": Handler(_create_service, _delete_service, _update_service, _read_service),
}
