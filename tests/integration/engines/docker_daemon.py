"""A docker daemon in a network namespace of its own: it changes no route, rule or bridge of this machine."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from preflight.system import processes, waiting


@dataclass(frozen=True)
class DockerDaemon:
    """Its network namespace, and the variables that lead to it."""

    namespace: Path
    env: dict[str, str]

    def beside(self, *command: str) -> tuple[str, ...]:
        """Returns a command as it runs in the namespace, where the daemon reaches what listens on loopback."""
        return ("nsenter", f"--net={self.namespace}", *command)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[DockerDaemon]:
    """Have a daemon that keeps everything below a folder."""
    name, log = f"preflight-{uuid.uuid4().hex[:8]}", folder / "log"
    socket = f"unix://{folder}/socket"
    daemon = DockerDaemon(Path("/run/netns") / name, {"DOCKER_HOST": socket, "PREFLIGHT_ENGINE": "docker"})
    options = ("--host", socket, "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid")
    processes.run_checked("ip", "netns", "add", name, timeout=30)
    try:
        processes.run_checked("ip", "-n", name, "link", "set", "lo", "up", timeout=30)
        started = processes.start(*daemon.beside("sh", "-c", 'exec "$@" 2>&1', "sh", "dockerd", *options), output=log)
        try:
            waiting.until(lambda: "API listen on" in log.read_text(encoding="utf-8"), what=f"docker, see {log}", timeout=60)
            yield daemon
        finally:
            started.kill()
    finally:
        processes.run_checked("ip", "netns", "del", name, timeout=30)
