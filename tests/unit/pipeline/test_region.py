from __future__ import annotations

from unittest import mock

import pytest

from preflight.deploy import deployment
from preflight.model import Deployment, Outcome, StageResult
from preflight.pipeline import region
from preflight.pipeline.region import RegionRun


@pytest.mark.parametrize(
    ("outcome", "is_kept"),
    [
        pytest.param(Outcome.PASS, False, id="it answered"),
        pytest.param(Outcome.SKIPPED, False, id="nobody could ask"),
        pytest.param(Outcome.FAIL, True, id="it answered wrongly"),
        pytest.param(Outcome.ERROR, True, id="it could not be told"),
    ],
)
def test_keep_failed_keeps_what_failed(outcome: Outcome, *, is_kept: bool) -> None:
    deployed = mock.Mock()
    deployed.deployment.is_kept = False
    one = RegionRun(mock.Mock(is_kept_failed=True, names=mock.MagicMock()), mock.MagicMock(), lambda _: None, stages=("smoke",))
    asked = mock.Mock(answers=[], running=[])

    with (
        mock.patch.object(region, "SmokeTest", return_value=asked),
        mock.patch.object(one, "_answered", return_value=StageResult("smoke", outcome)),
        mock.patch.object(deployment, "described", return_value=Deployment()),
    ):
        one._ask(deployed, has_containers=True)

    assert deployed.deployment.is_kept is is_kept
