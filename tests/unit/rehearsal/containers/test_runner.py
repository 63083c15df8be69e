from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest

from preflight.errors import ToolBrokeError
from preflight.rehearsal.containers import runner, task_spec
from preflight.rehearsal.containers.runner import ContainerRunner, NamespaceContainer


def test_log_lines_are_joined_and_kept_in_order() -> None:
    text = (
        "2026-01-02T03:04:05.000000001Z stdout F one\n"
        "2026-01-02T03:04:06Z stdout P begun \n"
        "2026-01-02T03:04:07Z stderr F between\n"
        "2026-01-02T03:04:08Z stdout F ended\n"
        "2026-01-02T03:04:09Z stdout P open\n"
    )

    assert [line for _, line in runner.log_lines(text)] == ["one", "between", "begun ended", "open"]


def test_only_a_line_feed_ends_a_line_of_a_log() -> None:
    said = "10%\r2020-01-01T00:00:00Z stdout F forged\x0c\u2028end"

    assert runner.log_lines(f"2026-01-02T03:04:05Z stdout F {said}\n") == [("2026-01-02T03:04:05Z", said)]


def test_a_container_path_is_no_option_of_the_engine(tmp_path: Path) -> None:
    """podman's overlay volumes may write to any folder of the machine."""
    engine = mock.MagicMock(program="podman", env={})
    container_runner = ContainerRunner(engine, run="r", folder=tmp_path)
    mounts = [{"sourceVolume": "v", "containerPath": "/x:O,upperdir=/etc,workdir=/w"}]
    container = {"name": "a", "image": "i", "mountPoints": mounts}
    spec = task_spec.from_task_definition(
        {"family": "f", "revision": 1, "containerDefinitions": [container], "volumes": [{"name": "v"}]}
    )
    holder = NamespaceContainer("t", "c", 0, tmp_path)

    with pytest.raises(ToolBrokeError, match="has a colon"):
        container_runner.start(holder, spec.containers[0], image="i", task=spec, environment={})

    assert [call.args[0] for call in engine.run.call_args_list if call.args[0] == "run"] == []
