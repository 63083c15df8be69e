"""Sends one health check of a target group to a target."""

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
    """How a target group checks: `codes` are the healthy ones, times are in seconds."""

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
    """Whether a target is healthy, and else AWS's reason code and description.

    A failure `can_recover` unless the network excludes it; it `is_permanent` if the target answers, but with
    a wrong page.
    """

    is_healthy: bool
    reason: str = ""
    description: str = ""
    can_recover: bool = True
    is_permanent: bool = False


def of_target_group(group: Mapping[str, Any], port: int) -> HealthCheck:
    """Returns the check of a target group, as DescribeTargetGroups describes it, for a target on `port`.

    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroup.html.
    """
    check_port = str(group.get("HealthCheckPort") or "traffic-port")
    matcher = group.get("Matcher") or {}
    return HealthCheck(
        protocol=str(group.get("HealthCheckProtocol") or group.get("Protocol") or "HTTP"),
        port=int(check_port) if check_port.isdigit() else port,
        path=str(group.get("HealthCheckPath") or "/"),
        codes=str(matcher.get("HttpCode") or "200"),
        interval=float(group.get("HealthCheckIntervalSeconds") or 30),
        timeout=float(group.get("HealthCheckTimeoutSeconds") or 5),
        unhealthy_threshold=int(group.get("UnhealthyThresholdCount") or 2),
        is_enabled=group.get("HealthCheckEnabled") is not False and "GrpcCode" not in matcher,
    )


def send(check: HealthCheck, pid: int, address: str) -> CheckResult:
    """Check the target in the network namespace of process `pid`."""
    try:
        if check.protocol not in {"HTTP", "HTTPS"}:
            namespace.connect(pid, address, check.port, timeout=check.timeout).close()
            return CheckResult(is_healthy=True)
        status = _status(pid, address, check)
    except TimeoutError:
        return CheckResult(is_healthy=False, reason="Target.Timeout", description="Request timed out")
    except (OSError, http.client.HTTPException):
        return CheckResult(is_healthy=False, reason="Target.FailedHealthChecks", description="Health checks failed")
    if matches(status, check.codes):
        return CheckResult(is_healthy=True)
    return CheckResult(
        is_healthy=False,
        reason="Target.ResponseCodeMismatch",
        description=f"Health checks failed with these codes: [{status}]",
        is_permanent=300 <= status < 500,
    )


def _status(pid: int, address: str, check: HealthCheck) -> int:
    with contextlib.closing(http.client.HTTPConnection(address, check.port, timeout=check.timeout)) as connection:
        sock = DeadlineSocket(
            namespace.connect(pid, address, check.port, timeout=check.timeout), timeout=check.timeout
        )
        connection.sock = sock
        if check.protocol == "HTTPS":
            sock.encrypt(_unverified_tls())
        connection.request("GET", check.path, headers={"User-Agent": "ELB-HealthChecker/2.0"})
        return connection.getresponse().status


@functools.cache
def _unverified_tls() -> ssl.SSLContext:
    """Returns TLS that accepts any certificate: a load balancer does not validate those of its targets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def matches(status: int, codes: str) -> bool:
    """Whether a matcher includes a status, such as `200`, `200,202` or `200-299`."""
    for part in codes.split(","):
        first, _, last = part.strip().partition("-")
        if first.isdigit() and int(first) <= status <= int(last if last.isdigit() else first):
            return True
    return False
