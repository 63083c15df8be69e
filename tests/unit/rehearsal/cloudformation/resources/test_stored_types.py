"""Types that the emulator only stores: generated names, updates, deletes, and what the ledger says of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from preflight.rehearsal.server import Server

Client = Callable[[str], Any]
Deploy = Callable[..., dict[str, Any]]
TARGETS = [{"Id": "a", "Arn": "arn:aws:sqs:ap-northeast-1:123456789012:a"}]
KEY = {
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
}


def body(resource_type: str, **properties: Any) -> str:
    return json.dumps({"Resources": {"A": {"Type": resource_type, "Properties": properties}}})


@pytest.fixture
def update(client: Client) -> Callable[[str], None]:
    """Update the stack `s` to another template and wait for its end."""

    def run(template: str) -> None:
        client("cloudformation").update_stack(StackName="s", TemplateBody=template)
        waiter = client("cloudformation").get_waiter("stack_update_complete")
        waiter.wait(StackName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    return run


def physical_id(client: Client) -> str:
    response = client("cloudformation").describe_stack_resource(StackName="s", LogicalResourceId="A")
    return str(response["StackResourceDetail"]["PhysicalResourceId"])


@pytest.mark.parametrize(
    ("resource_type", "flag"),
    [
        pytest.param("AWS::SNS::Topic", "FifoTopic", id="topic"),
        pytest.param("AWS::SQS::Queue", "FifoQueue", id="queue"),
    ],
)
def test_the_generated_name_of_a_fifo_resource_ends_with_fifo(
    client: Client, deploy: Deploy, resource_type: str, flag: str
) -> None:
    deploy(body(resource_type, **{flag: True}))

    assert physical_id(client).endswith(".fifo")


def test_a_rule_loses_the_targets_that_an_update_removes(
    client: Client, deploy: Deploy, update: Callable[[str], None]
) -> None:
    deploy(body("AWS::Events::Rule", Name="r", ScheduleExpression="rate(5 minutes)", Targets=TARGETS))
    before = client("events").list_targets_by_rule(Rule="r")["Targets"]

    update(body("AWS::Events::Rule", Name="r", ScheduleExpression="rate(5 minutes)"))

    assert before == TARGETS
    assert client("events").list_targets_by_rule(Rule="r")["Targets"] == []


def test_the_subscriptions_of_a_topic_are_deleted_with_it(client: Client, deploy: Deploy) -> None:
    deploy(body("AWS::SNS::Topic", Subscription=[{"Protocol": "email", "Endpoint": "a@example.com"}]))
    before = client("sns").list_subscriptions()["Subscriptions"]

    client("cloudformation").delete_stack(StackName="s")
    waiter = client("cloudformation").get_waiter("stack_delete_complete")
    waiter.wait(StackName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    assert len(before) == 1
    assert client("sns").list_subscriptions()["Subscriptions"] == []


def test_a_table_without_capacity_is_refused(
    client: Client, deploy: Deploy, reasons: Callable[[dict[str, Any]], list[str]]
) -> None:
    stack = deploy(body("AWS::DynamoDB::Table", **KEY))

    assert any("ReadCapacityUnits and WriteCapacityUnits must both be specified" in reason for reason in reasons(stack))


def test_properties_that_are_not_stored_are_ignored(account: Server, deploy: Deploy) -> None:
    recovery = {"PointInTimeRecoveryEnabled": True}
    deploy(
        body("AWS::DynamoDB::Table", **KEY, BillingMode="PAY_PER_REQUEST", PointInTimeRecoverySpecification=recovery)
    )

    entries = {entry.property: entry.state for entry in account.ledger.observations().ledger if entry.resource == "s.A"}
    assert entries["PointInTimeRecoverySpecification"] == "ignored"
    assert entries["KeySchema"] == "stored"


def test_the_ledger_has_only_properties_of_the_template(account: Server, deploy: Deploy) -> None:
    deploy(body("AWS::SNS::Topic", DisplayName="d"))

    names = {entry.property for entry in account.ledger.observations().ledger if entry.resource == "s.A"}
    assert names == {"DisplayName"}


def test_a_function_gets_new_code_only_if_the_template_has_new_code(
    client: Client, deploy: Deploy, update: Callable[[str], None]
) -> None:
    function = {
        "FunctionName": "f",
        "Role": "arn:aws:iam::123456789012:role/r",
        "Handler": "i.h",
        "Runtime": "python3.12",
    }
    statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps({"Statement": [statement]}))
    deploy(body("AWS::Lambda::Function", **function, Code={"ZipFile": "x = 1"}))
    first = client("lambda").get_function(FunctionName="f")["Configuration"]["CodeSha256"]

    update(body("AWS::Lambda::Function", **function, Code={"ZipFile": "x = 1"}, Timeout=9))
    same = client("lambda").get_function(FunctionName="f")["Configuration"]
    update(body("AWS::Lambda::Function", **function, Code={"ZipFile": "x = 22"}, Timeout=9))
    other = client("lambda").get_function(FunctionName="f")["Configuration"]

    assert same["CodeSha256"] == first
    assert same["Timeout"] == 9
    assert other["CodeSha256"] != first


def group(*records: dict[str, Any]) -> str:
    return json.dumps(
        {
            "Resources": {
                "Zone": {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": "example.org"}},
                "A": {
                    "Type": "AWS::Route53::RecordSetGroup",
                    "Properties": {"HostedZoneId": {"Ref": "Zone"}, "RecordSets": list(records)},
                },
            }
        }
    )


def record(name: str) -> dict[str, Any]:
    return {"Name": name, "Type": "A", "TTL": "60", "ResourceRecords": ["192.0.2.1"]}


def names(client: Client) -> set[str]:
    """Returns the names of the addresses in the zone."""
    zone = client("route53").list_hosted_zones()["HostedZones"][0]["Id"]
    records = client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return {record["Name"] for record in records if record["Type"] == "A"}


def test_an_update_of_a_record_set_group_adds_and_deletes_records(
    client: Client, deploy: Deploy, update: Callable[[str], None]
) -> None:
    deploy(group(record("a.example.org"), record("b.example.org")))

    update(group(record("b.example.org"), record("c.example.org")))

    assert names(client) == {"b.example.org.", "c.example.org."}


def test_a_record_set_group_has_no_records_of_another_domain(client: Client, deploy: Deploy) -> None:
    stack = deploy(group(record("a.example.org"), record("a.example.com")), OnFailure="DO_NOTHING")

    assert stack["StackStatus"] == "CREATE_FAILED"
    assert names(client) == set()


def test_a_queue_loses_the_policy_that_an_update_takes_from_it(
    client: Client, deploy: Deploy, update: Callable[[str], None]
) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}

    def queues(*of_policy: str) -> str:
        queue = {"Type": "AWS::SQS::Queue"}
        properties = {"Queues": [{"Ref": name} for name in of_policy], "PolicyDocument": policy}
        return json.dumps(
            {"Resources": {"Q": queue, "R": queue, "A": {"Type": "AWS::SQS::QueuePolicy", "Properties": properties}}}
        )

    deploy(queues("Q", "R"))
    update(queues("R"))

    urls = client("sqs").list_queues()["QueueUrls"]
    attributes = {
        url.rpartition("/")[2].split("-")[1]: client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
        for url in urls
    }
    assert {name for name, found in attributes.items() if found.get("Attributes")} == {"R"}


def test_a_subscription_filter_needs_its_log_group(deploy: Deploy) -> None:
    destination = "arn:aws:firehose:ap-northeast-1:123456789012:deliverystream/s"
    properties = {"LogGroupName": "/none", "FilterPattern": "", "DestinationArn": destination}

    stack = deploy(body("AWS::Logs::SubscriptionFilter", **properties), OnFailure="DO_NOTHING")

    assert stack["StackStatus"] == "CREATE_FAILED"


@pytest.mark.parametrize(("number", "status"), [(2, "CREATE_COMPLETE"), (3, "CREATE_FAILED")], ids=["two", "three"])
def test_a_log_group_has_at_most_two_subscription_filters(deploy: Deploy, number: int, status: str) -> None:
    destination = "arn:aws:lambda:ap-northeast-1:123456789012:function:f"
    subscription = {"LogGroupName": {"Ref": "Group"}, "FilterPattern": "", "DestinationArn": destination}
    resources = {f"S{n}": {"Type": "AWS::Logs::SubscriptionFilter", "Properties": subscription} for n in range(number)}

    stack = deploy(json.dumps({"Resources": {"Group": {"Type": "AWS::Logs::LogGroup"}, **resources}}), OnFailure="DO_NOTHING")

    assert stack["StackStatus"] == status


def test_dhcp_options_leave_the_vpc_with_their_association(client: Client, deploy: Deploy) -> None:
    resources = {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "A": {"Type": "AWS::EC2::DHCPOptions", "Properties": {"DomainName": "app.internal"}},
        "Association": {
            "Type": "AWS::EC2::VPCDHCPOptionsAssociation",
            "Properties": {"DhcpOptionsId": {"Ref": "A"}, "VpcId": {"Ref": "Vpc"}},
        },
    }
    deploy(json.dumps({"Resources": resources}))

    client("cloudformation").delete_stack(StackName="s")
    client("cloudformation").get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1})

    assert client("ec2").describe_dhcp_options()["DhcpOptions"] == []


@pytest.mark.parametrize(
    ("output", "value"),
    [
        pytest.param({"Ref": "A"}, "build", id="name"),
        pytest.param(
            {"Fn::GetAtt": ["A", "Arn"]}, "arn:aws:codebuild:ap-northeast-1:123456789012:project/build", id="ARN"
        ),
    ],
)
def test_a_build_is_referred_to_as_on_aws(deploy: Deploy, output: Any, value: str) -> None:
    role = "arn:aws:iam::123456789012:role/build"
    properties = {
        "Name": "build",
        "ServiceRole": role,
        "Source": {"Type": "NO_SOURCE", "BuildSpec": "version: 0.2"},
        "Artifacts": {"Type": "NO_ARTIFACTS"},
        "Environment": {"Type": "LINUX_CONTAINER", "ComputeType": "BUILD_GENERAL1_SMALL", "Image": "i"},
    }
    template = {
        "Resources": {"A": {"Type": "AWS::CodeBuild::Project", "Properties": properties}},
        "Outputs": {"Value": {"Value": output}},
    }

    assert deploy(json.dumps(template))["Outputs"][0]["OutputValue"] == value


def test_an_address_is_associated_with_what_is_not_modelled(client: Client, deploy: Deploy) -> None:
    template = {
        "A": {"Type": "AWS::EC2::EIP"},
        "Server": {"Type": "AWS::EC2::Instance", "Properties": {"ImageId": "ami-0123456789abcdef0"}},
        "B": {
            "Type": "AWS::EC2::EIPAssociation",
            "Properties": {"AllocationId": {"Fn::GetAtt": ["A", "AllocationId"]}, "InstanceId": {"Ref": "Server"}},
        },
    }

    assert deploy(json.dumps({"Resources": template}))["StackStatus"] == "CREATE_COMPLETE"
    assert "AssociationId" not in client("ec2").describe_addresses()["Addresses"][0]
