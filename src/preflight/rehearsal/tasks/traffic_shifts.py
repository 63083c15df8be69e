"""Leads deployments that shift traffic through their lifecycle stages: blue/green, linear and canary.

Bake times are shortened, which a note says, and lifecycle hooks are not called. A first deployment has no traffic to shift
away, so it takes no steps. Calls to Elastic Load Balancing are made by a thread of their own, without the lock of ECS.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-linear.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/canary-deployment.html.
"""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from preflight.rehearsal.ecs import deployment_strategy, traffic_shift
from preflight.rehearsal.ecs.deployment_strategy import Step
from preflight.rehearsal.ecs.state import Deployment, Service, State
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.tasks import circuit_breaker, listener_weights
from preflight.rehearsal.tasks.listener_weights import InvalidNetworkingError, ListenerWeights

MINUTE = 0.2  # seconds of a rehearsal that a minute of bake time takes
LONGEST = 3.0  # seconds that a bake time takes at most
NETWORK_MINUTES = 10  # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/nlb-resources-for-blue-green.html
AGAIN = 0.25  # seconds until a call that failed is made again while resources are still to come
INVALID = "Service deployment rolled back because of invalid networking configuration. {why}"
INTERNAL = "internal error in the emulated account"
Submit = Callable[[Callable[[], None]], Any]


class TrafficShifts:
    """The deployments of an account that shift traffic."""

    def __init__(
        self,
        state: State,
        weights: ListenerWeights,
        ledger: Ledger,
        *,
        clock: Callable[[], float] = time.monotonic,
        submit: Submit | None = None,
    ) -> None:
        self._state = state
        self._weights = weights
        self._ledger = ledger
        self._clock = clock
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="shift")
        self._submit = submit or self._threads.submit
        self._steps = {
            traffic_shift.PRE_SCALE_UP: self._choose_target_groups,
            traffic_shift.TEST_TRAFFIC_SHIFT: self._shift_test_traffic,
            traffic_shift.PRODUCTION_TRAFFIC_SHIFT: self._shift_production_traffic,
            traffic_shift.BAKE_TIME: self._end_bake_time,
        }

    def close(self) -> None:
        """Stop making calls."""
        self._threads.shutdown(cancel_futures=True)

    def advance(self, service: Service, *, is_scaled_up: bool) -> float:
        """Takes the next step of the newest deployment of a service, and returns the time at which to take another."""
        deployment, shift = service.primary, service.primary.shift
        if not deployment.is_shifting or deployment.rollout != "IN_PROGRESS" or shift.is_calling:
            return math.inf
        if shift.error is not None:
            return self._fail(service, deployment, shift.error)
        if self._clock() < shift.until:
            return shift.until
        if shift.stage == traffic_shift.SCALE_UP and is_scaled_up:
            shift.stage = traffic_shift.TEST_TRAFFIC_SHIFT
        if shift.stage not in self._steps or (not shift.has_started and self.withdraw(service)):
            return math.inf
        self._steps[shift.stage](service, deployment)
        return max(shift.until, self._clock())

    def withdraw(self, service: Service) -> bool:
        """Give traffic back that was shifted to deployments which failed or are out of date. Returns whether there is any."""
        shifted = [d for d in withdrawn_deployments(service) if d.shift.has_traffic or d.shift.is_calling]
        for deployment in shifted:
            if not deployment.shift.is_calling:
                self._give_back(service, deployment)
        return bool(shifted)

    def _give_back(self, service: Service, deployment: Deployment) -> None:
        def give_back() -> None:
            try:
                for key in deployment_strategy.RULES:
                    self._weights.shift(deployment, service.region, key, 0)
            except InvalidNetworkingError as error:
                service.add_event(f"(deployment {deployment.id}) rollback failed: {error}")

        def forget() -> None:
            deployment.shift.percent, deployment.shift.has_test_traffic = 0.0, False

        self._call(service, deployment, give_back, forget, is_last=True)

    # The stages

    def _choose_target_groups(self, service: Service, deployment: Deployment) -> None:
        """Find the target groups that production traffic does not go to, and let the tasks start."""
        self._note(service, deployment)
        former = service.production

        def choose() -> None:
            is_serving = self._weights.is_alternate_serving(deployment, service.region)
            deployment.is_alternate = not (is_serving if former is None else former.is_alternate)

        if not listener_weights.balancers(deployment):
            self._begin(service, deployment, traffic_shift.SCALE_UP)
            return
        self._call(service, deployment, choose, lambda: self._begin(service, deployment, traffic_shift.SCALE_UP))

    def _shift_test_traffic(self, service: Service, deployment: Deployment) -> None:
        if not listener_weights.has_test_rule(deployment):
            self._begin(service, deployment, traffic_shift.PRODUCTION_TRAFFIC_SHIFT)
            return

        def shifted() -> None:
            deployment.shift.has_test_traffic = True
            deployment.shift.until = self._end_of_wait(deployment, 0)
            self._begin(service, deployment, traffic_shift.PRODUCTION_TRAFFIC_SHIFT)

        shift = self._weights.shift
        self._call(service, deployment, lambda: shift(deployment, service.region, deployment_strategy.TEST_RULE, 100), shifted)

    def _shift_production_traffic(self, service: Service, deployment: Deployment) -> None:
        steps = steps_of(service, deployment)
        step = steps[deployment.shift.steps]

        def shifted() -> None:
            deployment.shift.percent, deployment.shift.steps = step.percent, deployment.shift.steps + 1
            deployment.shift.until = self._end_of_wait(deployment, step.minutes)
            service.add_event(f"(deployment {deployment.id}) has {step.percent:g}% of the production traffic.")
            if deployment.shift.steps == len(steps):
                self._begin(service, deployment, traffic_shift.BAKE_TIME)

        shift = self._weights.shift
        self._call(service, deployment, lambda: shift(deployment, service.region, deployment_strategy.PRODUCTION_RULE, step.percent), shifted)

    def _end_bake_time(self, service: Service, deployment: Deployment) -> None:
        self._begin(service, deployment, traffic_shift.CLEAN_UP)

    @staticmethod
    def _begin(service: Service, deployment: Deployment, stage: str) -> None:
        deployment.shift.stage = stage
        service.add_event(f"(deployment {deployment.id}) lifecycle stage {stage}.")

    def _end_of_wait(self, deployment: Deployment, minutes: float) -> float:
        if listener_weights.has_network_balancer(deployment):
            minutes += NETWORK_MINUTES
        return self._clock() + min(minutes * MINUTE, LONGEST)

    def _fail(self, service: Service, deployment: Deployment, why: str) -> float:
        """Fail a deployment whose traffic cannot be shifted, unless what it needs may still be created."""
        deployment.shift.error = None
        if why != INTERNAL and self._state.may_recover(service):
            deployment.shift.until = self._clock() + AGAIN
            return deployment.shift.until
        circuit_breaker.fail(service, deployment, INVALID.format(why=why), rolls_back=True)
        return self._clock()

    def _call(
        self, service: Service, deployment: Deployment, call: Callable[[], None], then: Callable[[], None], *, is_last: bool = False
    ) -> None:
        """Make a call without the lock of ECS, and then go on with it; after the last one of a deployment also if it failed."""
        shift = deployment.shift
        shift.is_calling = True

        def run() -> None:
            error = None
            try:
                call()
            except InvalidNetworkingError as failure:
                error = str(failure)
            except Exception as failure:  # noqa: BLE001 - an internal error must not look like one of the template
                traceback.print_exc()
                self._ledger.trouble(f"internal error while shifting traffic of service {service.name}: {failure!r}")
                error = INTERNAL
            with self._state.changed:
                shift.is_calling, shift.error = False, error
                if error is None or is_last:
                    then()
                self._state.changed.notify_all()

        self._submit(run)

    def _note(self, service: Service, deployment: Deployment) -> None:
        """Say what a rehearsal makes shorter, and what it leaves out."""
        configuration = deployment.request.get("deploymentConfiguration") or {}
        if service.production is not None:
            self._ledger.note(
                f"service {service.name} is deployed as {configuration['strategy']}: of its bake times a minute takes {MINUTE:g} s, "
                f"and none takes more than {LONGEST:g} s"
            )
        if configuration.get("lifecycleHooks"):
            self._ledger.note(f"the lifecycle hooks of service {service.name} are stored, and not called in a rehearsal")


def steps_of(service: Service, deployment: Deployment) -> tuple[Step, ...]:
    """Returns the steps of a deployment; the first one of a service has no traffic to shift away."""
    return deployment_strategy.steps(deployment.request) if service.production is not None else (Step(100, 0),)


def withdrawn_deployments(service: Service) -> list[Deployment]:
    """Returns the deployments that shifted traffic, or were to, and did not complete."""
    return [d for d in service.deployments[1:] if d.is_shifting and d.rollout != "COMPLETED"]


def full_deployments(service: Service) -> list[Deployment]:
    """Returns the deployments that all tasks of a service run of: the new one once it may start, and the former one until it is cleaned up."""
    primary, production = service.primary, service.production
    deployments = [] if primary.is_shifting and primary.rollout == "IN_PROGRESS" and not primary.shift.has_started else [primary]
    if production is not None and production is not primary and primary.shift.stage != traffic_shift.CLEAN_UP:
        deployments.append(production)
    return deployments
