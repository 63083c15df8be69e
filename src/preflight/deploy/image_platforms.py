"""For which platforms an image of a plan is wanted: those of the tasks that name it. Pure.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html (without a word about
it, a task is for X86_64 on Linux).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from preflight.aws import unresolved
from preflight.plan import placeholders
from preflight.plan.plan import ImageStep, Plan
from preflight.plan.resolved_stacks import ResolvedStacks
from preflight.plan.texts import DEFINITION, HOLE, Texts

DEFAULT = "linux/amd64"
LATEST = "latest"
_ECR = re.compile(rf"[0-9]{{12}}\.dkr[.-]ecr\b|.*{HOLE}")


def of_images(plan: Plan, every: ResolvedStacks, *, run: str) -> dict[str, str]:
    """The platforms of each image that a plan builds and a task names, with commas between, by the name of its step."""
    values = placeholders.of(plan, run=run)  # as the estate has them
    images = [step for step in plan.steps if isinstance(step, ImageStep)]
    by_name = {image.name: ",".join(platforms(every, placeholders.fill(image.name, values))) for image in images}
    return {name: text for name, text in by_name.items() if text}


def platforms(every: ResolvedStacks, name: str) -> tuple[str, ...]:
    """The platforms, as `linux/arm64`, of the tasks whose containers name the image `repository:tag`.

    Without an architecture it is AWS's default: `linux/amd64`.
    """
    texts = Texts(every)
    every_platform: set[str] = set()
    for document in every.deployed:
        for _, definition in document.of_type(DEFINITION):
            if any(_is_of(text, name) for text in texts.images(document, definition)):
                every_platform |= set(_platforms(definition.get("RuntimePlatform")))
    return tuple(sorted(every_platform))


def _is_of(text: str, name: str) -> bool:
    """Whether an image of ECR, as far as it is known, is the one of that name."""
    registry, slash, image = text.partition("/")
    if not slash or not _ECR.match(registry):
        return False
    tagged, at, digest = image.partition("@")
    repository, _, tag = tagged.partition(":")
    wanted_repository, _, wanted_tag = name.partition(":")
    if repository != wanted_repository:
        return False
    return digest == HOLE if at else HOLE in tag or (tag or LATEST) == (wanted_tag or LATEST)


def _platforms(platform: Any) -> Iterator[str]:
    """The platforms of a task definition; both where an undecided condition stands between two."""
    if unresolved.function_of(platform) == "Fn::If":
        for branch in platform["Fn::If"][1:]:
            yield from _platforms(branch)
        return
    platform = platform if isinstance(platform, dict) else {}
    system = "windows" if str(platform.get("OperatingSystemFamily")).startswith("WINDOWS") else "linux"
    for architecture in _branches(platform.get("CpuArchitecture")):
        yield f"{system}/{'arm64' if architecture == 'ARM64' else 'amd64'}"


def _branches(value: Any) -> Iterator[Any]:
    if unresolved.function_of(value) == "Fn::If":
        for branch in value["Fn::If"][1:]:
            yield from _branches(branch)
    else:
        yield value
