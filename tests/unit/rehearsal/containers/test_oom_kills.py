from __future__ import annotations

from pathlib import Path

import pytest

from preflight.rehearsal.containers import oom_kills


def test_kills_for_memory_are_counted(tmp_path: Path) -> None:
    counter = tmp_path / "memory.events"
    counter.write_text("low 0\noom 1\noom_kill 1\n")

    assert oom_kills.kills(counter) == 1


@pytest.mark.parametrize(
    "counter", [pytest.param(Path("/nowhere/memory.events"), id="the file is gone"), pytest.param(None, id="no file")]
)
def test_without_a_counter_there_are_no_kills(counter: Path | None) -> None:
    assert oom_kills.kills(counter) == 0
