"""Sweeps of this machine."""

from __future__ import annotations

import fcntl
from concurrent import futures
from pathlib import Path

import pytest

from preflight.sweep import this_machine
from preflight.system import run_folders


def test_one_sweep_waits_for_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(run_folders, "cache", lambda: tmp_path)
    monkeypatch.setattr(this_machine, "_sweep", lambda *_args, **_options: 3)
    with futures.ThreadPoolExecutor(1) as pool:
        with (tmp_path / "sweep.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            swept = pool.submit(this_machine.sweep_machine, print)
            with pytest.raises(futures.TimeoutError):
                swept.result(timeout=0.3)

        assert swept.result(timeout=20) == 3
