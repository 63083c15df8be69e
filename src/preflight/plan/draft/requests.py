"""The requests that a draft sends to the services of its stacks, from their load balancers, target groups and ports. Pure."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.plan.cross_stack_references import ReferencedResource, ReferenceTracer
from preflight.plan.draft.draft import DraftRequest
from preflight.plan.draft.stacks import SERVICE
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.templates import intrinsic_functions

_LISTENER, _RULE = "AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule"
_PATH = re.compile(r"/[A-Za-z0-9._~/%?=&-]*")
_OTHER_PROTOCOLS = {22, 25, 1883, 3306, 5432, 5672, 6379, 9092, 11211, 27017, 50051}


@dataclass(frozen=True)
class Entrance:
    """A listener that leads to a target group: by default, or (`paths`) for these patterns of paths."""

    listener: Mapping[str, Any]
    is_public: bool
    paths: tuple[str, ...] | None

    @property
    def port(self) -> int:
        """Its port."""
        return _number(self.listener.get("Port"), 80)

    def admits(self, path: str) -> bool:
        """Whether a request of this path from the internet, over plain HTTP, gets to the target group."""
        is_http = self.listener.get("Protocol") == "HTTP" or (self.listener.get("Protocol") == "TCP" and self.port in {80, 8080})
        return is_http and self.is_public and (self.paths is None or any(fnmatch.fnmatchcase(path, pattern) for pattern in self.paths))


class Requests:
    """Finds the requests for the services of resolved stacks."""

    def __init__(self, every: ResolvedStacks) -> None:
        self._every = every
        self._tracer = ReferenceTracer(every)

    def all(self) -> Iterator[DraftRequest]:
        """Yields a request for each service that answers HTTP; a logical id of two services names neither."""
        services = [(document, logical, properties) for document in self._every.deployed for logical, properties in document.of_type(SERVICE)]
        logicals = [logical for _, logical, _ in services]
        for document, logical, service in services:
            if logicals.count(logical) == 1 and re.fullmatch("[A-Za-z0-9]+", logical) and _number(service.get("DesiredCount"), 1) > 0:
                yield from self._of_service(document, logical, service)

    def _of_service(self, document: ResolvedTemplate, logical: str, service: Mapping[str, Any]) -> Iterator[DraftRequest]:
        for balancer in _list(service.get("LoadBalancers")):
            group = self._tracer.find(document, balancer.get("TargetGroupArn")) if isinstance(balancer, dict) else None
            if group is not None:
                yield self._through(logical, group, _number(balancer.get("ContainerPort"), 80))
                return
        port = next(self._ports(document, service), None)
        if port is not None and port not in _OTHER_PROTOCOLS:
            yield DraftRequest(logical, "/", port, 200, is_inside=not self._is_open(document, service, port), why="a guess: the port of the container")

    def _through(self, logical: str, group: ReferencedResource, port: int) -> DraftRequest:
        """Returns the request of a service behind load balancers: through one that is public, else from inside."""
        path = str(group.properties.get("HealthCheckPath", "/"))
        path = path if _PATH.fullmatch(path) else "/"
        matcher = group.properties.get("Matcher")
        status = _number(re.split("[-,]", str(matcher.get("HttpCode", "200")))[0], 200, bounds=(200, 599)) if isinstance(matcher, dict) else 200
        why = "path and status of the health check of the target group"
        entrance = next((entrance for entrance in self._entrances(group) if entrance.admits(path)), None)
        if entrance is None:
            return DraftRequest(logical, path, port, status, is_inside=True, why=f"{why}; from inside, since no public listener takes it over HTTP")
        return DraftRequest(logical, path, entrance.port, status, is_inside=False, why=why)

    def _entrances(self, group: ReferencedResource) -> Iterator[Entrance]:
        for document in self._every.deployed:
            for _, listener in document.of_type(_LISTENER):
                if self._forwards(document, listener.get("DefaultActions"), group):
                    yield Entrance(listener, self._is_public(document, listener), None)
            for _, rule in document.of_type(_RULE):
                owner = self._tracer.find(document, rule.get("ListenerArn"))
                if owner is not None and self._forwards(document, rule.get("Actions"), group):
                    yield Entrance(owner.properties, self._is_public(owner.document, owner.properties), _paths(rule))

    def _forwards(self, document: ResolvedTemplate, actions: Any, group: ReferencedResource) -> bool:
        for action in _list(actions):
            config = action.get("ForwardConfig") if isinstance(action, dict) else None
            listed = _list(config.get("TargetGroups")) if isinstance(config, dict) else []
            arns = [action.get("TargetGroupArn") if isinstance(action, dict) else None, *(t.get("TargetGroupArn") for t in listed if isinstance(t, dict))]
            targets = [self._tracer.find(document, arn) for arn in arns]
            if any(target is not None and target.is_same(group) for target in targets):
                return True
        return False

    def _is_public(self, document: ResolvedTemplate, listener: Mapping[str, Any]) -> bool:
        balancer = self._tracer.find(document, listener.get("LoadBalancerArn"))
        return balancer is not None and balancer.properties.get("Scheme", "internet-facing") == "internet-facing"

    def _is_open(self, document: ResolvedTemplate, service: Mapping[str, Any], port: int) -> bool:
        """Whether tasks have public addresses and a security group that admits everybody to a port."""
        network = service.get("NetworkConfiguration")
        config = network.get("AwsvpcConfiguration") if isinstance(network, dict) else None
        if not isinstance(config, dict) or config.get("AssignPublicIp") != "ENABLED":
            return False
        groups = config.get("SecurityGroups")
        resources = [self._tracer.find(document, group) for group in (groups if isinstance(groups, list) else [groups])]
        rules = [rule for group in resources if group is not None for rule in _list(group.properties.get("SecurityGroupIngress")) if isinstance(rule, dict)]
        return any(rule.get("CidrIp") == "0.0.0.0/0" and _number(rule.get("FromPort"), 0) <= port <= _number(rule.get("ToPort"), 65535) for rule in rules)

    def _ports(self, document: ResolvedTemplate, service: Mapping[str, Any]) -> Iterator[int]:
        definition = self._tracer.find(document, service.get("TaskDefinition"))
        containers = definition.properties.get("ContainerDefinitions") if definition is not None else None
        for container in _list(containers):
            for mapping in _list(container.get("PortMappings")) if isinstance(container, dict) else ():
                if isinstance(mapping, dict) and str(mapping.get("Protocol", "tcp")).lower() == "tcp":
                    yield _number(mapping.get("ContainerPort"), 80)


def _paths(rule: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the patterns of the paths that a rule takes; none if it asks for something else too, such as a host."""
    patterns: list[str] = []
    for condition in _list(rule.get("Conditions")):
        if not isinstance(condition, dict) or condition.get("Field") != "path-pattern":
            return ()
        config = condition.get("PathPatternConfig")
        values = config.get("Values") if isinstance(config, dict) else condition.get("Values")
        patterns += [str(value) for value in _list(values)]
    return tuple(patterns)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any, default: int, *, bounds: tuple[int, int] = (0, 65_535)) -> int:
    text = intrinsic_functions.as_text(value) if isinstance(value, str) or (isinstance(value, int) and abs(value) <= bounds[1]) else ""
    return int(text) if re.fullmatch("[0-9]{1,5}", text) and bounds[0] <= int(text) <= bounds[1] else default


def of_stacks(every: ResolvedStacks) -> tuple[DraftRequest, ...]:
    """Returns the requests for the services of resolved stacks."""
    return tuple(Requests(every).all())
