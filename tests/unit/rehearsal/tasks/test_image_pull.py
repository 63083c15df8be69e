from __future__ import annotations

from unittest import mock

import pytest

from preflight.rehearsal.tasks.image_pull import Pulls
from preflight.rehearsal.tasks.launch_calls.caller import LaunchFailedError


def test_an_image_name_is_no_option_of_the_engine() -> None:
    runner = mock.MagicMock()
    pulls = Pulls(mock.MagicMock(), runner, mock.MagicMock(), port=1, standins=None)

    with pytest.raises(LaunchFailedError, match="invalid reference format: --privileged"):
        pulls.image("--privileged", "eu-west-1")
