"""Names, images and number of the containers of a task definition. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from preflight.rehearsal.ecs.validation import Request

NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
SAID_OF_NAMES = "may contain only letters, numbers, underscores and hyphens, up to 255."
MAX_CONTAINERS = 10
MAX_BYTES = 65536
_IMAGE = re.compile(r"[A-Za-z0-9_:./#@-]+")
_DIGEST = re.compile(r"sha256:[A-Fa-f0-9]{64}")


def size(request: Request) -> Iterator[str]:
    """A task definition holds at most 64 KiB."""
    length = len(json.dumps(request, separators=(",", ":"), default=str).encode())
    if length > MAX_BYTES:
        yield f"Actual length: '{length}'. Max allowed length is '{MAX_BYTES}' bytes."


def family(request: Request) -> Iterator[str]:
    """What is wrong with the family's name."""
    if not NAME.fullmatch(str(request.get("family", ""))):
        yield f"Family should not be blank and {SAID_OF_NAMES}"


def containers(request: Sequence[Request]) -> Iterator[str]:
    """What is wrong with how many containers there are, and with what they are called."""
    if not request:
        yield "Container list cannot be empty."
    for container in request:
        yield from _container(container)
    names = [container.get("name") for container in request]
    if len(set(names)) < len(names):
        yield "Container names must be unique within a task definition"
    if not any(_is_essential(container) for container in request):
        yield "Task definition doesn't have any essential container"
    if len(request) > MAX_CONTAINERS:
        yield "Too many containers"


def _is_essential(container: Request) -> bool:
    return container.get("essential") is not False


def _container(container: Request) -> Iterator[str]:
    for key in ("name", "image"):
        if not container.get(key):
            yield f"Container.{key} should not be null or empty."
    if not NAME.fullmatch(str(container.get("name"))):
        yield f"Container name '{container.get('name')}' {SAID_OF_NAMES}"
    yield from _image(str(container.get("image")))


def _image(image: str) -> Iterator[str]:
    name, _, digest = image.partition("@")
    if not _IMAGE.fullmatch(image):
        yield "Container.image contains invalid characters."
    if len(name) > 255:
        yield "Container.image repository exceeds maximum length of 255 characters."
    if "@" in image and not _DIGEST.fullmatch(digest):
        yield f"Container.image '{image}' has a digest that is not sha256: and 64 hexadecimal digits."
