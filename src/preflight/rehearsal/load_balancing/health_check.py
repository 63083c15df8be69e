"""One health check of a target: what is asked, and what came back."""

from __future__ import annotations

import contextlib
import functools
import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from preflight.rehearsal.network import namespace
from preflight.system.http import DeadlineSocket


@dataclass(frozen=True)
class HealthCheck:
    """How a target group checks: seconds, and the status codes that are well."""

    protocol: str
    port: int
    path: str
    codes: str
    interval: float
    timeout: float
    unhealthy_threshold: int
    is_enabled: bool = True


@dataclass(frozen=True)
class CheckResult:
    """What a check found: whether it is well, and else AWS's reason code and description."""

    is_well: bool
    reason: str = ""
    description: str = ""
    can_heal: bool = True
    is_stubborn: bool = False


def check_of(group: Mapping[str, Any], port: int) -> HealthCheck:
    """The check of a target group as DescribeTargetGroups shows it, for a target on `port`.

    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroup.html.
    """
    named = str(group.get("HealthCheckPort") or "traffic-port")
    matcher = group.get("Matcher") or {}
    return HealthCheck(
        protocol=str(group.get("HealthCheckProtocol") or group.get("Protocol") or "HTTP"),
        port=int(named) if named.isdigit() else port,
        path=str(group.get("HealthCheckPath") or "/"),
        codes=str(matcher.get("HttpCode") or "200"),
        interval=float(group.get("HealthCheckIntervalSeconds") or 30),
        timeout=float(group.get("HealthCheckTimeoutSeconds") or 5),
        unhealthy_threshold=int(group.get("UnhealthyThresholdCount") or 2),
        is_enabled=group.get("HealthCheckEnabled") is not False and "GrpcCode" not in matcher,
    )


def ask(pid: int, address: str, check: HealthCheck) -> CheckResult:
    """Ask the target in the network namespace of process `pid`."""
    try:
        if check.protocol not in {"HTTP", "HTTPS"}:
            namespace.connect(pid, address, check.port, timeout=check.timeout).close()
            return CheckResult(is_well=True)
        status = _status(pid, address, check)
    except TimeoutError:
        return CheckResult(is_well=False, reason="Target.Timeout", description="Request timed out")
    except (OSError, http.client.HTTPException):
        return CheckResult(is_well=False, reason="Target.FailedHealthChecks", description="Health checks failed")
    if fits(status, check.codes):
        return CheckResult(is_well=True)
    said = f"Health checks failed with these codes: [{status}]"
    is_stubborn = 300 <= status < 500
    return CheckResult(is_well=False, reason="Target.ResponseCodeMismatch", description=said, is_stubborn=is_stubborn)


def _status(pid: int, address: str, check: HealthCheck) -> int:
    asking = http.client.HTTPConnection(address, check.port, timeout=check.timeout)
    with contextlib.closing(asking):
        sock = namespace.connect(pid, address, check.port, timeout=check.timeout)
        bounded = DeadlineSocket(sock, timeout=check.timeout)
        asking.sock = bounded
        if check.protocol == "HTTPS":
            bounded.encrypt(untrusting())
        asking.request("GET", check.path, headers={"User-Agent": "ELB-HealthChecker/2.0"})
        return asking.getresponse().status


@functools.cache
def untrusting() -> ssl.SSLContext:
    """TLS that takes any certificate: a load balancer does not validate those of its targets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def fits(status: int, codes: str) -> bool:
    """Whether a status is one of a matcher such as `200`, `200,202` or `200-299`."""
    for part in codes.split(","):
        first, _, last = part.strip().partition("-")
        if first.isdigit() and int(first) <= status <= int(last if last.isdigit() else first):
            return True
    return False
