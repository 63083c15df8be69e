"""What runs after a deployment, as the account describes it: networks, load balancers, services and who reaches whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

INTERNET = "internet"  # as the source of a connection


@dataclass(frozen=True)
class DeployedSubnet:
    """A subnet; it is public if its route for the internet leads to an internet gateway."""

    id: str
    name: str
    zone: str
    cidr: str
    is_public: bool


@dataclass(frozen=True)
class DeployedVpc:
    """A VPC with the subnets that it has."""

    id: str
    name: str
    cidr: str
    subnets: tuple[DeployedSubnet, ...] = ()


@dataclass(frozen=True)
class IngressRule:
    """What a security group admits: a protocol (`all` for any), ports (`80`, `8000-8010`, `all`) and peers."""

    protocol: str
    ports: str
    peers: tuple[str, ...]


@dataclass(frozen=True)
class DeployedSecurityGroup:
    """A security group of a load balancer or service, and what it admits."""

    id: str
    name: str
    ingress: tuple[IngressRule, ...] = ()


@dataclass(frozen=True)
class DeployedListener:
    """A listener of a load balancer, and the services it leads to."""

    protocol: str
    port: int
    services: tuple[str, ...] = ()


@dataclass(frozen=True)
class DeployedLoadBalancer:
    """A load balancer in front of services; `addresses` has those of its interfaces by subnet."""

    name: str
    vpc: str
    kind: str
    host: str
    is_public: bool
    security_groups: tuple[str, ...] = ()
    listeners: tuple[DeployedListener, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DeployedContainer:
    """A container of a task definition: its image, and the ports that it maps."""

    name: str
    image: str
    ports: tuple[int, ...] = ()


@dataclass(frozen=True)
class ServiceMessage:
    """An event of a service, in the words of Amazon ECS."""

    time: str
    text: str


@dataclass(frozen=True)
class DeployedService:
    """A service of Amazon ECS: what it is to run, and where."""

    name: str
    cluster: str
    vpc: str
    desired: int
    running: int
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    containers: tuple[DeployedContainer, ...] = ()
    task_role: str | None = None
    execution_role: str | None = None
    messages: tuple[ServiceMessage, ...] = ()


@dataclass(frozen=True)
class DeployedTask:
    """A task that runs or stopped: its addresses, its state, the health of its containers and as a target, and its times.

    The keys of `times` are those of DescribeTasks: createdAt, pullStartedAt, startedAt and so on.
    """

    id: str
    service: str
    subnet: str
    private: str
    public: str | None
    state: str
    health: str | None = None
    target_health: str | None = None
    reason: str | None = None
    times: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DeployedConnection:
    """A source (`internet`, or the name of a load balancer or service) that connects to a port, or what blocks it."""

    source: str
    target: str
    port: int
    blocker: str | None = None


@dataclass(frozen=True)
class DeployedRegion:
    """What runs in one region of the account."""

    name: str
    vpcs: tuple[DeployedVpc, ...] = ()
    security_groups: tuple[DeployedSecurityGroup, ...] = ()
    load_balancers: tuple[DeployedLoadBalancer, ...] = ()
    services: tuple[DeployedService, ...] = ()
    tasks: tuple[DeployedTask, ...] = ()
    connections: tuple[DeployedConnection, ...] = ()


@dataclass(frozen=True)
class ResourceEvent:
    """An event of a stack: a resource reached a status; without the resource's properties, which may hold secrets."""

    time: str
    stack: str
    resource: str
    kind: str
    status: str
    reason: str | None = None
