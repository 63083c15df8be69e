"""A draft as YAML with comments. Every text of a template is quoted, and no character of it ends a line. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from preflight import model
from preflight.plan.draft.draft import Draft, DraftImage, DraftRequest, DraftStack

COLUMN = 46  # of the comments, if the line is that short
MOST_COMMENT = 120


def render(draft: Draft) -> str:
    """Returns the text of preflight.yaml."""
    folder = draft.path.parent
    lines = [
        "# The deployment of this folder, for `preflight check`. Written by `preflight init`; every key is in docs/plan.md of fargate-preflight.",
        "version: 1",
        _line(f"name: {quoted(draft.name)}", "the beginning of every name: {prefix}"),
        f"region: {quoted(draft.region)}",
    ]
    if draft.templates is not None:
        lines.append(_line(f"templates: {quoted(_relative(draft.templates, folder))}", "nested templates, put into {bucket} under {templates}"))
    lines += ["", "steps:", *(line for step in draft.steps for line in _step(step, folder))]
    lines += ["", *_smoke(draft.requests)]
    if draft.images:
        lines += ["", "# What runs in the place of images that no step builds. Next: add a step with `image` and `build`, or name an image.", "images:"]
        lines += [f"  {quoted(name)}: {quoted(image)}" for name, image in draft.images.items()]
    return "\n".join(lines).rstrip("\n") + "\n"


def quoted(text: str) -> str:
    """Returns a text as a YAML scalar in double quotes, in one line of ASCII."""
    return yaml.safe_dump(text, default_style='"', width=float("inf")).rstrip("\n")


def _line(content: str, comment: str) -> str:
    shown = model.visible(comment).encode("ascii", "backslashreplace").decode()
    shown = shown if len(shown) <= MOST_COMMENT else f"{shown[:MOST_COMMENT]}..."
    return f"{content:<{COLUMN}}  # {shown}" if shown else content


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _step(step: DraftStack | DraftImage, folder: Path) -> Iterator[str]:
    if isinstance(step, DraftImage):
        yield _line(f"  - image: {quoted(step.name)}", step.why)
        yield f"    build: {quoted(_relative(step.folder, folder))}"
        return
    yield f"  - stack: {quoted(step.name)}"
    yield f"    template: {quoted(_relative(step.template, folder))}"
    if step.values:
        yield "    parameters:"
    for name, value in step.values.items():
        yield _line(f"      {quoted(name)}: {quoted(value.text)}", value.why)
    if step.capabilities:
        yield f"    capabilities: [{', '.join(step.capabilities)}]"


def _smoke(requests: tuple[DraftRequest, ...]) -> Iterator[str]:
    if not requests:
        yield "# smoke:                                       # requests to services, and the answers that they have to give; none was found"
        return
    yield "smoke:"
    for request in requests:
        yield _line(f"  - service: {quoted(request.service)}", request.why)
        if request.is_inside:
            yield "    from: inside"
        yield f"    get: {quoted(request.path)}"
        yield f"    port: {request.port}"
        yield f"    status: {request.status}"
