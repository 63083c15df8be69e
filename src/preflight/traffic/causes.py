"""Why a request failed during an update, as far as the account knows: pure functions over its facts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from preflight.traffic.account_facts import ServiceFacts, TaskFacts
from preflight.traffic.record import FailedRequest, FailureKind

KILLED = 137  # the exit code after SIGKILL
MARGIN = dt.timedelta(seconds=2)  # between what happened and when the account or the client noticed
COUNTED_AFTER = dt.timedelta(seconds=40)  # in which ECS does not count a new task without a health check as healthy
AT_ONCE = 0.5  # seconds in which a connection is refused
OUTAGE = dt.timedelta(minutes=2)  # after a task stopped, in which it may be the reason that none is there
DEVELOPER_GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide"
LOAD_BALANCERS = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application"
DEPLOYMENTS = f"{DEVELOPER_GUIDE}/deployment-type-ecs.html"
DRAINING = f"{DEVELOPER_GUIDE}/load-balancer-connection-draining.html"
GATEWAY = {FailureKind.BAD_GATEWAY, FailureKind.UNAVAILABLE, FailureKind.GATEWAY_TIMEOUT}
NO_TASK = {FailureKind.NOWHERE, FailureKind.UNAVAILABLE, FailureKind.REFUSED}


@dataclass(frozen=True)
class Cause:
    """Why requests failed, what to change, which property of the service or task that is, and where AWS says so."""

    text: str
    fix: str
    property: str | None = None
    source: str = DRAINING


def is_moved(failure: FailedRequest, service: ServiceFacts) -> bool:
    """Whether a request went to a task that was stopping already, or did not listen yet although another one answered."""
    task = next((task for task in service.tasks if task.arn == failure.task), None)
    if task is None:
        return False
    is_stopping = task.stopping_at is not None and task.stopping_at <= failure.sent_at
    others = [t for t in service.tasks if t is not task and t.started_at and (not task.started_at or t.started_at < task.started_at)]
    has_older = any(other.stopping_at is None or failure.failed_at < other.stopping_at for other in others)
    is_early = failure.kind in {FailureKind.REFUSED, FailureKind.RESET} and failure.seconds < AT_ONCE and _is_young(task, failure)
    return is_stopping or (is_early and has_older)


def _is_young(task: TaskFacts, failure: FailedRequest) -> bool:
    return task.started_at is not None and failure.failed_at <= task.started_at + COUNTED_AFTER


def cause_of(failure: FailedRequest, service: ServiceFacts) -> Cause:
    """Returns the most likely cause of a failed request."""
    if failure.kind is FailureKind.WRONG_PAGE:
        return Cause(
            f"the answer is a page of neither the old version nor the new one: {failure.shown}",
            "Make both versions answer while tasks are replaced, or correct the smoke entry.",
            source=DEPLOYMENTS,
        )
    stopping = [task for task in service.tasks if _has_part(task, failure) and failure.task in {None, task.arn}]
    for find in (_unhealthy, _ended_by_itself, _delay, _stopped_on_request, _none_left, _end_at_sigterm):
        cause = find(failure, service, stopping)
        if cause is not None:
            return cause
    return _of_running_tasks(failure, service)


def _has_part(task: TaskFacts, failure: FailedRequest) -> bool:
    """Whether a task was stopping when a request failed, or had left no other for a while."""
    if failure.kind in NO_TASK and failure.task is None and task.stopping_at is not None:
        return task.stopping_at <= failure.failed_at <= task.stopping_at + OUTAGE
    if failure.task is not None and task.stopping_at is not None:
        return task.stopping_at <= failure.failed_at  # whenever the client notices that the task has ended
    return task.is_stopping(failure.failed_at)


def _stopped_on_request(failure: FailedRequest, service: ServiceFacts, stopping: Sequence[TaskFacts]) -> Cause | None:
    """The only task was stopped by a call of StopTask."""
    stopped = [task for task in stopping if task.code == "UserInitiated"]
    if not stopped or failure.kind not in NO_TASK or failure.task is not None:
        return None
    return Cause(
        f"StopTask ended task {stopped[0].id}, and no other of the {service.desired} tasks of {service.name} ran",
        "Run at least two tasks, in two Availability Zones.",
        "DesiredCount",
        f"{DEVELOPER_GUIDE}/service-rebalancing.html",
    )


def _unhealthy(_failure: FailedRequest, service: ServiceFacts, stopping: Sequence[TaskFacts]) -> Cause | None:
    unhealthy = next((task for task in stopping if "health checks" in task.reason), None)
    if unhealthy is None:
        return None
    return Cause(
        f"ECS stopped task {unhealthy.id}: {unhealthy.reason}; HealthCheckGracePeriodSeconds is {service.grace}",
        "Make the new version pass the health check, or give it a grace period as long as it takes to start.",
        "HealthCheckGracePeriodSeconds",
        f"{DEVELOPER_GUIDE}/load-balancer-healthcheck.html",
    )


def _ended_by_itself(_failure: FailedRequest, _service: ServiceFacts, stopping: Sequence[TaskFacts]) -> Cause | None:
    ended = next((task for task in stopping if task.code == "EssentialContainerExited"), None)
    if ended is None:
        return None
    codes = ", ".join(map(str, ended.exit_codes)) or "unknown"
    return Cause(
        f"task {ended.id} ended by itself (exit code {codes}): {ended.reason}",
        "Find out from the task's log why it ended; with more than one task, others answer meanwhile.",
        source=f"{DEVELOPER_GUIDE}/stopped-task-error-codes.html",
    )


def _delay(failure: FailedRequest, service: ServiceFacts, stopping: Sequence[TaskFacts]) -> Cause | None:
    """The load balancer broke the connection when the deregistration delay was over."""
    if service.delay is None or failure.kind not in {FailureKind.BAD_GATEWAY, FailureKind.RESET}:
        return None
    delay = dt.timedelta(seconds=service.delay)
    for task in stopping:
        deregistered = task.stopping_at
        if deregistered and failure.sent_at <= deregistered + MARGIN and abs(failure.failed_at - deregistered - delay) <= MARGIN:
            return Cause(
                f"task {task.id} was deregistered, and the deregistration delay of {service.delay:g} s was over before "
                f"the request was answered, which had been in flight for {failure.seconds:.1f} s",
                "Set deregistration_delay.timeout_seconds to more than the longest request takes.",
                "TargetGroupAttributes",
            )
    return None


def _none_left(failure: FailedRequest, service: ServiceFacts, stopping: Sequence[TaskFacts]) -> Cause | None:
    """No task was there, or none that a load balancer would ask."""
    if failure.kind not in NO_TASK or failure.task is not None:
        return None
    if not service.is_active:
        return Cause(
            f"service {service.name} was replaced: its tasks stopped although no others had started",
            "Keep the properties that replace a service, or create the new one under another name first.",
            source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ecs-service.html",
        )
    if service.lower > 0:
        return None
    room = "" if service.upper > service.desired else f", and MaximumPercent {service.maximum} leaves no room for another one before"
    return Cause(
        f"no task was left to answer: MinimumHealthyPercent {service.minimum} of {service.desired} lets ECS stop "
        f"every task before a new one is healthy{room}{_named(stopping)}",
        "Set MinimumHealthyPercent to 100 and MaximumPercent to 200, or run more tasks.",
        "DeploymentConfiguration",
        DEPLOYMENTS,
    )


def _end_at_sigterm(failure: FailedRequest, _service: ServiceFacts, stopping: Sequence[TaskFacts]) -> Cause | None:
    task = next((t for t in stopping if t.stopping_at is not None and failure.sent_at <= t.stopping_at + MARGIN), None)
    if task is None or failure.kind in {FailureKind.NOWHERE, FailureKind.UNAVAILABLE}:
        return None
    if KILLED in task.exit_codes:
        return Cause(
            f"task {task.id} was killed with requests in flight: it had not ended {task.stop_timeout:g} s after SIGTERM",
            "Make the application exit on SIGTERM once its requests are answered, or set a longer StopTimeout.",
            "ContainerDefinitions",
            f"{DEVELOPER_GUIDE}/task_definition_parameters.html#container_definition_timeout",
        )
    codes = ", ".join(map(str, task.exit_codes)) or "unknown"
    return Cause(
        f"the application of task {task.id} ended at SIGTERM with requests in flight (exit code {codes})",
        "On SIGTERM, stop accepting connections, answer the requests in flight, then exit within StopTimeout.",
        "ContainerDefinitions",
        "https://aws.amazon.com/blogs/containers/graceful-shutdowns-with-ecs/",
    )


def _of_running_tasks(failure: FailedRequest, service: ServiceFacts) -> Cause:
    """The cause of a failure while no task was stopping."""
    started = [t for t in service.tasks if t.started_at is not None and failure.task in {None, t.arn}]
    young = [t for t in started if t.started_at and t.started_at - MARGIN <= failure.failed_at <= t.started_at + 5 * MARGIN]
    if failure.task is not None and young and not young[0].has_health_check:
        return Cause(
            f"task {young[0].id} was RUNNING but did not answer yet: no container of it has a health check",
            "Add a HealthCheck to the container, so that ECS waits for it before it stops the old task.",
            "ContainerDefinitions",
            f"{DEVELOPER_GUIDE}/healthcheck.html",
        )
    if failure.kind is FailureKind.BAD_GATEWAY:
        idle = f"{service.idle_timeout:g} s" if service.idle_timeout is not None else "its own"
        return Cause(
            "no task was stopping, and the target closed the connection; that happens if the application closes idle "
            f"connections earlier than the load balancer, whose idle timeout is {idle}",
            "Make the application keep idle connections open for longer than the load balancer's idle timeout.",
            source=f"{LOAD_BALANCERS}/load-balancer-troubleshooting.html",
        )
    if failure.kind is FailureKind.UNAVAILABLE and service.delay is not None and started:
        return Cause(
            "the load balancer had no target, although no task was stopping; that happens if the update replaces the target group: "
            "the listener forwards to the new one before the service has registered tasks in it",
            "Keep the properties that replace a target group, or add a second one and let the listener forward to it once its targets are healthy.",
            source=f"{LOAD_BALANCERS}/load-balancer-troubleshooting.html",
        )
    return Cause(
        f"the account does not say why{_said(failure, service)}", "Look at the log of the task at that time.", source=DEPLOYMENTS
    )


def _named(tasks: Sequence[TaskFacts]) -> str:
    return f" (task {', '.join(task.id for task in tasks)} was stopping)" if tasks else ""


def _said(failure: FailedRequest, service: ServiceFacts) -> str:
    """Returns what the service said last before a failure."""
    event = next((text for time, text in service.events if time <= failure.failed_at), None)
    return f"; its last event was: {event}" if event else ""
