"""Keeps every service at its desired count.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html.
"""

from __future__ import annotations

import math
import time
import traceback

from preflight.rehearsal import protocol
from preflight.rehearsal.ecs import services, tasks, traffic_shift
from preflight.rehearsal.ecs.state import Deployment, Service, State, Task
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.load_balancing.target import HEALTHY, UNHEALTHY
from preflight.rehearsal.tasks import circuit_breaker, deployment_alarms, traffic_shifts
from preflight.rehearsal.tasks.task_lifecycle import TaskLauncher
from preflight.rehearsal.tasks.traffic_shifts import TrafficShifts
from preflight.system.worker import Worker

SETTLE = 0.4  # seconds that a task has to run before it counts; one that dies at once never does
LONG_SETTLE = 3.0  # the same for one that does not listen on ports of its own: servers try for seconds to bind
COUNTED_AFTER = 40.0  # the same on AWS without a health check: so long may one take to listen before it replaces another
AGAIN = 0.15  # seconds until a task that is not ready yet is looked at again
NO_INSTANCE = "was unable to place a task because no container instance met all of its requirements."
UNHEALTHY_CONTAINER = "Task failed container health checks"
UNHEALTHY_TARGET = "Task failed ELB health checks in (target-group {group})"
STUCK = (
    "was unable to stop or start tasks during a deployment because of the service deployment configuration. "
    "Update the minimumHealthyPercent or maximumPercent value and try again."
)


class Scheduler:
    """One thread that reconciles services when something changed or is due."""

    def __init__(self, state: State, launcher: TaskLauncher, ledger: Ledger, shifts: TrafficShifts) -> None:
        self._state = state
        self._launcher = launcher
        self._ledger = ledger
        self._shifts = shifts
        self._counted: set[str] = set()
        self._worker = Worker(self._reconcile_all, name="scheduler", wake=self._wake)

    def start(self) -> None:
        """Start scheduling."""
        self._worker.start()

    def close(self) -> None:
        """Stop scheduling."""
        self._worker.stop()
        self._shifts.close()

    def _wake(self) -> None:
        with self._state.changed:
            self._state.changed.notify_all()

    def _reconcile_all(self) -> None:
        """Reconcile every service, then wait for a change or until one of them is due."""
        with self._state.changed:
            if self._worker.is_stopping:
                return  # `close` has notified already
            active = [service for service in self._state.services.values() if service.status != "INACTIVE"]
            due = min([self._reconcile_safely(service) for service in active], default=math.inf)
            self._state.changed.wait(None if due is math.inf else max(due - time.monotonic(), 0.01))

    def _reconcile_safely(self, service: Service) -> float:
        try:
            return self._reconcile(service)
        except Exception as error:  # noqa: BLE001 - one service must not stop the others
            traceback.print_exc()
            self._ledger.trouble(f"internal error while scheduling service {service.name}: {error!r}")
            return math.inf

    def _reconcile(self, service: Service) -> float:
        """Starts and stops tasks, and returns the time (monotonic) at which to do it again."""
        for task in self._state.tasks.values():
            if task.service is service and task.status == "STOPPED" and task.id not in self._counted:
                self._counted.add(task.id)
                circuit_breaker.count(service, task, may_recover=self._state.may_recover(service))
        active = [t for t in self._state.tasks_of(service) if t.is_wanted]
        if service.status == "DRAINING":
            return self._drain(service, active)
        if service.is_left_out:
            self._complete(service)
            return math.inf
        for task in list(active):
            reason = self._unhealthy_reason(service, task)
            if reason is not None:
                self._launcher.stop(task, code="ServiceSchedulerInitiated", reason=reason)
                active.remove(task)
        return self._shift(service, active) if self._is_shifting(service, active) else self._roll(service, active)

    @staticmethod
    def _is_shifting(service: Service, active: list[Task]) -> bool:
        """Whether traffic is shifted to the newest deployment, or one to which it was shifted is not gone yet."""
        former = traffic_shifts.withdrawn_deployments(service)
        return service.primary.is_shifting or any(d.shift.has_traffic or any(t.deployment is d for t in active) for d in former)

    def _roll(self, service: Service, active: list[Task]) -> float:
        """Replaces tasks of former deployments within the bounds, and returns the time at which to do it again."""
        _, upper = bounds(service)
        primary = service.primary
        own = [t for t in active if t.deployment is primary]
        due = self._start(service, primary, active, missing=min(service.desired - len(own), upper - len(active)))
        has_stopped = self._retire(service, active)
        if not has_stopped and due is math.inf and self._is_stuck(service, active):
            service.add_event(STUCK)
        return min(due, self._update_steady_state(service, active))

    def _shift(self, service: Service, active: list[Task]) -> float:
        """Starts a new deployment beside the former one, which ends once traffic is shifted; returns when to do it again."""
        deployments = traffic_shifts.full_deployments(service)
        has_traffic_back = not self._shifts.withdraw(service)
        due = []
        for deployment in deployments:
            own = [t for t in active if t.deployment is deployment]
            due.append(self._start(service, deployment, active, missing=service.desired - len(own)))
            for task in own[service.desired :]:
                self._stop(service, task)
        for task in active:
            if task.deployment not in deployments and has_traffic_back:
                self._stop(service, task)
        ready = [t for t in active if t.deployment is service.primary and self._is_ready(t)]
        due.append(self._shifts.advance(service, is_scaled_up=len(ready) >= service.desired))
        return min(*due, self._update_steady_state(service, active))

    def _is_stuck(self, service: Service, active: list[Task]) -> bool:
        """Whether no task may start before another stops, and none may stop before another starts."""
        own = [t for t in active if t.deployment is service.primary]
        lower, upper = bounds(service)
        ready = [t for t in active if self._is_ready(t)]
        is_full = len(active) >= upper and len(ready) == len(active)
        return len(own) < service.desired and is_full and len(ready) <= lower

    @staticmethod
    def _unhealthy_reason(service: Service, task: Task) -> str | None:
        """Returns the reason to stop a running task, or None if it is healthy."""
        if task.api["healthStatus"] == "UNHEALTHY":
            service.add_event(f"(task {task.id}) failed container health checks.")
            return UNHEALTHY_CONTAINER
        groups = [group for group, state in task.targets.items() if state == UNHEALTHY]
        return UNHEALTHY_TARGET.format(group=groups[0]) if groups else None

    def _start(self, service: Service, deployment: Deployment, active: list[Task], *, missing: int) -> float:
        """Starts the tasks that a deployment misses, and returns the time at which to try again."""
        if missing <= 0 or deployment.rollout == "FAILED":
            return math.inf
        if time.monotonic() < deployment.not_before:
            return deployment.not_before
        if not services.is_on_fargate(deployment.request, service.cluster):
            service.add_event(NO_INSTANCE)
            deployment.failed, deployment.not_before = deployment.failed + 1, time.monotonic() + circuit_breaker.BACK_OFF
            return deployment.not_before
        definition = self._state.definitions[deployment.definition]
        ids = []
        for _ in range(missing):
            task = tasks.make(
                self._state,
                service.cluster,
                definition,
                deployment.request,
                region=service.region,
                service=service,
                deployment=deployment,
            )
            ids.append(task.id)
            active.append(task)
            self._launcher.begin(task)
        service.is_steady = False
        self._note_what_is_not_rehearsed(service)
        service.add_event(f"has started {len(ids)} tasks: {' '.join(f'(task {i})' for i in ids)}.")
        return math.inf

    def _note_what_is_not_rehearsed(self, service: Service) -> None:
        """Say that nothing moves the alarms of a deployment."""
        if deployment_alarms.alarms_of(service.primary).get("enable"):
            self._ledger.note(f"no alarm ends a deployment of service {service.name} by itself: a rehearsal has no metrics that could move it")

    def _retire(self, service: Service, active: list[Task]) -> bool:
        """Stops surplus tasks, as far as the minimum of healthy tasks allows. Returns True if there were any."""
        lower, _ = bounds(service)
        own = [t for t in active if t.deployment is service.primary]
        old = [t for t in active if t.deployment is not service.primary]
        ready = [t for t in active if self._is_ready(t)]
        spare = max(len(ready) - lower, 0)
        surplus = own[service.desired :] if len(own) > service.desired else []
        for task in sorted(old, key=self._is_ready):
            if not self._is_ready(task):
                surplus.append(task)
            elif spare > 0:
                surplus.append(task)
                spare -= 1
        for task in surplus:
            self._stop(service, task)
        return bool(surplus)

    def _stop(self, service: Service, task: Task) -> None:
        service.add_event(f"has stopped 1 running tasks: (task {task.id}).")
        reason = f"Scaling activity initiated by (deployment {service.primary.id})"
        self._launcher.stop(task, code="ServiceSchedulerInitiated", reason=reason)

    def _drain(self, service: Service, active: list[Task]) -> float:
        for task in active:
            self._stop(service, task)
        if not list(self._state.tasks_of(service)):
            service.status = "INACTIVE"
            service.deployments = service.deployments[:1]
            self._state.changed.notify_all()
        return math.inf

    def _update_steady_state(self, service: Service, active: list[Task]) -> float:
        """Adds the event of a steady state, or returns the time at which the service may reach it."""
        own = [t for t in active if t.deployment is service.primary]
        others = [t for t in self._state.tasks_of(service) if t.deployment is not service.primary or not t.is_wanted]
        ready = [t for t in own if self._is_ready(t)]
        if len(ready) == service.desired and not others and self._is_shifted(service.primary):
            self._complete(service)
            return math.inf
        waiting = [t.ran_since for t in own if t.ran_since is not None and not t.settled_once]
        now = time.monotonic()
        return min((r + SETTLE if now < r + SETTLE else now + AGAIN for r in waiting), default=math.inf)

    @staticmethod
    def _is_shifted(deployment: Deployment) -> bool:
        """Whether no traffic is to be shifted to a deployment any more."""
        return not deployment.is_shifting or deployment.rollout != "IN_PROGRESS" or deployment.shift.stage == traffic_shift.CLEAN_UP

    def _is_ready(self, task: Task) -> bool:
        """Whether a task counts as healthy and running.

        https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html, minimumHealthyPercent.
        """
        is_settled = task.settled(SETTLE) and (
            task.settled_once or self._launcher.is_serving(task) or self._is_long_settled(task)
        )
        task.settled_once = task.settled_once or is_settled
        is_in_service = all(state == HEALTHY for state in task.targets.values())
        return is_settled and has_health(task) and is_in_service and task.is_healthy and task.status == "RUNNING"

    def _is_long_settled(self, task: Task) -> bool:
        """Whether a task has run for long; one that is to replace another has to listen on its ports as well."""
        replaces = task.service is not None and len(task.service.deployments) > 1
        is_open = not replaces or task.settled(COUNTED_AFTER) or self._launcher.is_listening(task)
        return task.settled(LONG_SETTLE) and is_open

    def _complete(self, service: Service) -> None:
        primary = service.primary
        service.deployments = [primary]
        primary.failed = primary.attempts = 0
        if primary.rollout == "IN_PROGRESS":
            primary.rollout = "COMPLETED"
            primary.reason = f"ECS deployment {primary.id} completed."
            primary.updated = protocol.utc_now()
            service.add_event(f"(deployment {primary.id}) deployment completed.")
        if not service.is_steady:
            service.is_steady = True
            service.add_event("has reached a steady state.")
            self._state.changed.notify_all()


def has_health(task: Task) -> bool:
    """Whether every essential container with a health check is healthy."""
    checked = [c for c in task.definition.api["containerDefinitions"] if c.get("essential", True)]
    return task.api["healthStatus"] == "HEALTHY" or not any(c.get("healthCheck") for c in checked)


def bounds(service: Service) -> tuple[int, int]:
    """Returns how many tasks have to stay healthy, and how many may be up, during a deployment."""
    configuration = service.request.get("deploymentConfiguration") or {}
    minimum = configuration.get("minimumHealthyPercent")
    maximum = configuration.get("maximumPercent")
    lower = math.ceil(service.desired * (100 if minimum is None else minimum) / 100)
    return lower, math.floor(service.desired * (200 if maximum is None else maximum) / 100)
