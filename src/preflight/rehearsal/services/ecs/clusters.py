"""Clusters of ECS, and the capacity providers associated with them."""

from __future__ import annotations

from typing import Any

from preflight.rehearsal import protocol
from preflight.rehearsal.services.ecs import state as states

FARGATE_PROVIDERS = ("FARGATE", "FARGATE_SPOT")
NOT_ASSOCIATED = (
    "The specified capacity provider strategy cannot contain a capacity provider that is not "
    "associated with the cluster. Associate the capacity provider with the cluster and try again."
)


class Clusters:
    """The operations on clusters."""

    def __init__(self, state: states.State) -> None:
        self._state = state

    def create(self, call: protocol.Call) -> dict[str, Any]:
        """CreateCluster."""
        name = call.given.get("clusterName") or "default"
        self._check_providers(call.given)
        cluster = self._state.clusters.get((call.region, name))
        if cluster is None or cluster.status != "ACTIVE":
            arn = self._state.arn(call.region, f"cluster/{name}")
            cluster = states.Cluster(name, arn, dict(call.given))
            self._state.clusters[(call.region, name)] = cluster
        return {"cluster": self.shown(cluster)}

    def describe(self, call: protocol.Call) -> dict[str, Any]:
        """DescribeClusters."""
        names = call.given.get("clusters") or ["default"]
        found, failures = [], []
        for name in names:
            cluster = self._state.clusters.get((call.region, name.rpartition("/")[2]))
            if cluster is None:
                failures.append({"arn": name, "reason": "MISSING"})
            else:
                found.append(self.shown(cluster))
        return {"clusters": found, "failures": failures}

    def list_all(self, call: protocol.Call) -> dict[str, Any]:
        """ListClusters."""
        arns = [
            c.arn for (region, _), c in self._state.clusters.items() if region == call.region and c.status == "ACTIVE"
        ]
        return {"clusterArns": arns}

    def update(self, call: protocol.Call) -> dict[str, Any]:
        """UpdateCluster, UpdateClusterSettings and PutClusterCapacityProviders."""
        cluster = self._state.cluster(call.region, call.given["cluster"])
        changed = {key: value for key, value in call.given.items() if key != "cluster"}
        self._check_providers({**cluster.given, **changed})
        cluster.given.update(changed)
        return {"cluster": self.shown(cluster)}

    def delete(self, call: protocol.Call) -> dict[str, Any]:
        """DeleteCluster."""
        cluster = self._state.cluster(call.region, call.given["cluster"])
        if any(s.cluster is cluster and s.status == "ACTIVE" for s in self._state.services.values()):
            msg = "The Cluster cannot be deleted while Services are active."
            raise protocol.Refusal("ClusterContainsServicesException", msg)
        if any(t.cluster is cluster and t.status != "STOPPED" for t in self._state.tasks.values()):
            msg = "The Cluster cannot be deleted while Tasks are active."
            raise protocol.Refusal("ClusterContainsTasksException", msg)
        cluster.status = "INACTIVE"
        return {"cluster": self.shown(cluster)}

    @staticmethod
    def _check_providers(given: dict[str, Any]) -> None:
        providers = given.get("capacityProviders") or []
        for name in providers:
            if name not in FARGATE_PROVIDERS:
                msg = f"The specified capacity provider '{name}' was not found. Specify a valid name or ARN and try again."
                raise protocol.Refusal("InvalidParameterException", msg)
        check_strategy(given.get("defaultCapacityProviderStrategy") or [], providers)

    def shown(self, cluster: states.Cluster) -> dict[str, Any]:
        """The cluster as the API shows it."""
        services = [s for s in self._state.services.values() if s.cluster is cluster and s.status == "ACTIVE"]
        statuses = [t.status for t in self._state.tasks.values() if t.cluster is cluster]
        running = statuses.count("RUNNING")
        return {
            **cluster.given,
            "clusterName": cluster.name,
            "clusterArn": cluster.arn,
            "status": cluster.status,
            "registeredContainerInstancesCount": 0,
            "activeServicesCount": len(services),
            "runningTasksCount": running,
            "pendingTasksCount": len(statuses) - running - statuses.count("STOPPED"),
        }


def check_strategy(strategy: list[dict[str, Any]], providers: list[str]) -> None:
    """Hold a capacity provider strategy against the providers of its cluster.

    Raises:
        Refusal: in AWS's words.
    """
    if any(item["capacityProvider"] not in providers for item in strategy):
        raise protocol.Refusal("InvalidParameterException", NOT_ASSOCIATED)
    if sum(1 for item in strategy if item.get("base")) > 1:
        msg = "There are multiple capacity providers in the specified capacity provider strategy with a base value defined"
        raise protocol.Refusal("InvalidParameterException", msg)
    if strategy and not any(item.get("weight", 1) or item.get("base") for item in strategy):
        msg = "The specified capacity provider strategy must have at least one capacity provider with a weight greater than zero."
        raise protocol.Refusal("InvalidParameterException", msg)
