"""Pulls the image that a container names, or a stand-in for it, into the engine's store."""

from __future__ import annotations

import threading

from preflight.container_engine import image_names
from preflight.container_engine.standins import Standins
from preflight.errors import ToolBrokeError
from preflight.rehearsal.containers.runner import ContainerRunner
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.services import ecr_registry
from preflight.rehearsal.services.ecr_registry import Registry
from preflight.rehearsal.tasks.launch_calls import images
from preflight.rehearsal.tasks.launch_calls.absent_images import Replacements
from preflight.rehearsal.tasks.launch_calls.caller import LaunchFailedError
from preflight.rehearsal.tasks.launch_calls.images import ImageReference


class Pulls:
    """Pulls images of ECR from the emulated registry, and others from their own registry or as stand-ins."""

    def __init__(
        self, registry: Registry, runner: ContainerRunner, ledger: Ledger, *, port: int, standins: Standins | None, replacements: Replacements
    ) -> None:
        self._registry = registry
        self._runner = runner
        self._ledger = ledger
        self._port = port
        self._standins = standins
        self._replacements = replacements
        self._lock = threading.Lock()

    def image(self, name: str, region: str) -> str:
        """Pulls an image and returns its local name.

        Raises:
            LaunchFailedError: there is no such image.
            ToolBrokeError: the engine could not pull it.
        """
        image, replacement = images.ecr_image(name), self._replacements.of(name)
        is_absent = image is None or image.account != self._registry.account or self._digest(image) is None
        with self._lock:
            if replacement is not None and is_absent:
                return self._pull_replacement(name, replacement, region)
            return self._pull_public(name) if image is None else self._pull_from_ecr(name, image, region)

    def is_elsewhere(self, name: str) -> bool:
        """Whether an image of ECR is in another registry, from which a pull-through cache would pull it."""
        image = images.ecr_image(name)
        return image is not None and self._replacements.of(name) is None and self._digest(image) is None

    def _digest(self, image: ImageReference) -> str | None:
        return self._registry.digest(image.repository, image.reference, image.region)

    def _pull_replacement(self, name: str, replacement: str, region: str) -> str:
        """Pulls what the plan runs in the place of an image: one that a step pushed to ECR, or one of another registry."""
        self._ledger.note(f"{replacement} runs in the place of {name}, as `images` of the plan says")
        repository, _, tag = replacement.partition(":")
        pushed = ImageReference(self._registry.account, region, repository, tag or "latest")
        if "@" not in replacement and self._digest(pushed) is not None:
            return self._pull_from_ecr(replacement, pushed, region)
        return self._pull_public(replacement)

    def _pull_from_ecr(self, name: str, image: ImageReference, region: str) -> str:
        digest = self._digest(image)
        local = f"127.0.0.1:{self._port}/{image.repository}@{digest}"
        credentials = f"{ecr_registry.USER}:{self._registry.password(region)}"
        error = self._runner.pull(local, credentials=credentials)
        if error is not None:
            msg = f"{self._runner.engine.program} could not pull {name} from the rehearsal's registry: {error}"
            raise ToolBrokeError(msg)
        return local

    def _pull_public(self, name: str) -> str:
        if not image_names.is_reference(name):  # to the engine it could be an option, or a file of this machine
            raise LaunchFailedError(f"CannotPullContainerError: invalid reference format: {name}")
        if self._standins is None:
            return name
        try:
            image = self._standins.image(name)
        except LookupError as error:
            start = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref"
            raise LaunchFailedError(f"{start} {images.full_name(name)}: {error}") from None
        if name in self._standins.used:
            self._ledger.note(f"{name} is a stand-in ({image}): its registry could not be reached")
        return image
