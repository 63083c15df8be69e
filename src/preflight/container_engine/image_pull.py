"""Pulls images, within bounds of time and disk whatever a registry answers.

The engines bound manifests, tokens and configurations themselves, to 4 MiB and less
(https://github.com/containers/image/blob/main/internal/iolimits/iolimits.go); layers they do not bound.
"""

from __future__ import annotations

import contextlib

from preflight.container_engine import engine_info, pull_network
from preflight.container_engine.disk_growth import DiskGrowth
from preflight.container_engine.engine import Engine
from preflight.container_engine.scratch import scratch
from preflight.errors import ToolBrokeError
from preflight.system.processes import CompletedProcess

TIMEOUT = 600.0


def pull(engine: Engine, image: str, *options: str, is_own: bool = False) -> CompletedProcess:
    """Pull an image; the caller judges the exit code. Only the run's own registry (`is_own`) may be on this machine.

    Raises:
        ToolBrokeError: it took too long or too much of the disk.
    """
    if not is_own and pull_network.is_here(image):
        why = f"Error: {image}: connection refused: its registry is this machine, or an address that only this machine has"
        return CompletedProcess((engine.program, "pull"), 125, "", why)
    growth = DiskGrowth(engine_info.store(engine))
    network = contextlib.nullcontext(engine) if is_own else pull_network.restricted(engine, image)
    try:
        with network as restricted, scratch(restricted) as own:
            return own.run("pull", "--quiet", *options, image, timeout=TIMEOUT, trouble=growth.trouble)
    except ToolBrokeError as error:
        msg = f"{image} was not pulled: {error}. Next: check that its registry answers, or pull the image once by hand"
        raise ToolBrokeError(msg) from None
