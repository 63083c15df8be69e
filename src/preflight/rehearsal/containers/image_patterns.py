"""Patterns by which a plan names images."""

from __future__ import annotations

import fnmatch

from preflight.rehearsal.ecs.validation import task_definition


def matches(pattern: str, image: str) -> bool:
    """Whether a pattern, in which `*` and `?` are wildcards, names an image as a task definition does.

    It may leave out the tag, and the registry of an image of ECR.
    """
    name = image.partition("@")[0]
    head, slash, tail = name.rpartition("/")
    names = [image, name, head + slash + tail.partition(":")[0]]
    if task_definition.ECR_IMAGE.match(image):
        names += [text.partition("/")[2] for text in names]
    return any(fnmatch.fnmatchcase(text, pattern) for text in names)
