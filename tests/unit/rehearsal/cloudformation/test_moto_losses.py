"""Every modelled type is created, read back, updated and deleted; the ledger names the properties that are lost."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from preflight.rehearsal.cloudformation import moto_losses
from preflight.rehearsal.cloudformation.resources import catalog
from preflight.rehearsal.server import Server
from preflight.system import waiting
from preflight.templates import template

BODY = (Path(__file__).parent / "every_type.yaml").read_text()
LOST = {("s.System", "BackupPolicy")}  # nothing is backed up
Client = Callable[[str], Any]
# What changes in place, by resource; all of it without a replacement.
LOGS_STATEMENT = {"Effect": "Allow", "Principal": {"Service": "es.amazonaws.com"}, "Action": "logs:PutLogEvents", "Resource": "*"}
IN_PLACE: dict[str, dict[str, Any]] = {
    "Vpc": {"Tags": [{"Key": "Name", "Value": "w"}]},
    "SubnetA": {"MapPublicIpOnLaunch": False},
    "Group": {"SecurityGroupIngress": [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 81, "CidrIp": "0.0.0.0/0"}]},
    "Entry": {"PortRange": {"From": 81, "To": 81}},
    "FlowLog": {"Tags": [{"Key": "Name", "Value": "y"}]},
    "Role": {"Description": "other", "MaxSessionDuration": 3600, "Tags": [{"Key": "other", "Value": "y"}]},
    "Linked": {"Description": "other"},
    "Logs": {"RetentionInDays": 14},
    "Errors": {"FilterPattern": "WARN"},
    "Subscribed": {"FilterPattern": "WARN"},
    "LogsPolicy": {"PolicyDocument": json.dumps({"Statement": [LOGS_STATEMENT]})},
    "Options": {"Tags": [{"Key": "other", "Value": "p"}]},
    "Build": {"Description": "other"},
    "Pipeline": {"RestartExecutionOnUpdate": True},
    "CacheTemplate": {"Description": "of other caches"},
    "Repository": {"ImageTagMutability": "MUTABLE", "ImageScanningConfiguration": {"ScanOnPush": False}},
    "Cluster": {"ClusterSettings": [{"Name": "containerInsights", "Value": "disabled"}]},
    "Service": {"DesiredCount": 2},
    "Balancer": {"LoadBalancerAttributes": [{"Key": "idle_timeout.timeout_seconds", "Value": "40"}]},
    "Targets": {"HealthCheckPath": "/x", "Matcher": {"HttpCode": "200"}},
    "Listener": {"Port": 8080},
    "Rule": {"Priority": 11, "Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/v2/*"]}}]},
    "Scalable": {"MaxCapacity": 5},
    "Alarm": {"Threshold": 90},
    "Topic": {"DisplayName": "Other"},
    "Subscription": {"RawMessageDelivery": False},
    "Queue": {"VisibilityTimeout": 90},
    "QueuePolicy": {
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Sid": "t", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}],
        }
    },
    "EventRule": {"Description": "others"},
    "Parameter": {"Value": "y"},
    "Secret": {"Description": "other"},
    "Key": {"Description": "other"},
    "Certificate": {"Tags": [{"Key": "team", "Value": "y"}]},
    "Bucket": {"VersioningConfiguration": {"Status": "Suspended"}},
    "Function": {"Timeout": 20},
    "Text": {"TTL": "120"},
    "Texts": {"RecordSets": [{"Name": "w.example.org", "Type": "A", "TTL": "60", "ResourceRecords": ["192.0.2.2"]}]},
    "Zone": {"HostedZoneConfig": {"Comment": "other"}},
    "Api": {"Description": "other"},
    "System": {"LifecyclePolicies": [{"TransitionToIA": "AFTER_7_DAYS"}]},
    "Items": {"Tags": [{"Key": "team", "Value": "y"}]},
}


def ledger(account: Server) -> dict[tuple[str, str], str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{account.address}/_preflight/observations", timeout=60) as response:
        observations = json.load(response)
    assert observations["problems"] == []
    return {(e["resource"], e["property"]): e["state"] for e in observations["ledger"]}


def count_resources(client: Client) -> dict[str, int]:
    """Returns the number of resources of each kind, which is the same in every new account."""
    ec2 = client("ec2")
    return {
        "options": len(ec2.describe_dhcp_options()["DhcpOptions"]),
        "vpcs": len(ec2.describe_vpcs()["Vpcs"]),
        "subnets": len(ec2.describe_subnets()["Subnets"]),
        "gateways": len(ec2.describe_internet_gateways()["InternetGateways"]),
        "interfaces": len(ec2.describe_network_interfaces()["NetworkInterfaces"]),
        "addresses": len(ec2.describe_addresses()["Addresses"]),
        "groups": len(ec2.describe_security_groups()["SecurityGroups"]),
        "roles": len(client("iam").list_roles()["Roles"]),
        "profiles": len(client("iam").list_instance_profiles()["InstanceProfiles"]),
        "policies": len(client("iam").list_policies(Scope="Local")["Policies"]),
        "logs": len(client("logs").describe_log_groups()["logGroups"]),
        "repositories": len(client("ecr").describe_repositories()["repositories"]),
        "balancers": len(client("elbv2").describe_load_balancers()["LoadBalancers"]),
        "targets": len(client("elbv2").describe_target_groups()["TargetGroups"]),
        "alarms": len(client("cloudwatch").describe_alarms()["MetricAlarms"]),
        "topics": len(client("sns").list_topics()["Topics"]),
        "queues": len(client("sqs").list_queues().get("QueueUrls", [])),
        "log policies": len(client("logs").describe_resource_policies()["resourcePolicies"]),
        "rules": len(client("events").list_rules()["Rules"]),
        "parameters": len(client("ssm").describe_parameters()["Parameters"]),
        "buckets": len(client("s3").list_buckets()["Buckets"]),
        "functions": len(client("lambda").list_functions()["Functions"]),
        "zones": len(client("route53").list_hosted_zones()["HostedZones"]),
        "namespaces": len(client("servicediscovery").list_namespaces()["Namespaces"]),
        "systems": len(client("efs").describe_file_systems()["FileSystems"]),
        "tables": len(client("dynamodb").list_tables()["TableNames"]),
        "clusters": len([c for c in client("ecs").list_clusters()["clusterArns"] if "default" not in c]),
    }


def test_every_modelled_type_is_in_the_template() -> None:
    kinds = {resource["Type"] for resource in template.parse(BODY).data["Resources"].values()}

    assert kinds == set(catalog.types())


def test_every_property_is_read_back_and_every_resource_is_deleted(
    account: Server, client: Client, deploy: Callable[..., dict[str, Any]]
) -> None:
    before = count_resources(client)
    stack = deploy(BODY, Capabilities=["CAPABILITY_NAMED_IAM"])
    states = ledger(account)

    client("cloudformation").delete_stack(StackName="s")
    waiting.until(
        lambda: (
            client("cloudformation").describe_stacks(StackName=stack["StackId"])["Stacks"][0]["StackStatus"]
            == "DELETE_COMPLETE"
        ),
        what="the stack to be deleted",
        timeout=60,
        interval=0.1,
    )

    assert {key for key, state in states.items() if state == "ignored"} == LOST
    assert len(states) > 300
    insights = 1  # the log group of Container Insights belongs to no stack
    assert count_resources(client) == {**before, "logs": before["logs"] + insights}


def test_properties_that_aws_changes_in_place_are_changed_in_place_and_read_back(
    account: Server, client: Client, deploy: Callable[..., dict[str, Any]]
) -> None:
    cloudformation, changed = client("cloudformation"), template.parse(BODY).data
    for name, properties in IN_PLACE.items():
        changed["Resources"][name]["Properties"].update(properties)
    stack = deploy(BODY, Capabilities=["CAPABILITY_NAMED_IAM"])["StackId"]

    cloudformation.update_stack(StackName="s", TemplateBody=json.dumps(changed), Capabilities=["CAPABILITY_NAMED_IAM"])
    cloudformation.get_waiter("stack_update_complete").wait(StackName="s", WaiterConfig={"Delay": 1})

    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
    updated = {
        e["LogicalResourceId"] for p in pages for e in p["StackEvents"] if e["ResourceStatus"] == "UPDATE_COMPLETE"
    }
    replaced = [
        e["LogicalResourceId"]
        for p in pages
        for e in p["StackEvents"]
        if "requires the creation of a new physical resource" in e.get("ResourceStatusReason", "")
    ]
    assert updated - {"s"} == set(IN_PLACE)
    assert replaced == []
    assert {key for key, state in ledger(account).items() if state == "ignored"} == LOST


def test_a_property_that_the_service_changes_is_ignored(
    account: Server, client: Client, deploy: Callable[..., dict[str, Any]]
) -> None:
    deploy(
        json.dumps(
            {
                "Resources": {
                    "A": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "a", "RetentionInDays": 7}}
                }
            }
        )
    )
    before = ledger(account)

    client("logs").put_retention_policy(logGroupName="a", retentionInDays=14)

    assert before["s.A", "RetentionInDays"] == "stored"
    assert ledger(account)["s.A", "RetentionInDays"] == "ignored"


def test_a_stack_is_read_back_before_it_is_deleted(
    account: Server, client: Client, deploy: Callable[..., dict[str, Any]]
) -> None:
    stack = deploy(
        json.dumps({"Resources": {"A": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 7}}}})
    )
    group = client("logs").describe_log_groups()["logGroups"][0]["logGroupName"]
    client("logs").put_retention_policy(logGroupName=group, retentionInDays=14)

    client("cloudformation").delete_stack(StackName="s")
    client("cloudformation").get_waiter("stack_delete_complete").wait(
        StackName=stack["StackId"], WaiterConfig={"Delay": 1}
    )

    assert ledger(account)["s.A", "RetentionInDays"] == "ignored"


def test_a_resource_that_was_deleted_is_ignored_as_a_whole(
    account: Server, client: Client, deploy: Callable[..., dict[str, Any]]
) -> None:
    deploy(json.dumps({"Resources": {"A": {"Type": "AWS::SQS::Queue"}}}))

    client("sqs").delete_queue(QueueUrl=client("sqs").list_queues()["QueueUrls"][0])

    assert ledger(account)["s.A", None] == "ignored"  # type: ignore[index]


@pytest.mark.parametrize(
    ("declared", "actual", "paths"),
    [
        pytest.param({"A": 1}, {"a": "1"}, [], id="names without case, scalars as text"),
        pytest.param({"A": [1, 2]}, {"A": [2, 3, 1]}, [], id="lists without order"),
        pytest.param({"A": [1, 4]}, {"A": [2, 3, 1]}, [".A[1]"], id="an item is missing"),
        pytest.param({"A": {"B": True}}, {"A": {"B": "false"}}, [".A.B"], id="another value"),
        pytest.param({"A": {"B": []}}, {"A": {}}, [], id="nothing declared"),
        pytest.param({"P": {"S": [1]}}, {"P": '{"S": [1]}'}, [], id="a policy stored as text"),
        pytest.param({"P": {"S": [1]}}, {"P": '{"S": [2]}'}, [".P.S[0]"], id="another policy stored as text"),
        pytest.param([{"Key": "a", "Value": "b"}], {"a": "b"}, [], id="tags stored as a map"),
        pytest.param({"a": "b"}, [{"Key": "a", "Value": "b"}], [], id="tags stored as a list"),
        pytest.param({"a": "b"}, [{"Key": "a", "Value": "c"}], [".a"], id="another tag stored as a list"),
        pytest.param({"A": "x"}, {}, [".A"], id="nothing stored"),
        pytest.param({"N": 60}, {"N": 60.0}, [], id="a number stored as another kind"),
    ],
)
def test_lost_properties_are_named(declared: Any, actual: Any, paths: list[str]) -> None:
    assert list(moto_losses.lost(declared, actual)) == paths
