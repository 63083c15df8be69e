"""A user who is not root, with a copy of this repository's own deployment."""

from __future__ import annotations

import shutil
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from preflight.comply import cfn_guard_binary
from preflight.errors import PreflightError
from preflight.system import processes
from preflight.system.processes import CompletedProcess
from tests.integration.emulator import ROOT

PYTHON = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"  # one that every user may run
TUN = Path("/dev/net/tun")
PARTS = ("src", "cfn", "rules", "docker", "preflight.yaml")
AsUser = Callable[..., CompletedProcess]


@pytest.fixture(scope="session")
def user() -> Iterator[str]:
    """The name of a new user."""
    name = f"preflight-{uuid.uuid4().hex[:8]}"
    try:
        processes.run_checked("useradd", "--create-home", name, timeout=60)
    except PreflightError as error:
        pytest.skip(f"a user cannot be made: {error}")
    yield name
    processes.run("pkill", "--signal", "KILL", "--uid", name, timeout=60)
    processes.run_checked("userdel", "--force", "--remove", name, timeout=60)


@pytest.fixture(scope="session")
def as_user(user: str) -> AsUser:
    """Runs the program as the user, in a copy of this repository's own deployment."""
    if TUN.exists() and TUN.stat().st_mode & 0o006 != 0o006:
        pytest.skip(f"users cannot open {TUN}, which podman needs for their networks: chmod 666 {TUN}")
    home = Path("/home") / user
    cache = home / ".cache" / "fargate-preflight"
    cache.mkdir(parents=True)
    shutil.copy(cfn_guard_binary.find().path, cache / cfn_guard_binary.cached().name)
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, home / part)
    processes.run_checked("chown", "--recursive", user, str(home), timeout=60)
    packages = [path for path in sys.path if path.endswith("-packages")]
    command = ("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--reset-env")
    env = (f"PYTHONPATH={':'.join([str(home / 'src'), *packages])}", f"XDG_RUNTIME_DIR={home}", "PATH=/usr/bin:/bin")

    def run(*args: str, module: str = "preflight") -> CompletedProcess:
        return processes.run(*command, "env", "--chdir", str(home), *env, PYTHON, "-m", module, *args, timeout=600)

    tried = run("--version")
    if tried.code != 0:
        pytest.skip(f"{PYTHON} cannot run the program as another user: {tried.stderr[-300:]}")
    return run
