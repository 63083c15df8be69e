"""Clusters of ECS, and the capacity providers associated with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from preflight.model import JsonObject
from preflight.rehearsal.ecs import pagination, request_checks, service_discovery, service_linked_role
from preflight.rehearsal.ecs.state import Cluster, State
from preflight.rehearsal.ecs.validation import capacity, names
from preflight.rehearsal.protocol import Call, Refusal

IN_USE = "The specified capacity provider is in use and cannot be removed."
INSIGHTS = ("enhanced", "enabled", "disabled")


class Clusters:
    """The operations on clusters."""

    def __init__(self, state: State) -> None:
        self._state = state

    def create(self, call: Call) -> JsonObject:
        """CreateCluster."""
        request_checks.check(call)
        name = call.parameters.get("clusterName") or "default"
        request_checks.refuse(_refusals(call.parameters, self._state.instances.is_provider))
        service_linked_role.ensure(self._state, call.region)
        cluster = self._state.clusters.get((call.region, name))
        if cluster is None or cluster.status != "ACTIVE":
            service_discovery.ensure_namespace(self._state.account, call.parameters, call.region)
            arn = self._state.arn(call.region, f"cluster/{name}")
            cluster = Cluster(name, arn, dict(call.parameters))
            self._state.clusters[(call.region, name)] = cluster
            self._state.tags[arn] = cluster.request.pop("tags", None) or []
        return {"cluster": self.shown(cluster)}

    def describe(self, call: Call) -> JsonObject:
        """DescribeClusters."""
        names = call.parameters.get("clusters") or ["default"]
        clusters, failures = [], []
        for name in names:
            cluster = self._state.clusters.get((call.region, name.rpartition("/")[2]))
            if cluster is None:
                failures.append({"arn": name, "reason": "MISSING"})
            else:
                clusters.append(self.shown(cluster))
        return {"clusters": clusters, "failures": failures}

    def list_all(self, call: Call) -> JsonObject:
        """ListClusters."""
        arns = [
            c.arn for (region, _), c in self._state.clusters.items() if region == call.region and c.status == "ACTIVE"
        ]
        return pagination.page("clusterArns", arns, call)

    def update(self, call: Call) -> JsonObject:
        """UpdateCluster, UpdateClusterSettings and PutClusterCapacityProviders."""
        request_checks.check(call)
        cluster = self._state.cluster(call.region, call.parameters["cluster"])
        changed = {key: value for key, value in call.parameters.items() if key != "cluster"}
        request_checks.refuse(_refusals({**cluster.request, **changed}, self._state.instances.is_provider))
        if "capacityProviders" in changed:
            self._check_free(cluster, changed["capacityProviders"])
        service_discovery.ensure_namespace(self._state.account, changed, call.region)
        cluster.request.update(changed)
        return {"cluster": self.shown(cluster)}

    def _check_free(self, cluster: Cluster, providers: list[str]) -> None:
        """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PutClusterCapacityProviders.html."""
        for service in list(self._state.services.values()):
            items = service.request.get("capacityProviderStrategy") or []
            is_active = service.cluster is cluster and service.status == "ACTIVE"
            if is_active and any(item["capacityProvider"] not in providers for item in items):
                raise Refusal("ResourceInUseException", IN_USE)

    def delete(self, call: Call) -> JsonObject:
        """DeleteCluster."""
        cluster = self._state.cluster(call.region, call.parameters["cluster"])
        if any(s.cluster is cluster and s.status == "ACTIVE" for s in list(self._state.services.values())):
            msg = "The Cluster cannot be deleted while Services are active."
            raise Refusal("ClusterContainsServicesException", msg)
        if any(t.cluster is cluster and t.status != "STOPPED" for t in list(self._state.tasks.values())):
            msg = "The Cluster cannot be deleted while Tasks are active."
            raise Refusal("ClusterContainsTasksException", msg)
        cluster.status = "INACTIVE"
        return {"cluster": self.shown(cluster)}

    def shown(self, cluster: Cluster) -> JsonObject:
        """The cluster as the API shows it."""
        services = [s for s in list(self._state.services.values()) if s.cluster is cluster and s.status == "ACTIVE"]
        statuses = [t.status for t in list(self._state.tasks.values()) if t.cluster is cluster]
        running = statuses.count("RUNNING")
        return {
            **cluster.request,
            "clusterName": cluster.name,
            "clusterArn": cluster.arn,
            "tags": self._state.tags.get(cluster.arn, []),
            "status": cluster.status,
            "registeredContainerInstancesCount": 0,
            "activeServicesCount": len(services),
            "runningTasksCount": running,
            "pendingTasksCount": len(statuses) - running - statuses.count("STOPPED"),
        }


def _refusals(request: JsonObject, is_provider: Callable[[str], bool]) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html, member by member."""
    name = request.get("clusterName")
    if name is not None and not names.NAME.fullmatch(name):
        yield f"The cluster name {names.SAID_OF_NAMES}"
    for setting in request.get("settings") or []:
        if setting.get("value") not in INSIGHTS:
            yield f"Invalid value for {setting.get('name')}: {setting.get('value')}. Must be one of [{', '.join(INSIGHTS)}]"
    yield from _logging((request.get("configuration") or {}).get("executeCommandConfiguration") or {})
    providers = request.get("capacityProviders") or []
    for provider in providers:
        if provider not in capacity.FARGATE_PROVIDERS and not is_provider(provider):
            yield f"The specified capacity provider '{provider}' was not found. Specify a valid name or ARN and try again."
    yield from capacity.strategy(request.get("defaultCapacityProviderStrategy") or [], providers)


def _logging(request: JsonObject) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ExecuteCommandConfiguration.html."""
    log = request.get("logConfiguration") or {}
    if request.get("logging") == "OVERRIDE" and not (log.get("cloudWatchLogGroupName") or log.get("s3BucketName")):
        yield "A CloudWatch log group name or S3 bucket name must be specified when overriding the default log configuration"
    if log and request.get("logging") != "OVERRIDE":
        yield "You must set logging to 'OVERRIDE' when you supply a log configuration"
