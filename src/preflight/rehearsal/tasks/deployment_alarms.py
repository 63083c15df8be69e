"""Fails deployments whose alarms go into the state ALARM, and rolls them back if the service says so.

A rehearsal has no metrics that could move an alarm; a client does it by SetAlarmState. An alarm that is in ALARM when a
deployment begins is ignored for all of it, with its others.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html.
"""

from __future__ import annotations

from collections.abc import Sequence

from botocore.exceptions import ClientError

from preflight.model import JsonObject
from preflight.rehearsal.ecs import traffic_shift
from preflight.rehearsal.ecs.state import Deployment, Service, State
from preflight.rehearsal.tasks import circuit_breaker
from preflight.system.worker import Worker

INTERVAL = 0.25  # seconds between looks at the alarms
DETECTED = "alarm detected."


class DeploymentAlarms:
    """One thread that looks at the alarms of deployments in progress."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._watched: dict[str, bool] = {}  # whether the alarms of a deployment, by its ID, count
        self._worker = Worker(self._look_again, name="alarms")

    def start(self) -> None:
        """Start to look."""
        self._worker.start()

    def close(self) -> None:
        """Stop looking; the account is closing."""
        self._worker.stop()

    def _look_again(self) -> None:
        self.look()
        self._state.account.closing.wait(INTERVAL)

    def look(self) -> None:
        """Fail each deployment that has an alarm in ALARM, which was not when it began."""
        for service in list(self._state.services.values()):
            deployment, alarms = service.primary, alarms_of(service.primary)
            if deployment.rollout != "IN_PROGRESS" or not alarms.get("enable"):
                continue
            is_detected = self._is_any_in_alarm(service.region, alarms.get("alarmNames") or [])
            counts = self._watched.setdefault(deployment.id, not is_detected)
            if is_detected and counts:
                self._fail(service, deployment, rolls_back=bool(alarms.get("rollback")))

    def _fail(self, service: Service, deployment: Deployment, *, rolls_back: bool) -> None:
        with self._state.changed:
            if deployment.rollout == "IN_PROGRESS" and deployment.shift.stage != traffic_shift.CLEAN_UP:
                circuit_breaker.fail(service, deployment, DETECTED, rolls_back=rolls_back)
                self._state.changed.notify_all()

    def _is_any_in_alarm(self, region: str, names: Sequence[str]) -> bool:
        if not names:
            return False
        cloudwatch = self._state.account.client("cloudwatch", region)
        try:
            described = cloudwatch.describe_alarms(AlarmNames=list(names))
        except ClientError:
            return False
        alarms = [*(described.get("MetricAlarms") or []), *(described.get("CompositeAlarms") or [])]
        return any(alarm["StateValue"] == "ALARM" for alarm in alarms)


def alarms_of(deployment: Deployment) -> JsonObject:
    """Returns the alarms that may fail a deployment."""
    return dict((deployment.request.get("deploymentConfiguration") or {}).get("alarms") or {})
