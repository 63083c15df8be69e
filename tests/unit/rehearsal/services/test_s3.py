"""Buckets as S3 keeps them: tags that come with the request, and policies with their conditions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[[str], Any]
TAGS = [{"Key": "preflight:run", "Value": "0a1b2c3d"}]


@pytest.fixture
def s3(client: Client) -> Any:
    """S3 with a bucket that came with a tag."""
    found = client("s3")
    place = {"LocationConstraint": "ap-northeast-1", "Tags": TAGS}
    found.create_bucket(Bucket="templates", CreateBucketConfiguration=place)
    return found


def test_a_bucket_has_the_tags_it_came_with(s3: Any) -> None:
    assert s3.get_bucket_tagging(Bucket="templates")["TagSet"] == TAGS


def test_tags_of_a_bucket_are_found_by_the_tagging_service(s3: Any, client: Client) -> None:
    found = client("resourcegroupstaggingapi").get_resources(TagFilters=[{"Key": "preflight:run"}])

    assert [r["ResourceARN"] for r in found["ResourceTagMappingList"]] == ["arn:aws:s3:::templates"]


def code_of_put(s3: Any, **statement: Any) -> str:
    """What S3 answers to a new object once the bucket has a policy of that statement; empty where it takes it."""
    policy = {"Version": "2012-10-17", "Statement": [{"Sid": "A", "Principal": "*", **statement}]}
    s3.put_bucket_policy(Bucket="templates", Policy=json.dumps(policy))
    try:
        s3.put_object(Bucket="templates", Key="a.yaml", Body=b"Resources: {}")
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


OBJECTS = "arn:aws:s3:::templates/*"


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        pytest.param(
            {"Condition": {"Bool": {"aws:SecureTransport": "false"}}, "Action": "s3:*"}, "", id="only what is not TLS"
        ),
        pytest.param({"Condition": {"Bool": {"aws:SecureTransport": "true"}}, "Action": "s3:*"}, "403", id="all TLS"),
        pytest.param({"Action": "s3:PutObject"}, "403", id="every new object"),
        pytest.param({"Action": "s3:GetObject"}, "", id="reading alone"),
    ],
)
def test_a_policy_denies_what_its_conditions_say(s3: Any, statement: dict[str, Any], code: str) -> None:
    assert code_of_put(s3, Effect="Deny", Resource=OBJECTS, **statement) == code
