"""Pulls images, within bounds of time and disk whatever a registry answers.

The engines bound manifests, tokens and configurations themselves, to 4 MiB and less
(https://github.com/containers/image/blob/main/internal/iolimits/iolimits.go); layers they do not bound.
"""

from __future__ import annotations

from preflight.container_engine.disk_growth import DiskGrowth
from preflight.container_engine.engine import Engine
from preflight.container_engine.scratch import scratch
from preflight.errors import ToolBrokeError
from preflight.system.processes import CompletedProcess

TIMEOUT = 600.0


def pull(engine: Engine, image: str, *options: str) -> CompletedProcess:
    """Pull an image; the caller judges the exit code.

    Raises:
        ToolBrokeError: it took too long or too much of the disk.
    """
    growth = DiskGrowth(engine)
    try:
        with scratch(engine) as own:
            return own.run("pull", "--quiet", *options, image, timeout=TIMEOUT, trouble=growth.trouble)
    except ToolBrokeError as error:
        msg = f"{image} was not pulled: {error}. Next: see that its registry answers, or pull the image once by hand"
        raise ToolBrokeError(msg) from None
