from __future__ import annotations

import os
import platform
import signal
from pathlib import Path
from unittest import mock

import pytest

from preflight.container_engine import user_namespace
from preflight.system import processes, run_folders, waiting
from preflight.system.processes import CompletedProcess


@pytest.fixture(autouse=True)
def _user_with_podman(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (user_namespace.OUTER, "PREFLIGHT_ENGINE", "CONTAINER_HOST", "CONTAINER_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(processes, "which", lambda program: f"/usr/bin/{program}")


def test_a_user_with_podman_gets_namespaces() -> None:
    assert user_namespace.is_of_use()


def test_root_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    assert not user_namespace.is_of_use()


@pytest.mark.parametrize(
    ("name", "value"), [(user_namespace.OUTER, "1:1"), ("PREFLIGHT_ENGINE", "docker"), ("CONTAINER_HOST", "ssh://there"), ("CONTAINER_CONNECTION", "there")]
)
def test_a_run_inside_or_on_another_engine_stays_where_it_is(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    assert not user_namespace.is_of_use()


def test_podman_says_why_it_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "run", mock.Mock(return_value=CompletedProcess(("podman",), 125, "", "newuidmap is missing")))

    assert user_namespace.trouble() == "`podman unshare --rootless-netns true` ended with 125: newuidmap is missing"


@pytest.mark.parametrize(
    ("is_there", "is_open", "step"),
    [(True, True, "apt-get install --yes --no-install-recommends uidmap slirp4netns"), (True, False, "chmod 666 {} (this user cannot open it)"), (False, False, "modprobe tun (there is no {})")],
    ids=["a device that is open", "one that is not", "none"],
)
def test_root_is_asked_for_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, is_there: bool, is_open: bool, step: str) -> None:
    device = tmp_path / "tun"
    if is_there:
        device.touch()
    monkeypatch.setattr(user_namespace, "_TUN", device)
    monkeypatch.setattr(os, "access", lambda _path, _mode: is_open)

    assert user_namespace.fix() == step.format(device)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the run inside gets besides this one's environment."""
    take_over = mock.Mock(return_value=0)
    monkeypatch.setattr(processes, "take_over", take_over)
    monkeypatch.setenv("PATH", "/usr/local/bin:/usr/bin")
    user_namespace.run_again(["check"])
    return dict(take_over.call_args.kwargs["env"])


def test_a_path_without_the_system_programs_gets_them(environment: dict[str, str]) -> None:
    assert environment["PATH"] == "/usr/local/bin:/usr/bin:/usr/sbin:/sbin"


def test_run_folders_stay_where_a_sweep_looks(environment: dict[str, str]) -> None:
    assert environment["TMPDIR"] == str(run_folders.runs().parent)


def test_a_run_inside_stops_after_the_one_outside_was_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    process = processes.start("sleep", "60")
    monkeypatch.setenv(user_namespace.OUTER, ":".join(map(str, run_folders.owner(process.pid))))
    stop = mock.Mock()
    monkeypatch.setattr(os, "kill", stop)
    monkeypatch.setattr(user_namespace, "_INTERVAL", 0.01)

    user_namespace.end_with_outer()
    monkeypatch.setattr(run_folders, "is_owner_alive", lambda _name: False)
    waiting.until(lambda: stop.called, what="the run to stop", timeout=5)
    monkeypatch.undo()
    process.kill()

    stop.assert_called_once_with(os.getpid(), signal.SIGTERM)
