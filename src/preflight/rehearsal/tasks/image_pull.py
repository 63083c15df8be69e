"""Which local image stands for the one that a container names, brought into the engine's store."""

from __future__ import annotations

import threading

from preflight.container_engine.standins import Standins
from preflight.errors import ToolBrokeError
from preflight.rehearsal.containers.runner import ContainerRunner
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.services import ecr_registry
from preflight.rehearsal.services.ecr_registry import Registry
from preflight.rehearsal.tasks.launch_calls import images
from preflight.rehearsal.tasks.launch_calls.caller import LaunchFailedError
from preflight.rehearsal.tasks.launch_calls.images import ImageReference


class Pulls:
    """Brings images of ECR from the rehearsal's registry, others from their own or by a stand-in."""

    def __init__(
        self,
        registry: Registry,
        runner: ContainerRunner,
        ledger: Ledger,
        *,
        port: int,
        standins: Standins | None,
    ) -> None:
        self._registry = registry
        self._runner = runner
        self._ledger = ledger
        self._port = port
        self._standins = standins
        self._lock = threading.Lock()

    def image(self, name: str, region: str) -> str:
        """What to run for an image name; it is in the store then.

        Raises:
            LaunchFailedError: there is no such image.
            ToolBrokeError: the engine could not bring it.
        """
        image = images.ecr_image(name)
        with self._lock:
            return self._public(name) if image is None else self._own(name, image, region)

    def is_elsewhere(self, name: str) -> bool:
        """Whether an image of ECR is not in the registry, because a cache would bring it from another one."""
        image = images.ecr_image(name)
        return image is not None and self._registry.digest(image.repository, image.reference, image.region) is None

    def _own(self, name: str, image: ImageReference, region: str) -> str:
        digest = self._registry.digest(image.repository, image.reference, image.region)
        local = f"127.0.0.1:{self._port}/{image.repository}@{digest}"
        credentials = f"{ecr_registry.USER}:{self._registry.password(region)}"
        said = self._runner.pull(local, credentials=credentials)
        if said is not None:
            msg = f"{self._runner.engine.program} could not pull {name} from the rehearsal's registry: {said}"
            raise ToolBrokeError(msg)
        return local

    def _public(self, name: str) -> str:
        if name.startswith("-"):  # to the engine it would be an option
            raise LaunchFailedError(f"CannotPullContainerError: invalid reference format: {name}")
        if self._standins is None:
            return name
        try:
            found = self._standins.image(name)
        except LookupError as said:
            start = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref"
            raise LaunchFailedError(f"{start} {images.full_name(name)}: {said}") from None
        if name in self._standins.used:
            self._ledger.note(f"{name} is a stand-in ({found}): its registry could not be reached")
        return found
