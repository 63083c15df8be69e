"""Decides who reaches whom: the internet, load balancers and services, by what EC2 describes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from preflight.architecture import INTERNET, DeployedConnection, DeployedService, DeployedTask
from preflight.aws import reachability, security_group_evaluation
from preflight.aws.network import Interface, Network
from preflight.deploy.balancer_description import BalancerDescription


class ConnectionDescription:
    """The connections between what runs in some VPCs; tasks are asked for by one that runs in each service."""

    def __init__(
        self,
        networks: Mapping[str, Network],
        balancers: BalancerDescription,
        services: Sequence[DeployedService],
        tasks: Sequence[DeployedTask],
    ) -> None:
        self._networks = networks
        self._balancers = balancers
        self._services = {service.name: service for service in services}
        running = {task.service: task for task in reversed(tasks) if task.state == "RUNNING" and task.private}
        self._interfaces = {name: _interface(self._services[name], task) for name, task in running.items()}

    def all(self) -> Iterator[DeployedConnection]:
        """Yields each connection once."""
        yield from dict.fromkeys(itertools.chain(self._through_load_balancers(), self._from_internet(), self._between()))

    def _through_load_balancers(self) -> Iterator[DeployedConnection]:
        names = {balancer.host: balancer.name for balancer in self._balancers.load_balancers}
        for listener, _ in self._balancers.entrances:
            interfaces = self._balancers.interfaces(listener.balancer)
            port, service = self._balancers.target_port(listener.group)
            yield from self._to_listener(interfaces, names[listener.host], listener.port)
            yield from self._to_targets(interfaces, names[listener.host], service, port)

    def _to_listener(self, interfaces: Sequence[Interface], name: str, port: int) -> Iterator[DeployedConnection]:
        for interface in interfaces:
            network = self._networks[interface.vpc]
            if reachability.from_internet(network, interface, port, has_groups=bool(interface.groups)) is None:
                yield DeployedConnection(INTERNET, name, port)
                return

    def _to_targets(self, interfaces: Sequence[Interface], name: str, service: str, port: int) -> Iterator[DeployedConnection]:
        target = self._interfaces.get(service)
        if target is not None and interfaces and target.vpc == interfaces[0].vpc:
            blockers = [reachability.between(self._networks[target.vpc], source, target, port) for source in interfaces]
            blocker = blockers[0] if all(blockers) else None
            yield DeployedConnection(name, service, port, blocker.message if blocker is not None else None)

    def _from_internet(self) -> Iterator[DeployedConnection]:
        for name, interface in self._interfaces.items():
            for port in _ports(self._services[name]):
                if reachability.from_internet(self._networks[interface.vpc], interface, port) is None:
                    yield DeployedConnection(INTERNET, name, port)

    def _between(self) -> Iterator[DeployedConnection]:
        """Yields the connections between services, to those that do not admit everybody anyway."""
        for (source, here), (target, there) in itertools.permutations(self._interfaces.items(), 2):
            if here.vpc != there.vpc:
                continue
            network = self._networks[here.vpc]
            for port in _ports(self._services[target]):
                is_open = security_group_evaluation.admits(network, there, port) is None
                if not is_open and reachability.between(network, here, there, port) is None:
                    yield DeployedConnection(source, target, port)


def _interface(service: DeployedService, task: DeployedTask) -> Interface:
    return Interface(service.vpc, task.subnet, task.private, service.security_groups, has_public_address=task.public is not None)


def _ports(service: DeployedService) -> list[int]:
    return list(dict.fromkeys(port for container in service.containers for port in container.ports))
