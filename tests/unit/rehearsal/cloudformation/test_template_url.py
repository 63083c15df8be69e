"""TemplateURL: S3 by AWS's names, and S3 at the account's own endpoint, from which clients build the URL."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest

from preflight.rehearsal.cloudformation import api
from preflight.rehearsal.server import Server

Client = Callable[[str], Any]
CHILD = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})


@pytest.fixture
def key(client: Client) -> str:
    """Bucket and key of a template in S3."""
    s3 = client("s3")
    s3.create_bucket(Bucket="staging", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
    s3.put_object(Bucket="staging", Key="child.json", Body=CHILD)
    return "staging/child.json"


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("{own}/{key}", id="the endpoint of the account"),
        pytest.param("https://s3.ap-northeast-1.amazonaws.com/{key}", id="the endpoint of AWS"),
    ],
)
def test_a_template_is_read_from_s3(account: Server, client: Client, key: str, url: str) -> None:
    summary = client("cloudformation").get_template_summary(TemplateURL=url.format(own=account.address, key=key))

    assert summary["ResourceTypes"] == ["AWS::SNS::Topic"]


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://127.0.0.1:1/{key}", id="another server of this machine"),
        pytest.param("{own}0/{key}", id="a port that only begins like its own"),
        pytest.param("http://s3.ap-northeast-1.amazonaws.com/{key}", id="AWS without TLS"),
        pytest.param("{own}/staging", id="no key"),
    ],
)
def test_another_url_is_refused(account: Server, client: Client, key: str, url: str) -> None:
    with pytest.raises(botocore.exceptions.ClientError, match="TemplateURL must be a supported URL"):
        client("cloudformation").get_template_summary(TemplateURL=url.format(own=account.address, key=key))


def test_a_nested_stack_takes_the_endpoint_of_the_account(
    account: Server, deploy: Callable[..., dict[str, Any]], key: str
) -> None:
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": f"{account.address}/{key}"}}

    assert deploy(json.dumps({"Resources": {"Child": nested}}))["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.hostile(
    12,
    input="a template that nests itself by TemplateURL",
    happens="exit code 2 with its name; all of its stacks are deleted",
    limit="200 stacks in one",
)
def test_a_template_that_nests_itself_comes_to_an_end(
    account: Server, client: Client, deploy: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(api, "MOST_NESTED", 3)
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": f"{account.address}/{key}"}}
    text = json.dumps({"Resources": {"Again": nested}})
    client("s3").put_object(Bucket="staging", Key="child.json", Body=text)

    stack = deploy(text)

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "more than 3 stacks are nested in one" in " ".join(account.ledger.troubles)


def test_a_nested_stack_that_was_deleted_does_not_count(
    account: Server, client: Client, deploy: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(api, "MOST_NESTED", 2)
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": f"{account.address}/{key}"}}
    deploy(json.dumps({"Resources": {"First": nested}}))
    stacks = client("cloudformation")

    for name in ("Second", "Third"):
        stacks.update_stack(StackName="s", TemplateBody=json.dumps({"Resources": {name: nested}}))
        stacks.get_waiter("stack_update_complete").wait(StackName="s", WaiterConfig={"Delay": 0.1})

    assert account.ledger.troubles == []
