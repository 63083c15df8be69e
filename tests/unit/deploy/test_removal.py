from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from preflight.deploy import image_push, lifecycle, plan_images, removal, run_tags
from preflight.deploy import session as sessions
from preflight.deploy.removal import Removal
from preflight.deploy.session import Session
from preflight.deploy.template_bucket import Bucket
from preflight.errors import StopRequested
from preflight.rehearsal.server import Server

REGION = "ap-northeast-1"
MARKS = run_tags.run_tags("fa-018", run="0a1b2c3d", now=dt.datetime(2030, 1, 1, tzinfo=dt.timezone.utc))
TEMPLATE = {"Resources": {"Group": {"Type": "AWS::Logs::LogGroup"}}}


@pytest.fixture
def session(account: Server) -> Session:
    return sessions.rehearsal_session(REGION, account.address, "any")


def test_a_stack_whose_id_nobody_knows_is_deleted_by_its_name(
    session: Session, deploy: Callable[..., dict[str, Any]]
) -> None:
    """Its run was not told the id, because the answer was lost for good."""
    deploy(json.dumps(TEMPLATE), name="s", Tags=[{"Key": k, "Value": v} for k, v in MARKS.items()])

    kept = Removal(session, lambda _: None).stack("s")

    assert kept == []
    assert session.client("cloudformation").describe_stacks()["Stacks"] == []


def test_what_the_last_task_writes_to_is_ours_before_the_cluster_goes(
    session: Session, deploy: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is killed meanwhile leaves a group that a sweep can tell from others."""
    settings = [{"Name": "containerInsights", "Value": "enabled"}]
    cluster = {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": "c", "ClusterSettings": settings}}
    deploy(json.dumps({"Resources": {"C": cluster}}), name="s", Tags=[{"Key": k, "Value": v} for k, v in MARKS.items()])
    logs, remover = session.client("logs"), Removal(session, lambda _: None)
    delete, found = remover._delete, []

    def late(stack: str) -> None:
        for group in logs.describe_log_groups()["logGroups"]:
            arn = group["arn"].removesuffix(":*")
            found.append((group["logGroupName"], logs.list_tags_for_resource(resourceArn=arn)["tags"]))
        delete(stack)

    monkeypatch.setattr(remover, "_delete", late)
    remover.stack("s")

    assert found == [(removal.INSIGHTS.format("c"), MARKS)]
    assert logs.describe_log_groups()["logGroups"] == []


def tagged(template: dict[str, Any], deploy: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    return deploy(json.dumps(template), name="s", Tags=[{"Key": k, "Value": v} for k, v in MARKS.items()])


def test_a_log_group_that_is_older_than_the_stack_is_not_that_of_its_cluster(
    session: Session, deploy: Callable[..., dict[str, Any]]
) -> None:
    """A cluster had the name before, and who owned it kept the log."""
    logs = session.client("logs")
    logs.create_log_group(logGroupName=removal.INSIGHTS.format("c"))
    tagged({"Resources": {"C": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": "c"}}}}, deploy)

    Removal(session, lambda _: None).stack("s")

    assert [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]] == [removal.INSIGHTS.format("c")]


@pytest.mark.parametrize(
    ("is_ours", "left"), [pytest.param(True, [], id="of the run"), pytest.param(False, ["a"], id="of somebody else")]
)
def test_only_a_bucket_with_our_tags_is_emptied(session: Session, *, is_ours: bool, left: list[str]) -> None:
    """AWS may name, as the resource of a stack, a bucket whose name was in use when the stack wanted it."""
    s3, remover = session.client("s3"), Removal(session, lambda _: None)
    place: dict[str, Any] = {"LocationConstraint": REGION}
    marks = {"Tags": [{"Key": key, "Value": value} for key, value in MARKS.items()]} if is_ours else {}
    s3.create_bucket(Bucket="taken", CreateBucketConfiguration=place | marks)
    s3.put_object(Bucket="taken", Key="a", Body=b"a")

    with mock.patch.object(remover, "_resources", return_value=[("AWS::S3::Bucket", "taken")]):
        remover._empty("s")

    assert [one["Key"] for one in s3.list_objects_v2(Bucket="taken").get("Contents", [])] == left


@pytest.mark.parametrize(
    ("is_ours", "count"), [pytest.param(True, 0, id="of the run"), pytest.param(False, 1, id="of somebody else")]
)
def test_only_a_repository_with_our_tags_loses_its_images(session: Session, *, is_ours: bool, count: int) -> None:
    ecr, remover = session.client("ecr"), Removal(session, lambda _: None)
    ecr.create_repository(repositoryName="taken", tags=[{"Key": k, "Value": v} for k, v in MARKS.items() if is_ours])
    image_push.declare(session, "taken:one", plan_images.EMPTY_MANIFEST)

    with mock.patch.object(remover, "_resources", return_value=[("AWS::ECR::Repository", "taken")]):
        remover._empty("s")

    assert len(ecr.list_images(repositoryName="taken")["imageIds"]) == count


def test_images_that_a_list_held_are_deleted_after_it() -> None:
    """ECR refuses them in the request that deletes the list."""
    remover = Removal(mock.Mock(), lambda _: None)
    pages = remover._ecr.get_paginator.return_value.paginate
    pages.side_effect = [[{"imageIds": [{"imageDigest": "list"}, {"imageDigest": "part"}]}], [{"imageIds": [{"imageDigest": "part"}]}]]

    remover._forget_images("r")

    asked = [[one["imageDigest"] for one in call.kwargs["imageIds"]] for call in remover._ecr.batch_delete_image.mock_calls]
    assert asked == [["list", "part"], ["part"]]


def test_a_stack_goes_with_what_is_in_its_bucket_and_its_repository(
    session: Session, deploy: Callable[..., dict[str, Any]]
) -> None:
    bucket_of = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "full"}}
    repository_of = {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": "full"}}
    tagged({"Resources": {"B": bucket_of, "R": repository_of}}, deploy)
    session.client("s3").put_object(Bucket="full", Key="a", Body=b"a")
    image_push.declare(session, "full:one", plan_images.EMPTY_MANIFEST)

    Removal(session, lambda _: None).stack("s")

    assert session.client("cloudformation").describe_stacks()["Stacks"] == []


def test_what_cannot_be_emptied_is_told_and_its_stack_tried(session: Session, deploy: Callable[..., dict[str, Any]]) -> None:
    tagged({"Resources": {"B": {"Type": "AWS::S3::Bucket"}}}, deploy)
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetBucketTagging")
    said: list[str] = []

    with mock.patch.object(Bucket, "tags", side_effect=denied):
        Removal(session, said.append).stack("s")

    assert "cannot be emptied: GetBucketTagging: AccessDenied: no" in said[0]
    assert session.client("s3").list_buckets()["Buckets"] == []


def test_an_interrupt_during_the_deletion_deletes_everything_before_it_stops() -> None:
    deployment = mock.Mock()
    deployment.delete.side_effect = [StopRequested(143), []]

    with pytest.raises(StopRequested):
        lifecycle._delete(deployment, [], None)

    assert deployment.delete.call_count == 2
