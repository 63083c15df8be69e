"""The tasks of services that stopped, also after a rollback deleted their logs and then the services."""

from __future__ import annotations

from dataclasses import replace

from preflight.deploy.tasks import StoppedTask, Tasks


class StoppedTasks:
    """Remembers each stopped task with the last log lines that it was seen with."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._seen: dict[str, list[StoppedTask]] = {}  # by the ARN of the service

    def of_service(self, cluster: str, arn: str) -> list[StoppedTask]:
        """Returns the stopped tasks that a service has now."""
        logs = {task.arn: task.log for task in self._seen.get(arn, []) if task.arn is not None}
        current = self._tasks.stopped(cluster, arn.rpartition("/")[2])
        tasks = [task if task.log else replace(task, log=logs.get(task.arn or "", ())) for task in current]
        if tasks:
            self._seen[arn] = tasks
        return tasks

    def last_of_service(self, cluster: str, arn: str) -> list[StoppedTask]:
        """Returns the stopped tasks of a service, those that were seen last if it has none any more."""
        return self.of_service(cluster, arn) or self._seen.get(arn, [])
