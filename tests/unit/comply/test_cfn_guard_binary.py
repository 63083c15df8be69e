from __future__ import annotations

from pathlib import Path

import pytest

from preflight.comply import cfn_guard_binary
from preflight.comply.cfn_guard_binary import Binary
from preflight.errors import ToolBrokeError, ToolMissingError
from preflight.system import processes


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No binary by variable, on PATH or in the cache."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(cfn_guard_binary.VARIABLE, raising=False)
    return tmp_path


def program(path: Path, said: str, code: int = 0) -> Path:
    path.write_text(f"#!/bin/sh\necho '{said}'\nexit {code}\n")
    path.chmod(0o755)
    return path


def test_a_missing_binary_is_said_with_the_next_step(nowhere: Path) -> None:
    with pytest.raises(ToolMissingError, match="preflight doctor --fix"):
        cfn_guard_binary.find()


def test_the_variable_has_to_name_a_file(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cfn_guard_binary.VARIABLE, "/no/such")

    with pytest.raises(ToolMissingError, match="/no/such"):
        cfn_guard_binary.find()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        pytest.param("", 0, id="silent"),
        pytest.param("cfn-guard 3.2.0", 0, id="another version"),
        pytest.param("cfn-guard 3.1.1", 1, id="broken"),
    ],
)
def test_another_program_is_refused(nowhere: Path, monkeypatch: pytest.MonkeyPatch, said: str, code: int) -> None:
    monkeypatch.setenv(cfn_guard_binary.VARIABLE, str(program(nowhere / "g", said, code)))

    with pytest.raises(ToolBrokeError, match="is not cfn-guard"):
        cfn_guard_binary.find()


def test_a_build_of_ones_own_is_used_and_said_so(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cfn_guard_binary.VARIABLE, str(program(nowhere / "g", "cfn-guard 3.1.1")))

    assert "not the published build" in cfn_guard_binary.find().name


def test_a_cached_binary_that_was_changed_is_refused(nowhere: Path) -> None:
    cfn_guard_binary.cached().parent.mkdir(parents=True)
    program(cfn_guard_binary.cached(), "cfn-guard 3.1.1")

    with pytest.raises(ToolBrokeError, match="SHA-256"):
        cfn_guard_binary.find()


@pytest.mark.guard
def test_the_binary_in_use_is_the_published_one(guard: Binary) -> None:
    assert guard.is_known


@pytest.mark.hostile(
    18,
    input="another program named cfn-guard on PATH or in the cache",
    happens="not run unless its SHA-256 is that of the published build",
)
@pytest.mark.parametrize("place", ["PATH", "cache"])
def test_a_program_that_is_not_the_published_one_is_never_run(nowhere: Path, place: str) -> None:
    path = nowhere / "cfn-guard" if place == "PATH" else cfn_guard_binary.cached()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n: > {nowhere}/ran\necho cfn-guard 3.1.1\n")
    path.chmod(0o755)

    with pytest.raises(ToolBrokeError, match="was not run"):
        cfn_guard_binary.find()

    assert not (nowhere / "ran").exists()


@pytest.mark.hostile(
    18,
    input="another wheel of Node than the known one",
    happens="pip refuses its hash",
)
def test_npm_comes_from_a_wheel_whose_hash_is_known(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[tuple[tuple[str, ...], Path | None]] = []
    monkeypatch.setattr(processes, "run_checked", lambda *args, cwd=None, **_: commands.append((args, cwd)))

    cfn_guard_binary._npm_from_wheel(nowhere)

    [(command, folder)] = commands
    assert "--require-hashes" in command
    assert "--hash=sha256:b5c500aa" in (nowhere / "requirements.txt").read_text()
    assert folder == nowhere
