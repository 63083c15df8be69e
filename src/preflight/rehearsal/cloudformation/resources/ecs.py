"""Amazon ECS."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

from preflight.aws import fargate_sizes
from preflight.errors import WaitExpiredError
from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response
from preflight.rehearsal.cloudformation.resources.declarative import deleter
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler
from preflight.system import waiting

STEADY_TIMEOUT = 600.0
HOPELESS = 3
GRACE = 3.0  # seconds in which a client can still read why launches fail, before anything is deleted
GONE = ("Service was not ACTIVE.", "Service not found.")
STUCK = "was unable to stop or start tasks during a deployment"
BREAKER = ("circuit breaker", "tasks failed to start.")  # in the reason of a deployment that the circuit breaker failed
TRIPPED = "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'."


def _call(context: HandlerContext, operation: str, prefix: str, properties: Properties) -> Response:
    """Calls ECS; its refusals are in the words of ECS's own handlers."""
    try:
        return context.submit("ecs", operation, properties)
    except ResourceFailedError as failure:
        message, _, _ = failure.message.partition(" (Service: ")
        if failure.code == "AccessDenied":
            tail = f"Error Code: AccessDeniedException; Request ID: {uuid.uuid4()}; Proxy: null"
            raise ResourceFailedError(
                f"{message} (Service: AmazonECS; Status Code: 400; {tail})", failure.code
            ) from None
        code = "ClientException" if "TaskDefinition" in operation else "InvalidParameterException"
        msg = (
            f"Invalid request provided: {prefix}: {message} (Service: AmazonECS; Status Code: 400; "
            f"Error Code: {code}; Request ID: {uuid.uuid4()}; Proxy: null)"
        )
        raise ResourceFailedError(msg, "InvalidRequest") from None


def _with_tags(context: HandlerContext, properties: Properties) -> Response:
    tags = context.all_tags(properties.get("Tags"))
    return {**properties, **({"Tags": tags} if tags else {})}


def _create_cluster(context: HandlerContext, properties: Properties) -> CreatedResource:
    renamed = {("settings" if k == "ClusterSettings" else k): v for k, v in properties.items()}
    request = {"ClusterName": context.generate_name(max_length=255), **_with_tags(context, renamed)}
    cluster = _call(context, "CreateCluster", "Create Cluster", request)["cluster"]
    if "ClusterSettings" in properties:
        context.record("ClusterSettings", "stored")
    return CreatedResource(cluster["clusterName"], {"Arn": cluster["clusterArn"]})


def _update_cluster(context: HandlerContext, name: str, old: Properties, new: Properties) -> CreatedResource:
    request: Response = {"Cluster": name, "Settings": new.get("ClusterSettings") or []}
    if "Configuration" in new:
        request["Configuration"] = new["Configuration"]
    cluster = _call(context, "UpdateCluster", "Update Cluster", request)["cluster"]
    if not {"CapacityProviders", "DefaultCapacityProviderStrategy"} & {*old, *new}:
        return CreatedResource(name, {"Arn": cluster["clusterArn"]})  # an association of its own may have set them
    providers = {
        "Cluster": name,
        "CapacityProviders": new.get("CapacityProviders") or [],
        "DefaultCapacityProviderStrategy": new.get("DefaultCapacityProviderStrategy") or [],
    }
    _call(context, "PutClusterCapacityProviders", "Put Cluster Capacity Providers", providers)
    return CreatedResource(name, {"Arn": cluster["clusterArn"]})


def _create_definition(context: HandlerContext, properties: Properties) -> CreatedResource:
    members = _with_tags(context, properties)
    proxy = members.get("ProxyConfiguration")
    if isinstance(proxy, dict) and "ProxyConfigurationProperties" in proxy:  # the API's name is shorter
        members["ProxyConfiguration"] = {
            ("Properties" if key == "ProxyConfigurationProperties" else key): value for key, value in proxy.items()
        }
    request = {"Family": context.generate_name(max_length=255), **members}
    definition = _call(context, "RegisterTaskDefinition", "Create TaskDefinition", request)["taskDefinition"]
    return CreatedResource(definition["taskDefinitionArn"], {"TaskDefinitionArn": definition["taskDefinitionArn"]})


def _update_definition(_context: HandlerContext, arn: str, _old: Properties, _new: Properties) -> CreatedResource:
    return CreatedResource(arn, {"TaskDefinitionArn": arn})  # only tags can change without a new revision


def _as_service(properties: Properties) -> Response:
    return {("placementStrategy" if k == "PlacementStrategies" else k): v for k, v in properties.items()}


def _create_service(context: HandlerContext, properties: Properties) -> CreatedResource:
    request = {"ServiceName": context.generate_name(max_length=255), **_with_tags(context, _as_service(properties))}
    service = _call(context, "CreateService", "CreateService error", request)["service"]
    created = CreatedResource(
        service["serviceArn"], {"ServiceArn": service["serviceArn"], "Name": service["serviceName"]}
    )
    context.identify(created.id)
    _stabilize(context, created.id, properties.get("Cluster"), service["deployments"][0]["id"])
    if service.get("launchType") in {"EC2", "EXTERNAL"}:
        context.record(None, "ignored", "its tasks run on container instances, none of which is rehearsed")
    return created


@dataclass
class _FailedLaunches:
    """The time since which launches fail, and why the deployment failed, if it has."""

    since: float | None = None
    reason: str | None = None

    def is_hopeless(self, failed: int) -> bool:
        """Whether so many launches failed, and for so long, that waiting is pointless."""
        if failed and self.since is None:
            self.since = time.monotonic()
        return failed >= HOPELESS and self.since is not None and time.monotonic() - self.since >= GRACE


def _failure(service: Response, deployment: str) -> str | None:
    """Returns why a deployment of a service failed, in CloudFormation's words, or None if it has not.

    One that was rolled back is soon gone from the description; an event still tells of it.
    """
    beginning = f"(deployment {deployment}) deployment failed: "
    reasons = [d["rolloutStateReason"] for d in service["deployments"] if (d["id"], d["rolloutState"]) == (deployment, "FAILED")]
    reasons += [event["message"].partition(beginning)[2] for event in service["events"] if beginning in event["message"]]
    if not reasons:
        return None
    return TRIPPED if any(words in reasons[0] for words in BREAKER) else f"Error occurred during operation '{reasons[0]}'."


def _stabilize(context: HandlerContext, arn: str, cluster: str | None, deployment: str) -> None:
    """Waits until the service is steady after a deployment, or until it is certain that it never will be.

    AWS waits for up to three hours, and for 36 if traffic is shifted; here three failed launches are enough, after a
    moment in which they can be seen.
    """
    failed_launches = _FailedLaunches()

    def probe() -> str | None:
        if context.is_stopped:
            return "cancelled"
        service = context.call("ecs", "DescribeServices", services=[arn], **({"cluster": cluster} if cluster else {}))[
            "services"
        ][0]
        primary = service["deployments"][0]
        failed_launches.reason = failed_launches.reason or _failure(service, deployment)  # its event is not kept for ever
        if failed_launches.reason is not None:
            return failed_launches.reason if failed_launches.is_hopeless(HOPELESS) else None  # a client can see it for a moment
        is_stuck = any(STUCK in event["message"] for event in service["events"][:1])
        if failed_launches.is_hopeless(primary["failedTasks"]) or is_stuck:
            return "hopeless"
        is_steady = any(e["message"].endswith("has reached a steady state.") for e in service["events"][:1])
        return "steady" if is_steady and primary["rolloutState"] == "COMPLETED" else None

    try:
        ended = waiting.until(probe, what=f"service {arn} to be steady", timeout=STEADY_TIMEOUT, interval=0.05)
    except WaitExpiredError:
        ended = "hopeless"
    if ended == "cancelled":
        raise ResourceFailedError("Resource creation cancelled", is_whole=True)
    if ended == "hopeless":
        raise ResourceFailedError(f"Service {arn} did not stabilize.", "NotStabilized")
    if ended != "steady":
        raise ResourceFailedError(ended, "GeneralServiceException")


def _update_service(context: HandlerContext, arn: str, _old: Properties, new: Properties) -> CreatedResource:
    left_out = {"ServiceName", "Tags", "LaunchType", "SchedulingStrategy", "Role"}
    request = {k: v for k, v in _as_service(new).items() if k not in left_out}
    service = _call(context, "UpdateService", "UpdateService error", {"Service": arn, **request})["service"]
    _stabilize(context, arn, new.get("Cluster"), service["deployments"][0]["id"])
    return CreatedResource(arn, {"ServiceArn": arn, "Name": service["serviceName"]})


def _delete_service(context: HandlerContext, arn: str, properties: Properties) -> None:
    cluster = properties.get("Cluster") or "default"
    try:
        context.call("ecs", "DeleteService", service=arn, cluster=cluster, force=True)
    except ResourceFailedError as failure:
        if not any(sentence in failure.message for sentence in GONE):
            raise
        return

    def is_gone() -> bool:
        if context.account.closing.is_set():
            return True
        described = context.call("ecs", "DescribeServices", services=[arn], cluster=cluster)["services"]
        return all(service["status"] == "INACTIVE" for service in described)

    waiting.until(is_gone, what=f"service {arn} to drain", timeout=STEADY_TIMEOUT, interval=0.05)


def _associate(context: HandlerContext, properties: Properties) -> CreatedResource:
    _call(context, "PutClusterCapacityProviders", "Put Cluster Capacity Providers", properties)
    return CreatedResource(str(properties["Cluster"]))


def _reassociate(context: HandlerContext, cluster: str, _old: Properties, new: Properties) -> CreatedResource:
    _call(context, "PutClusterCapacityProviders", "Put Cluster Capacity Providers", new)
    return CreatedResource(cluster)


def _dissociate(context: HandlerContext, cluster: str, _properties: Properties) -> None:
    context.call(
        "ecs", "PutClusterCapacityProviders", cluster=cluster, capacityProviders=[], defaultCapacityProviderStrategy=[]
    )


def _read_cluster(context: HandlerContext, name: str, _properties: Properties) -> Response:
    include = ["SETTINGS", "CONFIGURATIONS", "TAGS"]
    cluster = context.call("ecs", "DescribeClusters", clusters=[name], include=include)["clusters"][0]
    if cluster["status"] == "INACTIVE":  # deleted, and its name is free
        return {}
    return {**cluster, "ClusterSettings": cluster.get("settings"), "Tags": _pairs(cluster)}


def _pairs(response: Response) -> list[dict[str, str]]:
    return [{"Key": tag["key"], "Value": tag["value"]} for tag in response.get("tags") or []]


def _read_definition(context: HandlerContext, arn: str, properties: Properties) -> Response:
    response = context.call("ecs", "DescribeTaskDefinition", taskDefinition=arn, include=["TAGS"])
    definition = response["taskDefinition"]
    equal_sizes = {
        name: properties[name]
        for name, word in (("Cpu", "vcpu"), ("Memory", "gb"))
        if name in properties and str(fargate_sizes.units(str(properties[name]), word)) == definition.get(name.lower())
    }
    roles = {
        name: properties[name]
        for name, key in (("ExecutionRoleArn", "executionRoleArn"), ("TaskRoleArn", "taskRoleArn"))
        if name in properties and str(definition.get(key, "")).endswith(f"/{properties[name]}")
    }
    members = {
        key: value for key, value in definition.items() if key not in {"cpu", "memory", *(_lower(n) for n in roles)}
    }
    sizes = {"Cpu": definition.get("cpu"), "Memory": definition.get("memory")}
    return {**members, **sizes, **equal_sizes, **roles, "Tags": _pairs(response)}


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]


def _read_service(context: HandlerContext, arn: str, properties: Properties) -> Response:
    request = {"cluster": properties["Cluster"]} if properties.get("Cluster") else {}
    service = context.call("ecs", "DescribeServices", services=[arn], include=["TAGS"], **request)["services"][0]
    is_same_cluster = service["clusterArn"] == properties.get("Cluster") or service["clusterArn"].endswith(
        f"/{properties.get('Cluster')}"
    )
    revision = service.get("taskDefinition") or ""  # none with the EXTERNAL deployment controller
    is_short = str(properties.get("TaskDefinition", "")) in {revision.rpartition("/")[2], _family(revision)}
    return {
        **service,
        "Cluster": properties.get("Cluster") if is_same_cluster else service["clusterArn"],
        "TaskDefinition": properties["TaskDefinition"] if is_short and revision else revision or None,
        "PlacementStrategies": service.get("placementStrategy"),
        "ServiceConnectConfiguration": _primary(service).get("serviceConnectConfiguration"),
        "VolumeConfigurations": _primary(service).get("volumeConfigurations"),
        "Tags": _pairs(service),
    }


def _family(arn: str) -> str:
    return arn.rpartition("/")[2].partition(":")[0]


def _primary(service: Response) -> Response:
    return next(iter(service.get("deployments") or []), {})


def _read_association(context: HandlerContext, cluster: str, properties: Properties) -> Response:
    description = context.call("ecs", "DescribeClusters", clusters=[cluster])["clusters"][0]
    return {
        **description,
        "Cluster": properties["Cluster"] if description["clusterName"] in str(properties["Cluster"]) else None,
    }


TYPES = {
    "AWS::ECS::Cluster": Handler(
        _create_cluster, deleter("ecs", "DeleteCluster", "cluster"), _update_cluster, _read_cluster
    ),
    "AWS::ECS::ClusterCapacityProviderAssociations": Handler(_associate, _dissociate, _reassociate, _read_association),
    "AWS::ECS::TaskDefinition": Handler(
        _create_definition,
        deleter("ecs", "DeregisterTaskDefinition", "taskDefinition"),
        _update_definition,
        _read_definition,
    ),
    "AWS::ECS::Service": Handler(_create_service, _delete_service, _update_service, _read_service),
}
