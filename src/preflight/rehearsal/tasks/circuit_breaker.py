"""Counts the failed tasks of a deployment, and fails or rolls back the deployment if there are too many.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html.
"""

from __future__ import annotations

import math
import time

from preflight.rehearsal import protocol
from preflight.rehearsal.ecs import traffic_shift
from preflight.rehearsal.ecs.state import Deployment, Service, Task

BACK_OFF = 0.2
MAX_BACK_OFF = 10.0
CONSISTENTLY = 3  # failed launches in a row until ECS adds an event
TASKS_FAILED = "tasks failed to start."


def count(service: Service, task: Task, *, may_recover: bool) -> None:
    """Counts a task that stopped, delays the next one, and fails the deployment if it is one too many."""
    deployment, reason = task.deployment, str(task.api.get("stoppedReason"))
    is_unhealthy = reason.startswith("Task failed")
    is_requested = task.api.get("stopCode") in {"ServiceSchedulerInitiated", "UserInitiated"}
    if deployment is None or (is_requested and not is_unhealthy):
        return
    if task.settled_once and not is_unhealthy:
        deployment.failed = 0
        return
    deployment.attempts += 1
    if may_recover:
        deployment.not_before = time.monotonic() + BACK_OFF * min(deployment.attempts, 5)
        return
    deployment.failed += 1
    if deployment.failed == CONSISTENTLY:
        service.add_event("is unable to consistently start tasks successfully.")
    deployment.not_before = time.monotonic() + min(BACK_OFF * 2 ** (deployment.failed - 1), MAX_BACK_OFF)
    breaker = (service.request.get("deploymentConfiguration") or {}).get("deploymentCircuitBreaker") or {}
    if (
        breaker.get("enable")
        and deployment.failed >= threshold(service.desired)
        and deployment.rollout == "IN_PROGRESS"
        and deployment.shift.stage != traffic_shift.CLEAN_UP
    ):
        former = fail(service, deployment, TASKS_FAILED, rolls_back=bool(breaker.get("rollback")))
        rest = f"rolling back to deploymentId {former.id}." if former is not None else TASKS_FAILED
        deployment.reason = f"ECS deployment circuit breaker: {rest}"


def fail(service: Service, deployment: Deployment, reason: str, *, rolls_back: bool) -> Deployment | None:
    """Fails a deployment, and rolls back to the last one that completed, which is returned."""
    deployment.rollout, deployment.reason = "FAILED", reason
    deployment.updated = protocol.utc_now()
    service.add_event(f"(deployment {deployment.id}) deployment failed: {reason}")
    former = service.production
    if not rolls_back or former is None or deployment is not service.primary:
        return None
    service.add_event(f"rolling back to deployment {former.id}.")
    service.deployments.remove(former)
    service.deployments.insert(0, former)
    service.request = dict(former.request)
    service.is_steady = False
    return former


def threshold(desired: int) -> int:
    """Returns the number of failed launches in a row that trip the circuit breaker."""
    return min(max(math.ceil(desired / 2), 3), 200)
