"""What a run created is deleted by its id, whatever its tags show; what is not seen deleted is a finding."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from preflight.deploy import declared_resources, run_tags
from preflight.deploy import session as sessions
from preflight.deploy.declared_resources import DeclaredResource
from preflight.deploy.deletion import Deletion
from preflight.deploy.session import Session
from preflight.deploy.stacks import Stacks
from preflight.deploy.template_bucket import Bucket
from preflight.rehearsal.server import Server
from preflight.templates.template import Template

REGION = "ap-northeast-1"
TAGS = run_tags.run_tags("fa-018", run="0a1b2c3d", now=dt.datetime(2030, 1, 1, tzinfo=dt.timezone.utc))
GROUP = {"Resources": {"Group": {"Type": "AWS::Logs::LogGroup"}}}


@pytest.fixture
def session(account: Server) -> Session:
    return sessions.rehearsal_session(REGION, account.address, "any")


@pytest.fixture
def deletion(session: Session) -> Deletion:
    findings = mock.Mock(of_plan=lambda check, message, fix: f"{check}: {message}. {fix}")
    return Deletion(session, findings, lambda _: None, sweep="preflight sweep", tags=TAGS, outlives=True)


def stack_id(session: Session, deploy: Callable[..., dict[str, Any]], template: dict[str, Any], **tags: str) -> str:
    deploy(json.dumps(template), name="s", Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
    return str(Stacks(session).id("s"))


def stack_names(session: Session) -> list[str]:
    return [stack["StackName"] for stack in session.client("cloudformation").describe_stacks()["Stacks"]]


@pytest.mark.hostile(
    7,
    "acct",
    "acct-faults",
    input="an account hides the tags of stacks and buckets, loses answers, or keeps what was deleted",
    happens="deleted by id; what is not seen deleted is the finding `NotDeleted` and exit code 1",
)
def test_a_stack_whose_tags_are_not_shown_is_deleted_by_its_id(
    session: Session, deletion: Deletion, deploy: Callable[..., dict[str, Any]]
) -> None:
    deletion.delete_stack("s", stack_id(session, deploy, GROUP), is_unanswered=False)

    assert deletion.remains == []
    assert stack_names(session) == []


def test_a_stack_of_the_name_that_shows_no_tags_is_left_and_reported_if_it_may_be_ours(
    session: Session, deletion: Deletion, deploy: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preflight.deploy.deletion.LATE_REQUEST_TIMEOUT", 0.1)
    stack_id(session, deploy, GROUP)

    deletion.delete_stack("s", "s", is_unanswered=True)

    assert stack_names(session) == ["s"]
    assert "NotDeleted: stack s is still there, in CREATE_COMPLETE" in str(deletion.remains[0])


def test_a_foreign_stack_whose_name_was_refused_is_no_finding(
    session: Session, deletion: Deletion, deploy: Callable[..., dict[str, Any]]
) -> None:
    stack_id(session, deploy, GROUP)

    deletion.delete_stack("s", "s", is_unanswered=False)

    assert deletion.remains == []
    assert stack_names(session) == ["s"]


@pytest.mark.parametrize(("is_own", "left"), [(True, []), (False, ["bucket"])], ids=["the run made it", "it may be foreign"])
def test_a_bucket_without_tags_is_deleted_if_the_run_made_it(
    session: Session, deletion: Deletion, left: list[str], *, is_own: bool
) -> None:
    s3 = session.client("s3")
    s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="bucket", Key="t.yaml", Body=b"x")

    deletion.delete_bucket("bucket", is_own=is_own)

    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == left


def test_an_object_that_s3_does_not_delete_is_an_error() -> None:
    s3 = mock.Mock()
    s3.get_paginator.return_value.paginate.return_value = [{"Versions": [{"Key": "a", "VersionId": "1"}]}]
    s3.delete_objects.return_value = {"Errors": [{"Key": "a", "Code": "AccessDenied", "Message": "Access Denied"}]}

    with pytest.raises(Exception, match=r"AccessDenied.* a: Access Denied"):
        Bucket(mock.Mock(client=lambda _: s3), "b").empty()


@pytest.mark.hostile(
    7,
    "acctlog",
    input="`awslogs-create-group` makes a log group that is no resource of a stack",
    happens="deleted with the stack",
)
def test_a_log_group_that_tasks_created_is_deleted_with_their_stack(
    session: Session, deletion: Deletion, deploy: Callable[..., dict[str, Any]]
) -> None:
    options = {"awslogs-group": "/ecs/web", "awslogs-region": REGION, "awslogs-create-group": "true", "awslogs-stream-prefix": "w"}
    container = {"Name": "web", "Image": "nginx", "Memory": 128, "LogConfiguration": {"LogDriver": "awslogs", "Options": options}}
    task = {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [container]}}
    stack = stack_id(session, deploy, {"Resources": {"Task": task}}, **TAGS)
    logs = session.client("logs")
    logs.create_log_group(logGroupName="/ecs/web")
    logs.create_log_group(logGroupName="/ecs/web-of-others")

    deletion.delete_stack("s", stack, is_unanswered=False)

    assert [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]] == ["/ecs/web-of-others"]


@pytest.mark.hostile(
    7,
    input="a `DeletionPolicy` keeps a resource or a snapshot",
    happens="the finding `NotDeleted` and exit code 1",
)
def test_what_a_deletion_policy_keeps_is_a_finding(
    session: Session, deletion: Deletion, deploy: Callable[..., dict[str, Any]]
) -> None:
    topic = {"Type": "AWS::SNS::Topic", "DeletionPolicy": "Retain", "Properties": {"TopicName": "kept"}}

    deletion.delete_stack("s", stack_id(session, deploy, {"Resources": {"T": topic}}, **TAGS), is_unanswered=False)

    assert [str(finding).partition(" arn:")[0] for finding in deletion.remains] == ["NotDeleted: AWS::SNS::Topic"]


def resource(kind: str, definition: dict[str, Any]) -> DeclaredResource:
    return DeclaredResource(Template("t.yaml", {"Resources": {"R": {"Type": kind, **definition}}}, {}), "R", "r-1", kind)


def test_a_final_snapshot_is_a_finding(deletion: Deletion) -> None:
    deletion.report_snapshots([resource("AWS::EC2::Volume", {"DeletionPolicy": "Snapshot"})])

    assert "NotDeleted: a final snapshot of AWS::EC2::Volume r-1 (R) is kept" in str(deletion.remains[0])


@pytest.mark.parametrize(
    ("kind", "definition", "keeps"),
    [
        pytest.param("AWS::EC2::Volume", {"DeletionPolicy": "Snapshot"}, True, id="by its policy"),
        pytest.param("AWS::EC2::Volume", {}, False, id="not by default"),
        pytest.param("AWS::RDS::DBCluster", {}, True, id="a database by default"),
        pytest.param("AWS::RDS::DBInstance", {"Properties": {"DBClusterIdentifier": "c"}}, False, id="not an instance of a cluster"),
        pytest.param("AWS::RDS::DBCluster", {"DeletionPolicy": "Delete"}, False, id="not a database that is deleted"),
    ],
)
def test_which_resources_leave_a_snapshot(kind: str, definition: dict[str, Any], *, keeps: bool) -> None:
    assert declared_resources._keeps_snapshot(resource(kind, definition)) is keeps
