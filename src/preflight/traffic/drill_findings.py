"""What a drill did, what users saw of it, and how long it took, as findings."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.model import Finding, Severity
from preflight.traffic.drills import DrillResult
from preflight.traffic.record import TrafficRecord

CHECK = "DRILL"
SOURCE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html"


def findings(name: str, service: str, result: DrillResult, record: TrafficRecord, plan: str) -> Iterator[Finding]:
    """Yields what is to be said of a drill with a service, besides the requests that failed; `plan` is how reports call the plan."""
    about = f"drill {name} of {service}"
    if result.skipped is not None:
        yield Finding("smoke", CHECK, Severity.INFO, f"{about} was not done: {result.skipped}", file=plan)
        return
    sent, failed = (sum(getattr(target, key) for target in record.targets) for key in ("sent", "failed"))
    seen = f"{failed} of {sent} requests failed" if sent else "no request was sent"
    message = f"{about}: {result.did}; {seen}; the service was as before after {result.seconds:.1f} s"
    fix = result.fix if failed else None
    yield Finding("smoke", CHECK, Severity.INFO, message, file=plan, fix=fix if result.problem is None else None)
    if result.problem is not None:
        yield Finding("smoke", CHECK, Severity.ERROR, f"{about}: {result.problem}", file=plan, fix=result.fix, source=SOURCE)
