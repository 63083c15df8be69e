"""Findings about the requests of an update, one for each smoke entry and cause."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Protocol

from preflight.deploy.declared_resources import DeclaredResource
from preflight.model import Finding, Severity
from preflight.traffic import causes
from preflight.traffic.account_facts import ServiceFacts
from preflight.traffic.causes import Cause
from preflight.traffic.record import FailedRequest, TargetRecord, TrafficRecord

FAILED, MOVED = "TRAFFIC_FAILED", "TRAFFIC_ADDRESS"
UNKNOWN = Cause("the account knows no service behind it", "Look at the log of what answers there.")


class Declared(Protocol):
    """The resources of the plan's templates, by what they became."""

    def of_kind(self, kind: str) -> list[DeclaredResource]:
        """Returns the resources of a type."""


def settled(record: TrafficRecord, services: Sequence[ServiceFacts]) -> TrafficRecord:
    """Returns a record in which requests to addresses of tasks that were stopping already count as moved, not as failed."""
    return dataclasses.replace(record, targets=tuple(_settled(target, services) for target in record.targets))


def _settled(target: TargetRecord, services: Sequence[ServiceFacts]) -> TargetRecord:
    failures = tuple(f for f in target.failures if not any(causes.is_moved(f, service) for service in services))
    return dataclasses.replace(target, failures=failures, moved=target.moved + len(target.failures) - len(failures))


def findings(record: TrafficRecord, services: Sequence[ServiceFacts], declared: Declared, plan: str) -> list[Finding]:
    """Returns what is to be said of a `settled` record; `plan` is what reports call the plan."""
    return [
        finding
        for target in record.targets
        for finding in (*_failed(target, services, declared, plan), *_moved(record, target, services, declared, plan))
    ]


def _failed(target: TargetRecord, services: Sequence[ServiceFacts], declared: Declared, plan: str) -> Iterator[Finding]:
    groups: dict[str, list[tuple[FailedRequest, Cause, ServiceFacts | None]]] = {}
    for failure in target.failures:
        service = _service_of(failure, target, services)
        cause = causes.cause_of(failure, service) if service is not None else UNKNOWN
        groups.setdefault(cause.fix, []).append((failure, cause, service))
    for group in groups.values():
        failure, cause, service = group[0]
        at = failure.failed_at.strftime("%H:%M:%S.%f")[:-5]
        message = (
            f"{target.name}: {len(group)} of {target.sent} requests failed; the first at {at} UTC ({failure.phase}), after "
            f"{failure.seconds:.1f} s, at {failure.receiver}: {failure.kind.value}: {cause.text}"
        )
        yield _finding(cause, message, _resource(service, declared), plan, is_failed=True)


def _moved(
    record: TrafficRecord, target: TargetRecord, services: Sequence[ServiceFacts], declared: Declared, plan: str
) -> Iterator[Finding]:
    """What becomes of clients that ask tasks without a load balancer in between."""
    service = next((service for service in services if service.name == target.name), None)
    if not target.asks_tasks or service is None:
        return
    if not any(task.stopping_at and record.started_at <= task.stopping_at <= record.ended_at for task in service.tasks):
        return
    cause = Cause(
        f"{target.name}: its tasks are asked without a load balancer, so clients find the new ones at other addresses; {target.moved} "
        "requests went to a task that was stopping already or did not listen yet, which clients see that keep an address or look "
        "it up early",
        "Put a load balancer in front of the service, or make clients look its address up for every request.",
        "LoadBalancers",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html",
    )
    yield _finding(cause, cause.text, _resource(service, declared), plan, is_failed=False)


def _service_of(failure: FailedRequest, target: TargetRecord, services: Sequence[ServiceFacts]) -> ServiceFacts | None:
    """Returns the service that was asked; of a URL the one that was exchanging tasks just then."""
    same_name = [service for service in services if service.name == target.name]
    busy = [s for s in services if any(task.is_stopping(failure.failed_at) for task in s.tasks)]
    return next(iter([*same_name, *busy, *services]), None)


def _resource(service: ServiceFacts | None, declared: Declared) -> DeclaredResource | None:
    return resource_of(service.name, declared) if service is not None else None


def resource_of(service: str, declared: Declared) -> DeclaredResource | None:
    """Returns the resource that a service, given by name, was declared as."""
    return next((r for r in declared.of_kind("AWS::ECS::Service") if r.physical.endswith(f"/{service}")), None)


def _finding(cause: Cause, message: str, resource: DeclaredResource | None, plan: str, *, is_failed: bool) -> Finding:
    name = cause.property if cause.property not in {"ContainerDefinitions", "TargetGroupAttributes"} else None
    return Finding(
        "smoke",
        FAILED if is_failed else MOVED,
        Severity.ERROR if is_failed else Severity.INFO,
        message,
        file=resource.template.name if resource is not None else plan,
        line=resource.line(name) if resource is not None else None,
        resource=resource.logical if resource is not None else None,
        property=cause.property,
        fix=cause.fix,
        source=cause.source,
    )
