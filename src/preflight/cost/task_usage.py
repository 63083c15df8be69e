"""The tasks that the services of an estate keep running on Fargate, as what is billed for them. Pure.

Sources: https://aws.amazon.com/fargate/pricing/,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-service.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from preflight.aws import fargate_sizes
from preflight.cost import billing_units, capacity_providers
from preflight.cost.billing_units import Amount
from preflight.cost.capacity_providers import Shares
from preflight.plan.cross_stack_references import ReferencedResource, ReferenceTracer, UnknownError
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.templates import intrinsic_functions

SERVICE = "AWS::ECS::Service"
DEFINITION = "AWS::ECS::TaskDefinition"
CLUSTER = "AWS::ECS::Cluster"
ASSOCIATION = "AWS::ECS::ClusterCapacityProviderAssociations"
FREE_STORAGE = 20  # GB that come with each task
Given = Mapping[str, Any]
Entry = Amount | str  # an amount, or what is not known


class TaskCosts:
    """The services of an estate."""

    def __init__(self, every: ResolvedStacks) -> None:
        self._estate = every
        self._tracer = ReferenceTracer(every)

    def entries(self, document: ResolvedTemplate) -> Iterator[Entry]:
        """What the services of one document cost, and what of it is not known."""
        for logical, properties in document.of_type(SERVICE):
            for entry in self._service(document, properties):
                yield entry if isinstance(entry, Amount) else with_location(document, logical, entry)

    def _service(self, document: ResolvedTemplate, properties: Given) -> Iterator[Entry]:
        count = fargate_sizes.number_of(properties.get("DesiredCount", 1))
        if count is None:
            yield "its DesiredCount is not known; one task is counted"
        shares, doubts = self._shares(document, properties, 1 if count is None else count)
        yield from doubts
        for provider in (capacity_providers.FARGATE, capacity_providers.SPOT):
            if shares.get(provider):
                yield from self._tasks(document, properties, shares[provider], is_spot=provider == capacity_providers.SPOT)

    def _shares(self, document: ResolvedTemplate, properties: Given, count: int) -> Shares:
        """How many tasks run on which capacity, by launch type, strategy, or what their cluster says."""
        launch, strategy = properties.get("LaunchType"), properties.get("CapacityProviderStrategy")
        if launch is None and strategy is None:
            try:
                strategy = self._default_strategy(document, properties.get("Cluster"))
            except UnknownError:
                return capacity_providers.unknown("the capacity provider strategy of its cluster", count)
        if strategy is not None:
            return capacity_providers.shares(strategy, count)
        if isinstance(launch, str):
            return {launch: count}, []
        return capacity_providers.unknown("its LaunchType", count)

    def _default_strategy(self, document: ResolvedTemplate, value: Any) -> Any:
        """The strategy of a cluster; one of EC2, which nothing of this counts, where it has none.

        Raises:
            UnknownError: it is none of the estate's clusters.
        """
        cluster = self._found(document, value, CLUSTER, "ClusterName")
        strategies = [cluster.properties.get("DefaultCapacityProviderStrategy")]
        for other in self._estate.documents:
            for _, properties in other.of_type(ASSOCIATION):
                if self._is_same(other, properties.get("Cluster"), cluster):
                    strategies.append(properties.get("DefaultCapacityProviderStrategy"))
        return next((strategy for strategy in strategies if strategy), [{"CapacityProvider": "EC2", "Weight": 1}])

    def _is_same(self, document: ResolvedTemplate, value: Any, cluster: ReferencedResource) -> bool:
        try:
            return self._tracer.one(document, value).is_same(cluster)
        except UnknownError:
            return isinstance(value, str) and value == cluster.properties.get("ClusterName")

    def _found(self, document: ResolvedTemplate, value: Any, kind: str, key: str) -> ReferencedResource:
        """The resource of a type that a value refers to, or that has this text as its name.

        Raises:
            UnknownError: it is none of the estate.
        """
        if isinstance(value, str):
            return self._named(kind, key, value)
        resource = self._tracer.one(document, value)
        if resource.kind != kind:
            raise UnknownError
        return resource

    def _named(self, kind: str, key: str, name: str) -> ReferencedResource:
        for document in self._estate.documents:
            for logical, properties in document.of_type(kind):
                if properties.get(key) == name.rpartition("/")[2].partition(":")[0]:  # or an ARN, or with its revision
                    return ReferencedResource(document, logical)
        raise UnknownError

    def _tasks(self, document: ResolvedTemplate, properties: Given, count: int, *, is_spot: bool) -> Iterator[Entry]:
        yield from _addresses(properties, count)
        try:
            definition = self._found(document, properties.get("TaskDefinition"), DEFINITION, "Family").properties
        except UnknownError:
            yield "the task definition of its tasks is not in the plan, so their size is not counted"
            return
        yield from _size(definition, count, is_spot=is_spot)


def with_location(document: ResolvedTemplate, logical: str, message: str) -> str:
    """What is not known of a resource, with its place."""
    return f"{document.name}:{document.line('Resources', logical)}: {logical}: {message}"


def _addresses(properties: Given, count: int) -> Iterator[Entry]:
    """Public addresses of tasks: without a word about it, services give them none."""
    network = properties.get("NetworkConfiguration")
    inner = network.get("AwsvpcConfiguration") if isinstance(network, dict) else None
    public = inner.get("AssignPublicIp", "DISABLED") if isinstance(inner, dict) else None
    if public == "ENABLED":
        yield Amount(billing_units.ADDRESS, Decimal(count))
    elif network is not None and public != "DISABLED":
        yield "whether its tasks have public addresses is not known; none is counted"


def _size(definition: Given, count: int, *, is_spot: bool) -> Iterator[Entry]:
    kind, doubts = _platform(definition)
    yield from doubts
    for key, unit, sort in (("Cpu", "vcpu", billing_units.VCPU), ("Memory", "gb", billing_units.MEMORY)):
        size = fargate_sizes.size_of(definition.get(key), unit)
        if size is None:
            yield f"{key} of its tasks is not known, and not counted"
        else:
            yield Amount(sort[kind, is_spot and kind != billing_units.WINDOWS], Decimal(size) / 1024 * count)
    yield from _storage(definition, count)


def _platform(definition: Given) -> tuple[str, list[str]]:
    """The platform by which tasks are billed; without a word about it, X86_64 on Linux."""
    platform = definition.get("RuntimePlatform", {})
    is_known = isinstance(platform, dict) and not intrinsic_functions.is_kept(platform)
    family = platform.get("OperatingSystemFamily", "LINUX") if is_known else None
    architecture = platform.get("CpuArchitecture", billing_units.X86) if is_known else None
    if isinstance(family, str) and family.startswith("WINDOWS"):
        return billing_units.WINDOWS, []
    if isinstance(family, str) and isinstance(architecture, str):
        return (billing_units.ARM if architecture == billing_units.ARM else billing_units.X86), []
    return billing_units.X86, ["the platform of its tasks is not known; X86_64 on Linux is counted"]


def _storage(definition: Given, count: int) -> Iterator[Entry]:
    storage = definition.get("EphemeralStorage")
    if storage is None:
        return
    size = fargate_sizes.number_of(storage.get("SizeInGiB")) if isinstance(storage, dict) else None
    if size is None:
        yield "EphemeralStorage of its tasks is not known, and not counted"
    elif size > FREE_STORAGE:
        yield Amount(billing_units.STORAGE, Decimal(size - FREE_STORAGE) * count)
