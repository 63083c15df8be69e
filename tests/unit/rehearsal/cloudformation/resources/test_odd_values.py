"""Values of the wrong kind that resource schemas let through are refused by their service, and are no internal error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from preflight.rehearsal.server import Server

Deploy = Callable[..., dict[str, Any]]
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": "*"}]}
TOPIC = "arn:aws:sns:ap-northeast-1:123456789012:t"
QUEUE = "https://sqs.ap-northeast-1.amazonaws.com/123456789012/q"
DEFINITIONS = [{"AttributeName": "k", "AttributeType": "S"}]


def events(account: Server, kind: str, properties: dict[str, Any], deploy: Deploy) -> tuple[str, list[str]]:
    """Deploys one resource, and returns what its events say and what went wrong in the account itself."""
    template = {"Resources": {"A": {"Type": kind, "Properties": properties}}}
    deploy(json.dumps(template), OnFailure="DO_NOTHING", Capabilities=["CAPABILITY_NAMED_IAM"])
    api = account.parts.cloudformation
    (stack,) = api.stacks.all()
    return " ".join(str(event.reason) for event in stack.events), list(api._ledger.troubles)


@pytest.mark.parametrize(
    ("kind", "properties", "reason"),
    [
        pytest.param("AWS::ECS::Cluster", {"Tags": [{"Value": "a"}]}, "at 'tags.1.member.key'", id="tag without key"),
        pytest.param(
            "AWS::SNS::TopicPolicy", {"Topics": [TOPIC], "PolicyDocument": "x"}, "Policy Error", id="policy that is no JSON"
        ),
        pytest.param("AWS::SNS::TopicPolicy", {"Topics": ["t"], "PolicyDocument": POLICY}, "An ARN must", id="no ARN"),
        pytest.param(
            "AWS::SQS::QueuePolicy", {"Queues": [QUEUE], "PolicyDocument": ""}, "parameter Policy", id="empty policy"
        ),
        pytest.param(
            "AWS::SNS::Subscription",
            {"TopicArn": TOPIC, "Protocol": "sqs"},
            "Invalid parameter: Endpoint",
            id="subscription without endpoint",
        ),
        pytest.param(
            "AWS::DynamoDB::Table",
            {"KeySchema": "k", "AttributeDefinitions": DEFINITIONS, "BillingMode": "PAY_PER_REQUEST"},
            "#/KeySchema/0: expected type: JSONObject, found: String",
            id="text for a list of objects",
        ),
        pytest.param(
            "AWS::DynamoDB::Table",
            {"KeySchema": {"a": "b"}, "AttributeDefinitions": DEFINITIONS, "BillingMode": "PAY_PER_REQUEST"},
            "Value null at 'keySchema.1.member.attributeName'",
            id="object without its members",
        ),
        pytest.param("AWS::Route53::HostedZone", {"HostedZoneConfig": {"Comment": "c"}}, "Name must not be null", id="zone without name"),
        pytest.param(
            "AWS::EC2::SecurityGroupIngress", {"IpProtocol": "-1", "CidrIp": "10.0.0.0/8"}, "groupName or groupId", id="rule of no group"
        ),
        pytest.param("AWS::S3::Bucket", {"OwnershipControls": {"Rules": []}}, "not well-formed", id="no rules of ownership"),
        pytest.param("AWS::CertificateManager::Certificate", {"DomainName": ""}, "at 'domainName'", id="empty name"),
        pytest.param("AWS::KMS::Key", {"KeyPolicy": {"Statement": 1}}, "not syntactically", id="number for statements"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(
    account: Server, deploy: Deploy, kind: str, properties: dict[str, Any], reason: str
) -> None:
    said, troubles = events(account, kind, properties, deploy)

    assert reason in said
    assert troubles == []


@pytest.mark.parametrize("ttl", ["x", True, 1.5, -1, 2**31])
def test_the_time_to_live_of_a_record_is_a_number_of_seconds(account: Server, deploy: Deploy, ttl: object) -> None:
    record = {"Name": "a.example.org", "Type": "CNAME", "TTL": ttl, "ResourceRecords": ["b.example.org"]}
    template = {
        "Resources": {
            "Zone": {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": "example.org"}},
            "A": {"Type": "AWS::Route53::RecordSet", "Properties": {**record, "HostedZoneId": {"Ref": "Zone"}}},
        }
    }
    deploy(json.dumps(template), OnFailure="DO_NOTHING")
    (stack,) = account.parts.cloudformation.stacks.all()

    assert "TTL is a number of seconds" in " ".join(str(event.reason) for event in stack.events)
    assert account.parts.cloudformation._ledger.troubles == []


def test_a_tag_may_have_no_value(account: Server, deploy: Deploy) -> None:
    said, troubles = events(account, "AWS::ECS::Cluster", {"Tags": [{"Key": "a"}]}, deploy)

    assert "null" not in said
    assert troubles == []


@pytest.mark.parametrize("attribute", [{"Key": "deregistration_delay.timeout_seconds"}, {"Value": "20"}], ids=str)
def test_an_attribute_of_which_half_is_there_is_ignored_and_the_ledger_says_so(account: Server, deploy: Deploy, attribute: dict[str, str]) -> None:
    vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
    properties = {"Protocol": "HTTP", "Port": 80, "TargetType": "ip", "VpcId": {"Ref": "Vpc"}, "TargetGroupAttributes": [attribute]}
    group = {"Type": "AWS::ElasticLoadBalancingV2::TargetGroup", "Properties": properties}

    stack = deploy(json.dumps({"Resources": {"Vpc": vpc, "Group": group}}))

    api = account.parts.cloudformation
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert api._ledger.troubles == []
    assert [e.state for e in api._ledger.observations().ledger if e.property == "TargetGroupAttributes"] == ["ignored"]
