"""Services and task definitions that run on container instances: they are left out, not checked against Fargate's rules.

A service of launch type EC2 is one only if something provides container instances for it. Without them its
tasks are never placed, which is a mistake that the rules report.
Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/launch_types.html. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from preflight.aws import fargate_sizes, unresolved
from preflight.plan import resolved_stacks
from preflight.plan.cross_stack_references import ReferencedResource, ReferenceTracer
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.templates import intrinsic_functions, references

ASSOCIATIONS = "AWS::ECS::ClusterCapacityProviderAssociations"
DEFINITION, SERVICE = "AWS::ECS::TaskDefinition", "AWS::ECS::Service"
INSTANCES = frozenset(
    {"AWS::AutoScaling::AutoScalingGroup", "AWS::EC2::Instance", "AWS::EC2::SpotFleet", "AWS::ECS::CapacityProvider"}
)
ON_FARGATE = frozenset({"FARGATE", "FARGATE_SPOT"})


def left_out(stacks: ResolvedStacks) -> Mapping[ResolvedTemplate, frozenset[str]]:
    """Returns the logical ids of the services and task definitions of each document that run on container instances."""
    workloads = _Workloads(stacks)
    names_by_document = {document: frozenset(workloads.of(document)) for document in stacks.documents}
    return {document: names for document, names in names_by_document.items() if names}


@dataclass(frozen=True)
class _Strategy:
    """A capacity provider strategy: whether it names providers, whether one may be Fargate's, and whether one is by its name."""

    has_providers: bool
    may_be_fargate: bool
    has_fargate: bool


@dataclass(frozen=True)
class _Cluster:
    """The capacity providers of a cluster: its default strategy, and whether one is for container instances."""

    default: _Strategy
    has_instances: bool


class _Workloads:
    def __init__(self, stacks: ResolvedStacks) -> None:
        self._stacks = stacks
        self._tracer = ReferenceTracer(stacks)
        types = {str(resource.get("Type")) for document in stacks.documents for resource in document.resources.values()}
        self._has_instances = bool(types & INSTANCES)
        self._services = [(d, name, service) for d in stacks.documents for name, service in d.of_type(SERVICE)]
        self._associations = self._by_resource(ASSOCIATIONS, "Cluster")
        self._clusters: dict[tuple[ResolvedTemplate, str], _Cluster] = {}
        self._users = self._by_resource(SERVICE, "TaskDefinition")
        self._on_instances = {(d, name) for d, name, service in self._services if self._is_on_instances(d, service)}

    def of(self, document: ResolvedTemplate) -> Iterator[str]:
        yield from (name for other, name in self._on_instances if other is document)
        for name, definition in document.of_type(DEFINITION):
            if self._is_for_instances(ReferencedResource(document, name), definition):
                yield name

    def _by_resource(self, kind: str, key: str) -> Mapping[tuple[ResolvedTemplate, str], Sequence[tuple[ResolvedTemplate, str]]]:
        """Returns the resources of a type, each as its document and logical id, by the resource that a property leads to."""
        resources: dict[tuple[ResolvedTemplate, str], list[tuple[ResolvedTemplate, str]]] = {}
        for document in self._stacks.documents:
            for name, properties in document.of_type(kind):
                target = self._tracer.find(document, properties.get(key))
                if target is not None:
                    resources.setdefault((target.document, target.logical), []).append((document, name))
        return resources

    def _is_on_instances(self, document: ResolvedTemplate, service: Mapping[str, Any]) -> bool:
        launch_type = service.get("LaunchType")
        if launch_type == "EXTERNAL":
            return True
        if launch_type == "EC2":
            return self._has_instances or self._is_elsewhere(document, service.get("Cluster"))
        if launch_type is not None:
            return False
        own = self._strategy((document, provider) for provider in _providers(service.get("CapacityProviderStrategy")))
        strategy = own if own.has_providers else self._cluster(document, service.get("Cluster")).default
        if not strategy.has_providers:
            return self._may_have_instances(document, service.get("Cluster")) and self._is_for_ec2(document, service)
        if self._has_instances and not strategy.may_be_fargate:
            return True
        may_have_instances = self._has_instances or self._is_elsewhere(document, service.get("Cluster"))
        return may_have_instances and self._is_for_ec2(document, service) and not strategy.has_fargate

    def _is_for_ec2(self, document: ResolvedTemplate, service: Mapping[str, Any]) -> bool:
        """Whether the task definition of a service says that it is not for Fargate, or has nothing that Fargate needs."""
        definition = self._tracer.find(document, service.get("TaskDefinition"))
        return definition is not None and (
            definition.properties.get("RequiresCompatibilities") == ["EC2"] or _has_nothing_of_fargate(definition.properties)
        )

    def _is_elsewhere(self, document: ResolvedTemplate, cluster: Any) -> bool:
        """Whether a cluster comes from outside of the templates."""
        return unresolved.function_of(cluster) is not None and self._tracer.find(document, cluster) is None

    def _may_have_instances(self, document: ResolvedTemplate, cluster: Any) -> bool:
        """Whether a cluster comes from outside of the templates, or has a capacity provider that is none of Fargate's."""
        return self._is_elsewhere(document, cluster) or self._cluster(document, cluster).has_instances

    def _may_be_fargate(self, document: ResolvedTemplate, provider: Any) -> bool:
        """Whether a provider is Fargate's, or is not known."""
        if isinstance(provider, str):
            return provider in ON_FARGATE
        resource = self._tracer.find(document, provider)
        return resource is None or resource.kind != "AWS::ECS::CapacityProvider"

    def _strategy(self, providers: Iterable[tuple[ResolvedTemplate, Any]]) -> _Strategy:
        named = list(providers)
        of_fargate = [provider for holder, provider in named if self._may_be_fargate(holder, provider)]
        return _Strategy(bool(named), bool(of_fargate), any(isinstance(provider, str) for provider in of_fargate))

    def _cluster(self, document: ResolvedTemplate, cluster: Any) -> _Cluster:
        """Returns the capacity providers of a cluster, worked out once for all of its services; none if it is not known."""
        resource = self._tracer.find(document, cluster)
        if resource is None:
            return _Cluster(self._strategy(()), has_instances=False)
        key = resource.document, resource.logical
        if key not in self._clusters:
            settings = list(self._settings(resource))
            defaults = ((holder, provider) for holder, properties in settings for provider in _providers(properties.get("DefaultCapacityProviderStrategy")))
            every = ((holder, provider) for holder, properties in settings for provider in _list(properties.get("CapacityProviders")))
            has_instances = not all(self._may_be_fargate(holder, provider) for holder, provider in every)
            self._clusters[key] = _Cluster(self._strategy(defaults), has_instances)
        return self._clusters[key]

    def _settings(self, cluster: ReferencedResource) -> Iterator[tuple[ResolvedTemplate, Mapping[str, Any]]]:
        """Yields the properties of a cluster and of its associations, each with the document that has them."""
        yield cluster.document, cluster.properties
        for document, name in self._associations.get((cluster.document, cluster.logical), ()):
            yield document, resolved_stacks.properties(document.resources[name])

    def _is_for_instances(self, definition: ReferencedResource, properties: Mapping[str, Any]) -> bool:
        """Whether a task definition is not for Fargate, and no service on Fargate uses it."""
        launch_types = properties.get("RequiresCompatibilities")
        is_known = isinstance(launch_types, list) and not intrinsic_functions.holds_kept(launch_types)
        if launch_types is not None and (not is_known or "FARGATE" in launch_types):
            return False
        users = self._users.get((definition.document, definition.logical), ())
        if not users:
            is_for_ec2 = launch_types is not None or _has_nothing_of_fargate(properties)
            return (launch_types is not None and self._has_instances) or (is_for_ec2 and not self._is_referenced(definition))
        return all(user in self._on_instances for user in users)

    def _is_referenced(self, definition: ReferencedResource) -> bool:
        """Whether the template refers to a task definition: in a resource, or in an output for other templates."""
        document = definition.document
        sections = [dict(document.resources), document.data["Outputs"]]
        return any(reference.name == definition.logical for reference in references.references_in(sections))


def _has_nothing_of_fargate(definition: Mapping[str, Any]) -> bool:
    """Whether a task definition has AWS's defaults, which are for container instances, and no size of Fargate's.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html.
    """
    if "RequiresCompatibilities" in definition or definition.get("NetworkMode") not in (None, "bridge", "host"):
        return False
    size = {key: definition.get(key.title()) for key in fargate_sizes.UNITS}
    return not any(isinstance(value, dict) for value in size.values()) and any(fargate_sizes.on_fargate(size))


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _providers(strategy: Any) -> Iterator[Any]:
    for item in _list(strategy):
        if isinstance(item, dict) and "CapacityProvider" in item:
            yield item["CapacityProvider"]
