from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest

from preflight.errors import ToolBrokeError
from preflight.rehearsal.containers import task_spec
from preflight.rehearsal.containers.runner import ContainerRunner, NamespaceContainer


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
