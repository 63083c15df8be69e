from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest

from preflight.rehearsal.containers import task_spec
from preflight.rehearsal.containers.running_task import RunningTask, RunningTasks
from preflight.rehearsal.tasks import disk_limit
from preflight.rehearsal.tasks.disk_limit import DiskLimit
from preflight.system import waiting

GIBIBYTE = 1 << 30
PATIENCE = 5.0


def task(size: int | None = None) -> mock.Mock:
    api = {"ephemeralStorage": {"sizeInGiB": size}} if size else {}
    return mock.Mock(id="t", definition=mock.Mock(api=api))


@pytest.mark.parametrize(
    ("size", "free", "expected"),
    [
        pytest.param(None, 100, 20, id="what Fargate gives"),
        pytest.param(50, 100, 50, id="what it asks"),
        pytest.param(None, 10, 6, id="what the machine can spare"),
        pytest.param(None, 4, 2, id="half of a small disk"),
    ],
)
def test_a_task_has_the_disk_that_it_asks_or_the_machine_can_spare(size: int | None, free: int, expected: int) -> None:
    assert disk_limit.limit(task(size), free * GIBIBYTE) == expected * GIBIBYTE


def test_what_is_written_is_measured_and_no_link_followed(tmp_path: Path) -> None:
    (tmp_path / "task").mkdir()
    (tmp_path / "other").write_bytes(b"x" * 5_000_000)
    (tmp_path / "task" / "file").write_bytes(b"x" * 1_000_000)
    (tmp_path / "task" / "link").symlink_to(tmp_path / "other")

    assert 1_000_000 <= disk_limit.measure({str(tmp_path / "task")}) < 2_000_000


@pytest.mark.hostile(
    8,
    input="a task fills the disk",
    happens="stopped as on Fargate: no space left on device",
    limit="20 GiB or its `EphemeralStorage`, less where the machine has less",
)
def test_a_task_that_wrote_too_much_is_stopped_and_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_limit, "INTERVAL", 0.05)
    monkeypatch.setattr(disk_limit, "limit", lambda *_: 1_000_000)
    spec = task_spec.from_task_definition(
        {"family": "f", "revision": 1, "containerDefinitions": [{"name": "a", "image": "i"}]}
    )
    running_tasks = RunningTasks()
    running_tasks.add("t", running := RunningTask(spec))
    running.ids["a"] = "c"
    runner = mock.Mock(folder=tmp_path, engine=mock.Mock(is_local=True))
    runner.written_paths.return_value = (str(tmp_path),)
    stop = mock.Mock()
    watch = DiskLimit(mock.Mock(tasks={"t": task()}), running_tasks, runner, stop)

    watch.start()
    try:
        waiting.pause(0.3)
        before = stop.called
        (tmp_path / "file").write_bytes(b"x" * 2_000_000)
        waiting.until(lambda: runner.kill.called, what="the kill", timeout=PATIENCE)
    finally:
        watch.close()

    assert not before
    assert "no space left on device" in stop.call_args.kwargs["reason"]
    assert runner.kill.call_args.args == (["c"],)
