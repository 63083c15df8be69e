"""What runs the containers of tasks on this machine, and what they find around them."""

from __future__ import annotations

from dataclasses import dataclass

from preflight.rehearsal.connectivity.task_connections import TaskConnections
from preflight.rehearsal.containers.runner import ContainerRunner
from preflight.rehearsal.containers.task_spec import TaskSpec
from preflight.rehearsal.ecs.state import Definition
from preflight.rehearsal.ecs.validation import runtime_platform
from preflight.rehearsal.network.task_listener import TaskListener
from preflight.rehearsal.tasks.awslogs import Logs
from preflight.rehearsal.tasks.image_pull import Pulls


@dataclass(frozen=True)
class ContainerBackend:
    """The container runner, image pulls, logs, and the network inside each task."""

    runner: ContainerRunner
    pulls: Pulls
    task_listener: TaskListener
    task_connections: TaskConnections
    logs: Logs

    def start(self) -> None:
        """Start the threads behind the containers."""
        self.runner.open()
        self.task_listener.start()
        self.task_connections.start()

    def close(self) -> None:
        """Stop these threads and remove every container."""
        self.task_connections.close()
        self.task_listener.close()
        self.runner.close()

    def obstacle(self, definition: Definition, spec: TaskSpec) -> str | None:
        """Returns why this machine cannot run a task, or None."""
        platform = runtime_platform.wanted(definition.api)
        if platform not in self.runner.engine.platforms:
            return f"{definition.label} wants {platform}, which this machine cannot run"
        images = [c.image for c in spec.containers if not c.is_stub and self.pulls.is_elsewhere(c.image)]
        if images:
            return (
                f"{definition.label} gets {images[0]} through a pull-through cache, and its upstream registry is not contacted here"
            )
        return None

    def pull(self, spec: TaskSpec, region: str) -> dict[str, str]:
        """Pulls the images of a task and returns the local image of each container.

        Raises:
            LaunchFailedError: there is no such image.
            ToolBrokeError: the engine could not pull it.
        """
        return {c.name: c.image if c.is_stub else self.pulls.image(c.image, region) for c in spec.containers}
