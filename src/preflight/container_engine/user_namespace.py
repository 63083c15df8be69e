"""A run of a user who is not root, inside a user namespace and a network namespace of podman's.

There this program is root as far as its own namespaces go: containers have no network but their task's own, ports below
1024 are free, and nothing listens on loopback but this run. Source: https://docs.podman.io/en/latest/markdown/podman-unshare.1.html.
"""

from __future__ import annotations

import os
import platform
import signal
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from preflight.system import processes, run_folders, waiting

OUTER = "PREFLIGHT_OUTER"  # names the process outside, to the one inside
PACKAGES = ("uidmap", "slirp4netns")
_COMMAND = ("podman", "unshare", "--rootless-netns")
_SYSTEM = ("/usr/sbin", "/sbin")  # where iptables is, which a user's PATH may lack
_INTERVAL = 1.0
_TUN = Path("/dev/net/tun")


def is_of_use() -> bool:
    """Whether this user's podman would isolate containers better inside namespaces of its own."""
    is_podman = os.environ.get("PREFLIGHT_ENGINE", "podman") == "podman" and processes.which("podman") is not None
    is_local = not {OUTER, "CONTAINER_HOST", "CONTAINER_CONNECTION"} & set(os.environ)
    return platform.system() == "Linux" and os.geteuid() != 0 and is_podman and is_local


def trouble() -> str | None:
    """Returns why podman cannot make them, or None."""
    tried = processes.run(*_COMMAND, "true", timeout=60)
    return None if tried.code == 0 else f"`{' '.join(_COMMAND)} true` ended with {tried.code}: {tried.stderr.strip()[-300:]}"


def fix() -> str:
    """Returns what root has to do so that podman can make them.

    The device may be open to everyone: https://docs.kernel.org/networking/tuntap.html.
    """
    if not _TUN.exists():
        return f"modprobe tun (there is no {_TUN})"
    if not os.access(_TUN, os.R_OK | os.W_OK):
        return f"chmod 666 {_TUN} (this user cannot open it)"
    return f"apt-get install --yes --no-install-recommends {' '.join(PACKAGES)}"


def can_isolate(say: Callable[[str], None]) -> bool:
    """Whether podman can isolate the containers in namespaces; says why it cannot, if they would be better isolated there."""
    if not is_of_use():
        return False
    reason = trouble()
    if reason is not None:
        say(f"containers are not isolated: {reason}. Next: as root, {fix()}")
    return reason is None


def run_again(arguments: Sequence[str]) -> int:
    """Run this program inside, with the same arguments and streams, and return its exit code."""
    return run_command_again([*processes.OWN_COMMAND, *arguments])


def run_command_again(command: Sequence[str]) -> int:
    """Run the command of this process inside, with the same streams, and return its exit code.

    What would stop this process goes to the one inside, which cleans up and ends with the code for it.
    """
    path = os.environ.get("PATH", os.defpath).split(":")
    temporary = tempfile.gettempdir()  # podman names another one, where a sweep would not look
    env = {OUTER: run_folders.owner_name(), "PATH": ":".join(dict.fromkeys([*path, *_SYSTEM])), "TMPDIR": temporary}
    return processes.take_over(*_COMMAND, *command, env=env)


def end_with_outer() -> None:
    """Let this process, if it runs inside, stop when the one outside is killed."""
    outer = os.environ.get(OUTER)
    if outer is not None:
        threading.Thread(target=_watch, args=(outer,), daemon=True).start()


def _watch(outer: str) -> None:
    while run_folders.is_owner_alive(outer):
        waiting.pause(_INTERVAL)
    os.kill(os.getpid(), signal.SIGTERM)
