from __future__ import annotations

from unittest import mock

from botocore.exceptions import ClientError

from preflight import model
from preflight.aws import deployment, stacks


def test_what_is_left_is_told_where_its_line_cannot_be_found() -> None:
    """Looking for the line of a nested stack asks AWS; the rest is deleted all the same."""
    one = deployment.Deployment(mock.Mock(), mock.MagicMock(), lambda _: None)
    denied = ClientError({"Error": {"Code": "Throttling", "Message": "slow"}}, "DescribeStackEvents")
    failed = stacks.FailedError("s", "DELETE_FAILED", [stacks.Failure("s", "Inner", stacks.STACK, "DELETE_FAILED", "full")])
    remains: list[model.Finding] = []

    with mock.patch.object(one._failures, "of_resource", side_effect=denied), one._noting("stack s", remains):
        mock.Mock(side_effect=failed)()

    assert [finding.message for finding in remains] == ["AWS::CloudFormation::Stack Inner may still be there: full"]
