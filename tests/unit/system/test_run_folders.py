from __future__ import annotations

import os
from pathlib import Path

import pytest

from preflight.system import run_folders

IN_A_USER_NAMESPACE = "         0       1001          1\n         1     100000      65536\n"


@pytest.mark.parametrize(("inside", "outside"), [(0, 1001), (1, 100000), (1000, 100999)])
def test_runs_inside_a_user_namespace_lie_where_the_user_outside_looks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, inside: int, outside: int
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(os, "getuid", lambda: inside)
    monkeypatch.setattr(Path, "read_text", lambda _path, **_options: IN_A_USER_NAMESPACE)

    assert run_folders._user() == outside
