from __future__ import annotations

import contextlib
from unittest import mock

from botocore.exceptions import ClientError

from preflight.deploy import stacks
from preflight.deploy.deployment import Deployment, DeploymentFailedError
from preflight.deploy.stacks import Failure, RefusedError, StackFailedError
from preflight.errors import StopRequested
from preflight.model import Finding


def test_what_is_left_is_told_where_its_line_cannot_be_found() -> None:
    """Looking for the line of a nested stack asks AWS; the rest is deleted all the same."""
    one = Deployment(mock.Mock(), mock.MagicMock(), lambda _: None)
    denied = ClientError({"Error": {"Code": "Throttling", "Message": "slow"}}, "DescribeStackEvents")
    failed = StackFailedError("s", "DELETE_FAILED", [Failure("s", "Inner", stacks.STACK, "DELETE_FAILED", "full")])
    remains: list[Finding] = []

    with mock.patch.object(one._failures, "of_resource", side_effect=denied), one._noting("stack s", remains):
        mock.Mock(side_effect=failed)()

    assert [finding.message for finding in remains] == ["AWS::CloudFormation::Stack Inner may still be there: full"]


def interrupted(error: BaseException) -> tuple[Deployment, mock.MagicMock]:
    """A deployment that ended in the request for its stack, of which CloudFormation knew nothing yet."""
    one = Deployment(mock.Mock(), mock.MagicMock(), lambda _: None)
    one._stacks = mock.MagicMock()
    one._stacks.create.side_effect = error
    one._stacks.tags.side_effect = [{}, {"preflight:run": "x"}]
    one._failures = mock.MagicMock()
    with contextlib.suppress(StopRequested, DeploymentFailedError), mock.patch.object(one, "_wanted"):
        one._create(mock.MagicMock())
    return one, one._stacks.tags


def test_a_stack_that_comes_after_a_stop_is_waited_for() -> None:
    """Else it would stay in review, and we would say that everything was cleaned up."""
    one, tags = interrupted(StopRequested(130))

    with mock.patch("preflight.deploy.removal.Removal") as removal:
        one.down()

    assert (tags.call_count, removal.return_value.stack.call_count) == (2, 1)


def test_a_stack_that_was_refused_is_not_waited_for() -> None:
    one, tags = interrupted(RefusedError("s", "ValidationError", "no"))

    with mock.patch("preflight.deploy.removal.Removal"):
        one.down()

    assert tags.call_count == 0
