"""What reaches a service of this machine."""

from __future__ import annotations

import contextlib
import socket


def is_reached(listener: socket.socket) -> bool:
    """Whether anything connects within the time that the socket waits."""
    with contextlib.suppress(TimeoutError):
        listener.accept()[0].close()
        return True
    return False
