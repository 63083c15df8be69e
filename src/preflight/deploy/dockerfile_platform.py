"""For which platform a Dockerfile builds its image, if it says so itself. Pure.

`FROM --platform=linux/arm64` in the last stage fixes the platform of the image, whatever the build asks for; a task of
another architecture then ends with "exec format error". Sources: https://docs.docker.com/reference/dockerfile/#from
and https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html.
"""

from __future__ import annotations

import re

from preflight.deploy import dockerfile_checks

_FROM = re.compile(r"^\s*FROM\s+(?P<options>(?:--\S+\s+)*)(?P<base>\S+)(?:\s+AS\s+(?P<stage>\S+))?\s*$", re.IGNORECASE)
_PLATFORM = re.compile(r"--platform=[\"']?(linux/[a-z0-9]+)", re.IGNORECASE)
FIX = "Take --platform out of the last FROM (a build for the task's platform follows), or set RuntimePlatform of the task definition to that platform."


def of_image(text: str) -> tuple[int, str] | None:
    """Returns line and platform of the FROM that fixes the platform of the image; None if none does."""
    stages: dict[str, tuple[int, str] | None] = {}
    fixed: tuple[int, str] | None = None
    for line, instruction in dockerfile_checks.instructions(text):
        if found := _FROM.match(instruction):
            named = _PLATFORM.search(found["options"])
            fixed = (line, named[1].lower()) if named else stages.get(found["base"].lower())
            stages[(found["stage"] or "").lower()] = fixed
    return fixed
