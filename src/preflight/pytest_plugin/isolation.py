"""A session of pytest of a user who is not root, inside namespaces of podman's, as `preflight check` runs there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from preflight.container_engine import user_namespace

if TYPE_CHECKING:
    import pytest


def run_again(config: pytest.Config, say: Callable[[str], None]) -> int | None:
    """Returns the exit code of the session inside; None if the session continues here, where containers may reach the network.

    The command line is the one of this process, so a session that another program started stays where it is.
    """
    user_namespace.end_with_outer()
    is_own = tuple(config.invocation_params.args) == tuple(sys.argv[1:])
    if not is_own or not user_namespace.can_isolate(lambda text: say(f"preflight: {text}")):
        return None
    return user_namespace.run_command_again([sys.executable, *sys.orig_argv[1:]])
