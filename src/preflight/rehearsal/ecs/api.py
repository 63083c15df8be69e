"""The ECS API: which operation is answered by whom."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.model import JsonObject
from preflight.rehearsal.ecs.account_checks import Checks
from preflight.rehearsal.ecs.clusters import Clusters
from preflight.rehearsal.ecs.services import Services
from preflight.rehearsal.ecs.state import State
from preflight.rehearsal.ecs.task_definitions import Definitions
from preflight.rehearsal.ecs.tasks import Launch, Stop, Tasks
from preflight.rehearsal.protocol import Call, Operation


def operations(state: State, *, launch: Launch, stop: Stop) -> Mapping[str, Operation]:
    """Every operation that is modelled, by its name."""
    checks = Checks(state.account)
    cluster = Clusters(state)
    definition = Definitions(state)
    service = Services(state, checks)
    task = Tasks(state, checks, launch=launch, stop=stop)
    tags = Tags(state)
    return {
        "CreateCluster": cluster.create,
        "DescribeClusters": cluster.describe,
        "ListClusters": cluster.list_all,
        "UpdateCluster": cluster.update,
        "UpdateClusterSettings": cluster.update,
        "PutClusterCapacityProviders": cluster.update,
        "DeleteCluster": cluster.delete,
        "RegisterTaskDefinition": definition.register,
        "DescribeTaskDefinition": definition.describe,
        "DeregisterTaskDefinition": definition.deregister,
        "DeleteTaskDefinitions": definition.delete,
        "ListTaskDefinitions": definition.list_all,
        "CreateService": service.create,
        "UpdateService": service.update,
        "DeleteService": service.delete,
        "DescribeServices": service.describe,
        "ListServices": service.list_all,
        "RunTask": task.run,
        "StopTask": task.stop,
        "DescribeTasks": task.describe,
        "ListTasks": task.list_all,
        "TagResource": tags.add,
        "UntagResource": tags.remove,
        "ListTagsForResource": tags.list,
    }


class Tags:
    """Tags of ECS resources, by ARN."""

    def __init__(self, state: State) -> None:
        self._state = state

    def add(self, call: Call) -> JsonObject:
        """TagResource."""
        new = {tag["key"]: tag for tag in call.parameters["tags"]}
        others = [t for t in self._state.tags.get(call.parameters["resourceArn"], []) if t["key"] not in new]
        self._state.tags[call.parameters["resourceArn"]] = [*others, *new.values()]
        return {}

    def remove(self, call: Call) -> JsonObject:
        """UntagResource."""
        arn = call.parameters["resourceArn"]
        self._state.tags[arn] = [t for t in self._state.tags.get(arn, []) if t["key"] not in call.parameters["tagKeys"]]
        return {}

    def list(self, call: Call) -> JsonObject:
        """ListTagsForResource."""
        return {"tags": self._state.tags.get(call.parameters["resourceArn"], [])}
