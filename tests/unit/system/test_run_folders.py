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


@pytest.mark.parametrize(
    ("current", "is_repository", "is_inside"),
    [
        pytest.param("home", False, False, id="the home folder"),
        pytest.param("home", True, True, id="a home folder that is a repository"),
        pytest.param("home/checkout", False, False, id="another folder"),
        pytest.param("home/.cache", False, True, id="a folder that is checked without being a repository"),
        pytest.param("/", False, False, id="the root folder, as in the build of an image"),
    ],
)
def test_a_cache_lies_in_what_is_checked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, current: str, *, is_repository: bool, is_inside: bool
) -> None:
    for name in ("home/checkout", "home/.cache/x"):
        (tmp_path / name).mkdir(parents=True)
    if is_repository:
        (tmp_path / current / ".git").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / current)

    assert run_folders.is_in_checkout(tmp_path / "home" / ".cache" / "x") is is_inside


def test_the_cache_that_the_caller_names_is_used_from_the_root_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir("/")

    assert run_folders.cache_path() == tmp_path / run_folders.NAME


def test_a_cache_in_the_checkout_is_replaced_by_the_same_folder_each_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path.parent))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
    before = run_folders.cache_path()

    run_folders.leave_checkout()

    assert run_folders.cache_path() == before
    assert not run_folders.is_in_checkout(before)
