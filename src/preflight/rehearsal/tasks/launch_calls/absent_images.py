"""Images that ECR does not have in the rehearsal and may have on AWS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from preflight.rehearsal.containers import image_patterns

# The repository that `cdk bootstrap` creates, to which `cdk deploy` pushes images before it creates a stack.
# Source: https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html.
ASSETS_OF_CDK = re.compile(r"cdk-[a-z0-9]{1,10}-container-assets-\d{12}-[a-z0-9-]+")


class ForeignPrograms(Protocol):
    """What runs on AWS and not here."""

    def pusher(self, repository: str, user: str) -> str | None:
        """Returns what may push an image to a repository, or None."""

    def file_writer(self, file_system: str, user: str) -> str | None:
        """Returns what may create a folder of a file system, or None."""


class Replacements:
    """The images that the plan runs in the place of others."""

    def __init__(self, images: Mapping[str, str]) -> None:
        self._images = dict(images)

    def of(self, image: str) -> str | None:
        """Returns the image that runs in the place of one, as a task definition names it, or None."""
        return next((new for pattern, new in self._images.items() if image_patterns.matches(pattern, image)), None)


@dataclass(frozen=True)
class AbsentImages:
    """Where images come from that ECR does not have here: what the plan runs in their place, or programs of AWS."""

    replacements: Replacements
    programs: ForeignPrograms

    def origin(self, repository: str, user: str, *, exists: bool) -> str | None:
        """Returns what may push images to a repository on AWS, or None."""
        if not exists and ASSETS_OF_CDK.fullmatch(repository):
            return "`cdk deploy`"
        return self.programs.pusher(repository, user)
