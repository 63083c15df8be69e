"""Reports the states of resources and tasks to a display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from preflight.deploy.declared_resources import DeclaredResources
from preflight.deploy.tasks import StoppedTask, Tasks
from preflight.model import Progress, Say


class ReportedStates:
    """Reports each resource, and each task until it is not to run any more."""

    def __init__(self, resources: DeclaredResources, tasks: Tasks, say: Say) -> None:
        self._resources = resources
        self._tasks = tasks
        self._say = say
        self._wanted: tuple[tuple[str, str], ...] = ()  # tasks and their services, as they were reported last

    def report(self, services: Mapping[str, str], stopped: Sequence[StoppedTask]) -> None:
        """Report all states; `services` has clusters by the ARNs of services."""
        for logical, detail, status in self._resources.states():
            self._say(Progress(kind="resource", name=logical, detail=detail, state=status))
        states = {}
        for arn, cluster in services.items():
            service = arn.rpartition("/")[2]
            states.update({(task, service): status for task, status in self._tasks.states(cluster, service)})
        ended = {((each.arn or "-").rpartition("/")[2], each.service): f"STOPPED: {each.reason}" for each in stopped}
        for (task, service), state in {**dict.fromkeys(self._wanted, "STOPPING"), **states, **ended}.items():
            self._say(Progress(kind="task", name=task, detail=service, state=state))
        self._wanted = tuple(states)
