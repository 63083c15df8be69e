"""What a drill did, what users saw of it, and how long it took, as findings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.model import Finding, Severity
from preflight.traffic import findings as traffic_findings
from preflight.traffic.drills import DrillResult
from preflight.traffic.findings import Declared
from preflight.traffic.record import TrafficRecord

CHECK = "DRILL"
SOURCE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html"


def findings(name: str, service: str, result: DrillResult, record: TrafficRecord, declared: Declared) -> Iterator[Finding]:
    """Yields what is to be said of a drill with a service, besides the requests that failed."""
    about, resource = f"drill {name} of {service}", traffic_findings.resource_of(service, declared)
    at: dict[str, Any] = {}
    if resource is not None:
        at = {"file": resource.template.name, "line": resource.line(None), "resource": resource.logical}
    if result.skipped is not None:
        yield Finding("smoke", CHECK, Severity.INFO, f"{about} was not done: {result.skipped}", **at)
        return
    sent, failed = (sum(getattr(target, key) for target in record.targets) for key in ("sent", "failed"))
    outcome = f"{failed} of {sent} requests failed" if sent else "no request was sent"
    message = f"{about}: {result.did}; {outcome}; the service was as before after {result.seconds:.1f} s"
    fix = result.fix if failed else None
    yield Finding("smoke", CHECK, Severity.INFO, message, **at, fix=fix if result.problem is None else None)
    if result.problem is not None:
        yield Finding("smoke", CHECK, Severity.ERROR, f"{about}: {result.problem}", **at, fix=result.fix, source=SOURCE)
