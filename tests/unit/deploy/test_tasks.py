from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from preflight.deploy.tasks import ServiceTask, Tasks

TASK: dict[str, Any] = {"attachments": [{"details": [{"name": "networkInterfaceId", "value": "eni-1"}]}]}


def looked_up(code: str) -> ServiceTask | None:
    """What a task is found as where EC2 answers with an error."""
    session = mock.Mock()
    every = Tasks(session)
    every._ec2 = mock.Mock()
    every._ec2.describe_network_interfaces.side_effect = ClientError({"Error": {"Code": code}}, "X")
    return every._addressed(TASK, "s")


def test_a_task_whose_interface_went_meanwhile_is_none() -> None:
    assert looked_up("InvalidNetworkInterfaceID.NotFound") is None


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("RequestExpired", id="old credentials"),
        pytest.param("UnauthorizedOperation", id="no permission"),
        pytest.param("RequestLimitExceeded", id="too many requests"),
    ],
)
def test_an_account_that_does_not_tell_is_not_taken_for_a_task_that_went(code: str) -> None:
    with pytest.raises(ClientError, match=code):
        looked_up(code)
