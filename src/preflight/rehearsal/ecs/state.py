"""The records of ECS in one account, and the lock that guards them."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from preflight.aws import partitions, service_load_balancers
from preflight.model import JsonObject
from preflight.rehearsal.account import Account
from preflight.rehearsal.ecs import deployment_strategy
from preflight.rehearsal.ecs.traffic_shift import TrafficShift
from preflight.rehearsal.protocol import Refusal, utc_now

MAX_EVENTS = 100


def new_id() -> str:
    """A task id: 32 hexadecimal digits."""
    return uuid.uuid4().hex


@dataclass
class Cluster:
    """A cluster; `request` is its CreateCluster or UpdateCluster request, spelt as the API spells it."""

    name: str
    arn: str
    request: JsonObject
    status: str = "ACTIVE"


@dataclass
class Definition:
    """A registered task definition, in the shape of the API."""

    arn: str
    api: JsonObject
    tags: list[dict[str, str]]

    @property
    def family(self) -> str:
        """Its family."""
        return str(self.api["family"])

    @property
    def label(self) -> str:
        """How reports call it: by family and revision."""
        return f"task definition {self.family}:{self.api['revision']}"

    @property
    def is_active(self) -> bool:
        """Whether new tasks may use it."""
        return bool(self.api["status"] == "ACTIVE")


@dataclass
class Deployment:
    """One deployment of a service. `failed` counts launches that failed in a row after all that it can depend on was there."""

    id: str
    definition: str
    request: JsonObject
    created: datetime = field(default_factory=utc_now)
    updated: datetime = field(default_factory=utc_now)
    rollout: str = "IN_PROGRESS"
    reason: str = ""
    failed: int = 0
    attempts: int = 0  # launches that failed, those included that do not count
    not_before: float = 0.0
    is_alternate: bool = False  # its tasks are registered in the alternate target groups
    shift: TrafficShift = field(default_factory=TrafficShift)

    @property
    def is_shifting(self) -> bool:
        """Whether it starts beside the former one, and traffic is shifted to it."""
        return deployment_strategy.of(self.request) != deployment_strategy.ROLLING

    def target_group(self, balancer: JsonObject) -> str | None:
        """Returns the target group in which its tasks are registered for a load balancer of its service."""
        alternate = service_load_balancers.alternate_target_group(balancer)
        return alternate if self.is_alternate and alternate else balancer.get("targetGroupArn")


@dataclass
class Service:
    """A service; the newest deployment is the first one."""

    name: str
    arn: str
    cluster: Cluster
    region: str
    request: JsonObject
    desired: int
    deployments: list[Deployment]
    created: datetime = field(default_factory=utc_now)
    status: str = "ACTIVE"
    events: list[JsonObject] = field(default_factory=list)
    is_steady: bool = False
    is_left_out: bool = False  # its tasks run on container instances

    @property
    def primary(self) -> Deployment:
        """The deployment that is to be reached."""
        return self.deployments[0]

    @property
    def production(self) -> Deployment | None:
        """The last deployment that completed: "blue", if another one is in progress."""
        return next((deployment for deployment in self.deployments if deployment.rollout == "COMPLETED"), None)

    def share(self, deployment: Deployment | None) -> float:
        """Returns the percentage of production traffic that the tasks of a deployment get, if traffic is shifted."""
        if deployment is None or deployment is not self.production:
            return deployment.shift.percent if deployment is not None else 0.0
        return 100.0 - sum(other.shift.percent for other in self.deployments if other is not deployment)

    def add_event(self, message: str, *, task_set: str | None = None) -> None:
        """Add a service event, newest first; consecutive duplicates are dropped."""
        text = f"(service {self.name}{f', taskSet {task_set}' if task_set else ''}) {message}"
        if not self.events or self.events[0]["message"] != text:
            event = {"id": str(uuid.uuid4()), "createdAt": utc_now(), "message": text}
            self.events = [event, *self.events][:MAX_EVENTS]


@dataclass
class Task:
    """A task. `api` is what DescribeTasks shows; the rest is what it takes to run it.

    `targets` is the state of its target in each target group, by ARN.
    """

    id: str
    arn: str
    region: str
    cluster: Cluster
    definition: Definition
    api: JsonObject
    network: JsonObject
    service: Service | None = None
    deployment: Deployment | None = None
    ran_since: float | None = None
    is_stopping: bool = False
    is_healthy: bool = True
    is_assumed: bool = False
    settled_once: bool = False
    targets: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """PROVISIONING, PENDING, RUNNING, ... STOPPED."""
        return str(self.api["lastStatus"])

    @property
    def is_wanted(self) -> bool:
        """Whether it is running or on its way there."""
        return bool(self.api["desiredStatus"] == "RUNNING" and self.status != "STOPPED")

    def settled(self, seconds: float) -> bool:
        """Whether it has been running for that long."""
        return self.ran_since is not None and time.monotonic() - self.ran_since >= seconds


def container_of(task: Task, name: str) -> JsonObject:
    """A container of a task as DescribeTasks shows it."""
    return next(c for c in task.api["containers"] if c["name"] == name)


class InstanceLookup(Protocol):
    """The container instances of an account, none of which is rehearsed."""

    def exist(self) -> bool:
        """Whether there are any."""

    def is_provider(self, name: str) -> bool:
        """Whether there is a capacity provider of that name or ARN."""


class NoInstances:
    """An account without container instances."""

    def exist(self) -> bool:
        """Whether there are any."""
        return False

    def is_provider(self, _name: str) -> bool:
        """Whether there is a capacity provider of that name or ARN."""
        return False


class State:
    """Everything ECS knows, region by region."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.changed = threading.Condition(threading.RLock())
        self.clusters: dict[tuple[str, str], Cluster] = {}
        self.definitions: dict[str, Definition] = {}
        self.services: dict[str, Service] = {}
        self.tasks: dict[str, Task] = {}
        self.tags: dict[str, list[dict[str, str]]] = {}
        self.instances: InstanceLookup = NoInstances()  # set by assembly
        self.can_be_helped: Callable[[str, frozenset[str]], bool] = lambda _service, _failing: False  # set by assembly
        self.is_linked = False  # whether the service-linked role exists

    def arn(self, region: str, rest: str) -> str:
        """An ECS ARN in that region."""
        return f"arn:{partitions.partition_of(region)[0]}:ecs:{region}:{self.account.id}:{rest}"

    def cluster(self, region: str, name: str | None) -> Cluster:
        """The cluster of that name or ARN; `default` where none is named.

        Raises:
            Refusal: there is none that is active.
        """
        short = (name or "default").rpartition("/")[2]
        cluster = self.clusters.get((region, short))
        if cluster is None or cluster.status != "ACTIVE":
            raise Refusal("ClusterNotFoundException", "Cluster not found.")
        return cluster

    def definition(self, region: str, name: str) -> Definition:
        """The task definition of that ARN, family:revision, or the family's newest active one.

        Raises:
            Refusal: there is none.
        """
        short = name.rpartition("/")[2]
        family, _, revision = short.partition(":")
        definitions = [
            d
            for d in list(self.definitions.values())
            if d.family == family
            and d.arn.split(":")[3] == region
            and (str(d.api["revision"]) == revision if revision else d.is_active)
        ]
        if not definitions:
            raise Refusal("ClientException", "Unable to describe task definition.")
        return max(definitions, key=lambda d: int(d.api["revision"]))

    def service(self, region: str, cluster: str | None, name: str) -> Service:
        """The service of that name or ARN.

        Raises:
            Refusal: there is none, or it is no longer active.
        """
        service = self.find_service(self.cluster(region, cluster), name)
        if service is None:
            raise Refusal("ServiceNotFoundException", "Service not found.")
        if service.status != "ACTIVE":
            raise Refusal("ServiceNotActiveException", "Service was not ACTIVE.")
        return service

    def find_service(self, cluster: Cluster, name: str) -> Service | None:
        """The service of that name or ARN in the cluster, whatever its status."""
        short = name.rpartition("/")[2]
        return self.services.get(cluster.arn.replace(":cluster/", ":service/") + "/" + short)

    def may_recover(self, service: Service) -> bool:
        """Whether resources are still to come on which a service whose tasks fail could depend."""
        failing = frozenset(s.arn for s in list(self.services.values()) if s.primary.attempts and not s.is_steady)
        return self.can_be_helped(service.arn, failing | {service.arn})

    def tasks_of(self, service: Service) -> Iterator[Task]:
        """Tasks of a service that have not stopped."""
        return (t for t in list(self.tasks.values()) if t.service is service and t.status != "STOPPED")
