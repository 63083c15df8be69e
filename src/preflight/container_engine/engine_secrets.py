"""Values that containers of a run get from podman's own store of secrets, and from no command line.

Source: https://docs.podman.io/en/latest/markdown/podman-secret-create.1.html.
"""

from __future__ import annotations

import uuid

from preflight.container_engine.engine import Engine
from preflight.errors import ToolBrokeError

MAX_BYTES = 512_000  # podman takes less than that
_PREFIX = "preflight-"


def create(engine: Engine, run: str, value: str) -> str:
    """Store a value and return its name there.

    Raises:
        ToolBrokeError: podman did not take it.
    """
    name = f"{_PREFIX}{run}-{uuid.uuid4().hex}"
    completed = engine.run("secret", "create", name, "-", input_text=value)
    if completed.code != 0:
        raise ToolBrokeError(str(completed))
    return name


def remove(engine: Engine, run: str) -> None:
    """Remove the values of a run."""
    if engine.program != "podman":
        return
    names = engine.run("secret", "ls", "--format", "{{.Name}}").stdout.split()
    own = [name for name in names if name.startswith(f"{_PREFIX}{run}-")]
    if own:
        engine.run("secret", "rm", *own)
