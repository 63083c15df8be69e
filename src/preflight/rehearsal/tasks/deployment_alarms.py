"""Fails deployments whose alarms go into the state ALARM, and rolls them back if the service says so.

A rehearsal has no metrics that could move an alarm; a client does it by SetAlarmState. An alarm that is in ALARM when a
deployment is created is ignored for all of it, with its others.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

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
        """Fail each deployment that has an alarm in ALARM, and had none when it was created."""
        for service in list(self._state.services.values()):
            deployment, alarms = service.primary, alarms_of(service.primary)
            if deployment.rollout != "IN_PROGRESS" or not alarms.get("enable"):
                continue
            since = self._in_alarm_since(service.region, alarms.get("alarmNames") or [])
            counts = self._watched.setdefault(deployment.id, since is None or since >= deployment.created)
            if since is not None and counts:
                self._fail(service, deployment, rolls_back=bool(alarms.get("rollback")))

    def _fail(self, service: Service, deployment: Deployment, *, rolls_back: bool) -> None:
        with self._state.changed:
            if deployment.rollout == "IN_PROGRESS" and deployment.shift.stage != traffic_shift.CLEAN_UP:
                circuit_breaker.fail(service, deployment, DETECTED, rolls_back=rolls_back)
                self._state.changed.notify_all()

    def _in_alarm_since(self, region: str, names: Sequence[str]) -> datetime | None:
        """Returns when the first of the alarms that are in ALARM went there, without a zone, or None if none is."""
        if not names:
            return None
        cloudwatch = self._state.account.client("cloudwatch", region)
        try:
            described = cloudwatch.describe_alarms(AlarmNames=list(names))
        except ClientError:
            return None
        alarms = [*(described.get("MetricAlarms") or []), *(described.get("CompositeAlarms") or [])]
        since = [alarm["StateUpdatedTimestamp"] for alarm in alarms if alarm["StateValue"] == "ALARM"]
        return min(since).astimezone(timezone.utc).replace(tzinfo=None) if since else None


def alarms_of(deployment: Deployment) -> JsonObject:
    """Returns the alarms that may fail a deployment."""
    return dict((deployment.request.get("deploymentConfiguration") or {}).get("alarms") or {})
