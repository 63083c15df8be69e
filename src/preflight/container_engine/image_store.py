"""Images of podman's store that a killed commit left without their parts: with one of them, podman lists no image at all.

Such an image has no name, since podman names an image last. Its parts may be on their way, so that it counts as left
only if it is in the same state some seconds later.
"""

from __future__ import annotations

import json
import re

from preflight.container_engine import engine_info
from preflight.container_engine.engine import Engine
from preflight.errors import ToolBrokeError
from preflight.model import Say
from preflight.system import waiting

SETTLED = 3.0  # seconds in which a commit writes the parts of its image
MOST = 100  # images that are removed at a time
_SIGN = re.compile(r"remov(?:e|ing) the image to resolve the (?:error|issue)|may be corrupted")
_ID = re.compile(r"(?:image|with ID) \\?\"([0-9a-f]{64})\\?\"")


def corrupt_image(engine: Engine) -> str | None:
    """Returns the id of an image that cannot be read and stays so, or None."""
    image = _unreadable(engine)
    while image is not None:
        waiting.pause(SETTLED)
        former, image = image, _unreadable(engine)
        if image == former:
            break
    return image


def _unreadable(engine: Engine) -> str | None:
    completed = engine.run("images", "--all", "--quiet") if engine.program == "podman" else None
    if completed is None or not _SIGN.search(completed.stderr):
        return None
    match = _ID.search(completed.stderr)
    return match[1] if match else None


def repair(engine: Engine, say: Say, *, is_dry: bool = False) -> int:
    """Remove the images that killed commits left; how many these were.

    Raises:
        ToolBrokeError: one has a name, so that it is not known whose it is, or it cannot be removed.
    """
    seen: set[str] = set()
    while (image := corrupt_image(engine)) is not None and len(seen) < MOST:
        if image in seen or _names(engine, image):
            raise ToolBrokeError(advice(engine, image))
        seen.add(image)
        say(f"{'would remove' if is_dry else 'removing'} image {image[:12]}, which a killed commit left without its parts")
        if is_dry:
            break
        engine.run("rmi", "--force", image)
    return len(seen)


def advice(engine: Engine, image: str) -> str:
    """Returns what is wrong with an image that cannot be read, and what to do."""
    names = ", ".join(_names(engine, image)) or "no name"
    return f"image {image[:12]} ({names}) of podman's store cannot be read, and with it no image is listed. Next: podman rmi --force {image[:12]}"


def _names(engine: Engine, image: str) -> list[str]:
    """Returns the names of an image, out of the list of the store: podman does not say them any more."""
    names: list[str] = []
    for file in engine_info.store(engine).glob("*-images/images.json"):
        try:
            listed = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        names += [str(name) for one in listed if one.get("id") == image for name in one.get("names") or ()]
    return names
