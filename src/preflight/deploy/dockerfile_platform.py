"""For which platform a Dockerfile builds its image, if it says so itself. Pure.

`FROM --platform=linux/arm64` in the last stage fixes the platform of the image, whatever the build asks for; a task of
another architecture then ends with "exec format error". Sources: https://docs.docker.com/reference/dockerfile/#from
and https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html.
"""

from __future__ import annotations

import re

from preflight.deploy import dockerfile

_PLATFORM = re.compile(r"linux/[a-z0-9]+", re.IGNORECASE)
FIX = "Remove --platform from the last FROM (a build for the task's platform follows), or set RuntimePlatform of the task definition to that platform."


def of_image(text: str) -> tuple[int, str] | None:
    """Returns line and platform of the FROM that fixes the platform of the image; None if none does."""
    stages: dict[str, tuple[int, str] | None] = {}
    fixed: tuple[int, str] | None = None
    for one in dockerfile.instructions(text):
        words = one.rest.split() if one.keyword == "FROM" else []
        if words:
            match = next(filter(None, map(_PLATFORM.match, one.values("--platform"))), None)
            fixed = (one.line, match[0].lower()) if match else stages.get(words[0].lower())
            stages[(words[2] if len(words) > 2 else "").lower()] = fixed
    return fixed
