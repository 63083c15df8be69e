from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from preflight.deploy import session as sessions
from preflight.deploy import stacks
from preflight.deploy.change_sets import ChangeSet
from preflight.deploy.session import Session
from preflight.deploy.stacks import Failure, StackFailedError, Stacks
from preflight.rehearsal.server import Server

REGION = "ap-northeast-1"
BUCKET = {"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "full"}}}}


@pytest.fixture
def session(account: Server) -> Session:
    return sessions.rehearsal_session(REGION, account.address, "any")


def groups(*names: str) -> str:
    """A template of log groups, each after the one before."""
    made: dict[str, Any] = {}
    for name in names:
        made[name] = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name}}
        if len(made) > 1:
            made[name]["DependsOn"] = list(made)[-2]
    return json.dumps({"Resources": made})


def test_a_stack_that_is_being_updated_is_deleted_once_the_update_is_given_up(
    session: Session, deploy: Callable[..., dict[str, Any]]
) -> None:
    deploy(groups("A"))
    client = session.client("cloudformation")
    client.update_stack(StackName="s", TemplateBody=groups("A", "B", "C", "D", "E", "F"))

    Stacks(session).delete("s")

    assert client.describe_stacks()["Stacks"] == []
    assert session.client("logs").describe_log_groups()["logGroups"] == []


def test_an_update_that_may_not_be_given_up_is_waited_for() -> None:
    session = mock.Mock(interval=0)
    every = Stacks(session)
    refusal = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "CancelUpdateStack")
    every._client.cancel_update_stack.side_effect = refusal
    states = ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE", "DELETE_COMPLETE"]
    every._client.describe_stacks.side_effect = [{"Stacks": [{"StackStatus": one}]} for one in states]

    every.delete("s")

    asked = [call[0] for call in every._client.method_calls]
    assert asked == ["describe_stacks", "cancel_update_stack", *["describe_stacks"] * 2, "delete_stack", "describe_stacks"]


def test_a_second_attempt_is_not_taken_for_failed_before_it_has_begun() -> None:
    every = Stacks(mock.Mock(interval=0))
    states = ["DELETE_FAILED", "DELETE_FAILED", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    every._client.describe_stacks.side_effect = [{"Stacks": [{"StackStatus": one}]} for one in states]

    every.delete("s")

    assert every._client.describe_stacks.call_count == len(states)


def test_what_could_not_be_deleted_is_told_once_however_often_it_was_tried(
    session: Session, deploy: Callable[..., dict[str, Any]]
) -> None:
    deploy(json.dumps(BUCKET))
    session.client("s3").put_object(Bucket="full", Key="a", Body=b"a")
    every = Stacks(session)
    with pytest.raises(StackFailedError):
        every.delete("s")

    with pytest.raises(StackFailedError) as failed:
        every.delete("s")

    assert [(one.logical, one.status) for one in failed.value.failures] == [("B", "DELETE_FAILED")]


def test_an_update_is_not_over_while_the_status_is_still_that_of_before() -> None:
    every = Stacks(mock.Mock(interval=0))
    states = ["CREATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]
    told = [{"EventId": one, "ResourceStatus": one, "PhysicalResourceId": "s", "ResourceType": stacks.STACK} for one in states]
    pages = every._client.get_paginator.return_value.paginate
    pages.side_effect = [[{"StackEvents": told[:1]}], *([{"StackEvents": told[::-1]}] for _ in range(9))]
    every._client.describe_stacks.side_effect = [{"Stacks": [{"StackStatus": one}]} for one in states]
    made = ChangeSet("arn", "s")

    with pytest.raises(StackFailedError) as failed:
        every.execute(made, look=lambda: None)

    assert failed.value.status == "UPDATE_ROLLBACK_COMPLETE"


def test_a_stack_in_review_that_disappears_has_no_tags() -> None:
    """A sweep looks at stacks that other runs delete meanwhile."""
    client = mock.MagicMock()
    client.describe_stacks.return_value = {"Stacks": [{"StackStatus": "REVIEW_IN_PROGRESS"}]}
    gone = ClientError({"Error": {"Code": "ValidationError", "Message": "Stack [s] does not exist"}}, "ListChangeSets")
    stacks = Stacks(mock.Mock(client=lambda _service: client))

    with mock.patch.object(stacks._change_sets, "tags", side_effect=gone):
        assert stacks.tags("s") == {}


def test_a_failure_before_the_resource_has_an_id_is_reported() -> None:
    event = {"ResourceStatus": "CREATE_FAILED", "ResourceType": "AWS::SQS::Queue", "LogicalResourceId": "Q", "ResourceStatusReason": "no"}
    stacks = Stacks(mock.MagicMock())

    with mock.patch.object(stacks, "events", return_value=[event]):
        failures = list(stacks.failures("s"))

    assert failures == [Failure("s", "Q", "AWS::SQS::Queue", "CREATE_FAILED", "no")]


NESTED = "arn:aws:cloudformation:eu-west-1:1:stack/child/1"


def event(status: str, logical: str, kind: str = "AWS::SQS::Queue", *, physical: str = "", reason: str = "no") -> dict[str, str]:
    return {
        "ResourceStatus": status,
        "ResourceType": kind,
        "LogicalResourceId": logical,
        "PhysicalResourceId": physical,
        "ResourceStatusReason": reason,
    }


def of_events(events: dict[str, list[dict[str, str]]]) -> Stacks:
    every = Stacks(mock.MagicMock())
    every.events = events.__getitem__  # type: ignore[method-assign, assignment]
    return every


CHILD_FAILED = event("CREATE_FAILED", "Child", stacks.STACK, physical=NESTED)
ITSELF_FAILED = event("CREATE_FAILED", "s", stacks.STACK, physical="s")


@pytest.mark.parametrize(
    ("events", "logical"),
    [
        pytest.param({"s": [CHILD_FAILED], NESTED: [event("CREATE_FAILED", "Q")]}, ["Q"], id="of the nested stack"),
        pytest.param({"s": [CHILD_FAILED], NESTED: []}, ["Child"], id="a nested stack that says nothing"),
        pytest.param({"s": [event("CREATE_FAILED", "Q"), ITSELF_FAILED]}, ["Q"], id="not of the stack itself"),
        pytest.param(
            {"s": [event("CREATE_FAILED", "Q"), event("CREATE_FAILED", "B", reason=stacks.CANCELLED[0])]}, ["Q"], id="not what was cancelled"
        ),
        pytest.param({"s": [ITSELF_FAILED]}, [None], id="of the stack itself if nothing else failed"),
    ],
)
def test_failures_are_those_of_resources(events: dict[str, list[dict[str, str]]], logical: list[str | None]) -> None:
    assert [failure.logical for failure in of_events(events).failures("s")] == logical


def test_what_nested_stacks_kept_is_retained() -> None:
    child = event("DELETE_COMPLETE", "Child", stacks.STACK, physical=NESTED)
    every = of_events({"s": [child, event("DELETE_SKIPPED", "Q", physical="q")], NESTED: [event("DELETE_SKIPPED", "B", physical="b")]})

    assert sorted(physical for _, physical in every.retained("s")) == ["b", "q"]
