"""What RegisterTaskDefinition refuses: API dicts in, AWS's sentence out. Pure.

The rules are in the modules beside this one, a noun each; this one knows their order, of which AWS documents little:
the memory of containers comes before the task's size, and the execution role and the ports before the network mode.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from preflight.aws import fargate_sizes
from preflight.rehearsal.ecs.validation import (
    Request,
    container_order,
    container_resources,
    environment,
    health_checks,
    linux_parameters,
    log_configuration,
    names,
    port_mappings,
    proxy_configuration,
    roles,
    runtime_platform,
    volumes,
)

ECR_IMAGE = roles.ECR_IMAGE
NOT_WITH_AWSVPC = {
    "links": "Links are not supported when networkMode=awsvpc",
    "disableNetworking": "Disable Networking is not supported on container when networkMode=awsvpc",
    "dnsServers": "DNS servers are not supported on container when networkMode=awsvpc",
    "dnsSearchDomains": "DNS search domains are not supported on container when networkMode=awsvpc",
    "hostname": "Hostname is not supported on container when networkMode=awsvpc",
    "extraHosts": "Extra hosts are not supported on container when networkMode=awsvpc",
}
NOT_ON_FARGATE = {
    "ipcMode": "Fargate compatible task definitions do not support ipcMode",
    "placementConstraints": "Fargate compatible task definitions do not support constraints",
    "trustedExecutionConfiguration": "Fargate compatible task definitions do not support trustedExecutionConfiguration",
}


def refusal(request: Request) -> str | None:
    """The first thing that is wrong with a task definition, as AWS says it; None where nothing is."""
    return next(_refusals(request), None)


def is_fargate(request: Request) -> bool:
    """Whether the definition has to be one that Fargate can run."""
    return "FARGATE" in (request.get("requiresCompatibilities") or [])


def compatibilities(request: Request) -> list[str]:
    """The launch types that a definition which was taken is good for."""
    on_fargate = {**request, "requiresCompatibilities": ["FARGATE"]}
    return ["EC2"] if refusal(on_fargate) else ["EC2", "FARGATE"]


def _refusals(request: Request) -> Iterator[str]:
    containers = request.get("containerDefinitions") or []
    on_fargate = is_fargate(request)
    yield from names.size(request)
    yield from names.family(request)
    yield from names.containers(containers)
    yield from container_resources.per_container(request, containers)
    yield from roles.refusals(request, containers, is_on_fargate=on_fargate)
    yield from port_mappings.refusals(request, containers)
    if on_fargate and (request.get("networkMode") or "bridge") != "awsvpc":
        yield "Fargate only supports network mode ‘awsvpc’."  # noqa: RUF001 - as AWS writes it
    yield from fargate_sizes.on_fargate(request) if on_fargate else fargate_sizes.on_ec2(request)
    yield from container_resources.sum_of_containers(request, containers)
    for container in containers:
        yield from _container(request, container, is_on_fargate=on_fargate)
    yield from container_order.dependencies(containers)
    yield from _task(request, containers, is_on_fargate=on_fargate)
    yield from volumes.refusals(request, containers, is_on_fargate=on_fargate)
    yield from log_configuration.firelens(containers, is_on_fargate=on_fargate)
    yield from proxy_configuration.refusals(request, containers)


def _container(request: Request, container: Request, *, is_on_fargate: bool) -> Iterator[str]:
    if request.get("networkMode") == "awsvpc":
        yield from (message for key, message in NOT_WITH_AWSVPC.items() if container.get(key))
    yield from health_checks.refusals(container)
    yield from log_configuration.refusals(container.get("logConfiguration") or {}, is_on_fargate=is_on_fargate)
    yield from environment.refusals(container, is_on_fargate=is_on_fargate)
    yield from container_order.restarts(container)
    yield from _resources(container)
    if is_on_fargate:
        yield from linux_parameters.on_fargate(container)
        yield from container_order.timeouts(container)
    yield from linux_parameters.refusals(request, container)


def _resources(container: Request) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ResourceRequirement.html."""
    for resource in container.get("resourceRequirements") or []:
        is_shared = resource.get("sharingStrategy") is not None
        if is_shared == (resource.get("value") is not None):
            yield "Specify either value or sharingStrategy for a resource requirement, and only one of them."
        if is_shared and resource.get("type") != "GPU":
            yield "Specify a sharingStrategy only when the type of the resource requirement is GPU."
        if resource.get("type") == "NeuronDevice" and resource.get("value") != "ALL":
            yield "The value of a NeuronDevice resource requirement must be ALL."


def _task(request: Request, containers: Sequence[Request], *, is_on_fargate: bool) -> Iterator[str]:
    if request.get("inferenceAccelerators"):
        yield "Unsupported field 'inferenceAccelerators'"
    if len(request.get("placementConstraints") or []) > 10:
        yield "A task definition can have at most 10 placement constraints."
    if is_on_fargate:
        yield from (message for key, message in NOT_ON_FARGATE.items() if request.get(key))
        yield from runtime_platform.refusals(request, containers)
    elif request.get("ephemeralStorage"):
        yield "Tasks using the EC2 launch type do not support EphemeralStorage"
    yield from storage(request)


def storage(request: Request) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_EphemeralStorage.html."""
    size = (request.get("ephemeralStorage") or {}).get("sizeInGiB")
    if size is not None and size < 21:
        yield "EphemeralStorage size should be at least 21"
    if size is not None and size > 200:
        yield "EphemeralStorage size should be at most 200"
