"""UpdateStack: no change, changes in place, replacements, additions, removals and rollback."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import botocore.exceptions
import pytest

from preflight.rehearsal.cloudformation.resources import ec2_network
from preflight.system import waiting

Update = Callable[..., dict[str, Any]]


def logs(**groups: dict[str, Any]) -> str:
    return json.dumps(
        {"Resources": {name: {"Type": "AWS::Logs::LogGroup", "Properties": group} for name, group in groups.items()}}
    )


@pytest.fixture
def update(client: Callable[[str], Any]) -> Update:
    def run(body: str, **options: Any) -> dict[str, Any]:
        cloudformation = client("cloudformation")
        cloudformation.update_stack(StackName="s", TemplateBody=body, **options)

        def probe() -> dict[str, Any] | None:
            stack: dict[str, Any] = cloudformation.describe_stacks(StackName="s")["Stacks"][0]
            return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

        return waiting.until(probe, what="the update", timeout=60, interval=0.05)

    return run


def groups(client: Callable[[str], Any]) -> dict[str, int | None]:
    return {g["logGroupName"]: g.get("retentionInDays") for g in client("logs").describe_log_groups()["logGroups"]}


def test_no_change_is_refused(deploy: Any, update: Update) -> None:
    deploy(logs(A={"LogGroupName": "a"}))

    with pytest.raises(botocore.exceptions.ClientError, match=r"No updates are to be performed\."):
        update(logs(A={"LogGroupName": "a"}))


def test_a_property_is_changed_in_place(deploy: Any, update: Update, client: Any) -> None:
    deploy(logs(A={"LogGroupName": "a", "RetentionInDays": 7}))

    stack = update(logs(A={"LogGroupName": "a", "RetentionInDays": 14}))

    events = client("cloudformation").describe_stack_events(StackName="s")["StackEvents"][::-1]
    statuses = [(e["LogicalResourceId"], e["ResourceStatus"]) for e in events[5:]]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert groups(client) == {"a": 14}
    assert statuses == [
        ("s", "UPDATE_IN_PROGRESS"),
        ("A", "UPDATE_IN_PROGRESS"),
        ("A", "UPDATE_COMPLETE"),
        ("s", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("s", "UPDATE_COMPLETE"),
    ]


def test_a_changed_name_replaces_the_resource(deploy: Any, update: Update, client: Any) -> None:
    deploy(logs(A={"LogGroupName": "a"}))

    stack = update(logs(A={"LogGroupName": "b"}))

    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert groups(client) == {"b": None}


def test_an_update_adds_and_removes_resources(deploy: Any, update: Update, client: Any) -> None:
    deploy(logs(A={"LogGroupName": "a"}, B={"LogGroupName": "b"}))

    update(logs(A={"LogGroupName": "a"}, C={"LogGroupName": "c"}))

    assert sorted(groups(client)) == ["a", "c"]


def test_a_failed_update_rolls_back(deploy: Any, update: Update, client: Any) -> None:
    client("logs").create_log_group(logGroupName="taken")
    deploy(logs(A={"LogGroupName": "a", "RetentionInDays": 7}))
    body = json.loads(logs(A={"LogGroupName": "a", "RetentionInDays": 14}, B={"LogGroupName": "taken"}))
    body["Resources"]["B"]["DependsOn"] = "A"

    stack = update(json.dumps(body))

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert groups(client) == {"a": 7, "taken": None}


def test_a_stack_that_rolled_back_cannot_be_updated(deploy: Any, update: Update, client: Any) -> None:
    client("logs").create_log_group(logGroupName="taken")
    deploy(logs(B={"LogGroupName": "taken"}))

    with pytest.raises(botocore.exceptions.ClientError, match="is in ROLLBACK_COMPLETE state and can not be updated"):
        update(logs(B={"LogGroupName": "free"}))


def test_a_new_task_definition_is_rolled_out(fargate: dict[str, Any], deploy: Any, update: Update, client: Any) -> None:
    deploy(json.dumps(fargate), Capabilities=["CAPABILITY_IAM"])
    fargate["Resources"]["Definition"]["Properties"]["Cpu"] = "512"
    fargate["Resources"]["Definition"]["Properties"]["Memory"] = "1024"

    stack = update(json.dumps(fargate), Capabilities=["CAPABILITY_IAM"])

    ecs = client("ecs")
    cluster = ecs.list_clusters()["clusterArns"][0]
    task = ecs.describe_tasks(cluster=cluster, tasks=ecs.list_tasks(cluster=cluster)["taskArns"])["tasks"]
    active = ecs.list_task_definitions()["taskDefinitionArns"]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert [t["cpu"] for t in task] == ["512"]
    assert len(active) == 1


def test_a_named_resource_cannot_be_replaced_under_its_name(deploy: Any, update: Update, client: Any) -> None:
    def role(path: str) -> str:
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
        properties = {"RoleName": "r", "Path": path, "AssumeRolePolicyDocument": trust}
        return json.dumps({"Resources": {"A": {"Type": "AWS::IAM::Role", "Properties": properties}}})

    deploy(role("/a/"), Capabilities=["CAPABILITY_NAMED_IAM"])
    stack = update(role("/b/"), Capabilities=["CAPABILITY_NAMED_IAM"])

    events = client("cloudformation").describe_stack_events(StackName="s")["StackEvents"]
    reasons = [e["ResourceStatusReason"] for e in events if e["ResourceStatus"] == "UPDATE_FAILED"]
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert reasons[0].startswith(
        "CloudFormation cannot update a stack when a custom-named resource requires replacing."
    )


def test_an_update_without_rollback_can_be_rolled_back_later(deploy: Any, update: Update, client: Any) -> None:
    deploy(logs(A={"LogGroupName": "a", "RetentionInDays": 7}))
    stack = update(logs(A={"LogGroupName": "a", "RetentionInDays": 14}, B={"LogGroupName": "a"}), DisableRollback=True)

    client("cloudformation").rollback_stack(StackName="s")

    client("cloudformation").get_waiter("stack_rollback_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    assert stack["StackStatus"] == "UPDATE_FAILED"
    assert groups(client) == {"a": 7}


def test_an_export_in_use_can_be_neither_changed_nor_removed(deploy: Any, update: Update, client: Any) -> None:
    def exporting(value: str) -> str:
        output = {"O": {"Value": value, "Export": {"Name": "e"}}}
        return json.dumps({"Resources": {"A": {"Type": "AWS::Logs::LogGroup"}}, "Outputs": output})

    deploy(exporting("one"))
    using = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::ImportValue": "e"}}}
    deploy(json.dumps({"Resources": {"B": using}}), name="user")

    changed = update(exporting("two"))
    removed = update(logs(A={}))

    reasons = [
        e.get("ResourceStatusReason", "")
        for e in client("cloudformation").describe_stack_events(StackName="s")["StackEvents"]
    ]
    assert changed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert removed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert {
        "Export e cannot be updated as it is in use by user",
        "Export e cannot be deleted as it is in use by user",
    } <= set(reasons)


def test_only_a_running_update_can_be_cancelled(deploy: Any, client: Any) -> None:
    deploy(logs(A={}))

    with pytest.raises(botocore.exceptions.ClientError, match="cannot be called from current stack status"):
        client("cloudformation").cancel_update_stack(StackName="s")


def test_a_failed_update_can_be_tried_again(deploy: Any, update: Update, client: Any) -> None:
    def queue(redrive: str) -> str:
        properties = {"QueueName": "q", "RedrivePolicy": {"deadLetterTargetArn": redrive, "maxReceiveCount": 3}}
        dead = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "dead"}}
        return json.dumps(
            {"Resources": {"D": dead, "Q": {"Type": "AWS::SQS::Queue", "DependsOn": "D", "Properties": properties}}}
        )

    arn = "arn:aws:sqs:ap-northeast-1:123456789012:{}".format
    deploy(queue(arn("dead")))
    failed = update(queue(arn("later")), DisableRollback=True)
    client("sqs").create_queue(QueueName="later")

    again = update(queue(arn("later")))

    assert failed["StackStatus"] == "UPDATE_FAILED"
    assert again["StackStatus"] == "UPDATE_COMPLETE"


def test_a_replaced_resource_is_deleted_after_its_users(deploy: Any, update: Update, client: Any) -> None:
    def network(block: str) -> str:
        vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": f"{block}.0.0/16"}}
        subnet = {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "V"}, "CidrBlock": f"{block}.1.0/24"}}
        return json.dumps({"Resources": {"V": vpc, "S": subnet}})

    before = len(client("ec2").describe_vpcs()["Vpcs"])
    deploy(network("10.0"))
    stack = update(network("10.9"))

    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert len(client("ec2").describe_vpcs()["Vpcs"]) - before == 1


def test_a_changed_resource_type_is_refused(deploy: Any, update: Update) -> None:
    deploy(logs(A={}))

    with pytest.raises(botocore.exceptions.ClientError, match="Update of resource type is not permitted"):
        update(json.dumps({"Resources": {"A": {"Type": "AWS::SNS::Topic"}}}))


def test_an_import_that_is_dropped_frees_the_export(deploy: Any, update: Update, client: Any) -> None:
    output = {"O": {"Value": "v", "Export": {"Name": "e"}}}
    deploy(json.dumps({"Resources": {"A": {"Type": "AWS::SNS::Topic"}}, "Outputs": output}), name="exporter")
    deploy(logs(A={"LogGroupName": {"Fn::ImportValue": "e"}}))

    update(logs(A={"LogGroupName": "other"}))

    with pytest.raises(botocore.exceptions.ClientError, match="is not imported by any stack"):
        client("cloudformation").list_imports(ExportName="e")


def test_a_rollback_removes_a_network_that_replaced_another_with_all_that_is_in_it(deploy: Any, update: Update, client: Any) -> None:
    def network(block: str, **more: Any) -> str:
        vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": f"{block}.0.0/16"}}
        subnet = {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "V"}, "CidrBlock": f"{block}.1.0/24"}}
        return json.dumps({"Resources": {"V": vpc, "S": subnet, **more}})

    group = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "x", "VpcId": {"Ref": "V"}}}
    wrong = {"Type": "AWS::EC2::Subnet", "DependsOn": ["S", "G"], "Properties": {"VpcId": {"Ref": "V"}, "CidrBlock": "10.9.1.0/24"}}
    deploy(network("10.0"))
    before = [vpc["VpcId"] for vpc in client("ec2").describe_vpcs()["Vpcs"]]

    stack = update(network("10.9", G=group, W=wrong))

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert [vpc["VpcId"] for vpc in client("ec2").describe_vpcs()["Vpcs"]] == before


def test_an_update_during_an_update_is_refused(deploy: Any, client: Any) -> None:
    deploy(logs(A={"LogGroupName": "a"}))
    cloudformation = client("cloudformation")

    def attempt(days: int) -> str:
        try:
            cloudformation.update_stack(StackName="s", TemplateBody=logs(A={"LogGroupName": "a", "RetentionInDays": days}))
        except botocore.exceptions.ClientError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(8) as pool:
        refused = [error for error in pool.map(attempt, (1, 3, 5, 7, 14, 30, 60, 90)) if error]

    assert refused
    assert all("_IN_PROGRESS state and can not be updated." in error for error in refused)


def associated(kind: str, target: str, chosen: str, **more: Any) -> str:
    """A subnet with two route tables or two network ACLs, and an association with one of them."""
    vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
    subnet = {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "V"}, "CidrBlock": "10.0.1.0/24"}}
    targets = {name: {"Type": f"AWS::EC2::{target}", "Properties": {"VpcId": {"Ref": "V"}}} for name in ("One", "Two")}
    properties = {"SubnetId": {"Ref": "S"}, f"{target}Id": {"Ref": chosen}}
    return json.dumps({"Resources": {"V": vpc, "S": subnet, **targets, "A": {"Type": kind, "Properties": properties}, **more}})


TABLES = ("AWS::EC2::SubnetRouteTableAssociation", "RouteTable", "describe_route_tables")
ACLS = ("AWS::EC2::SubnetNetworkAclAssociation", "NetworkAcl", "describe_network_acls")


@pytest.mark.parametrize(("kind", "target", "read"), [pytest.param(*TABLES, id="route table"), pytest.param(*ACLS, id="network ACL")])
@pytest.mark.parametrize("has_failed", [False, True], ids=["updated", "rolled back"])
def test_a_subnet_is_associated_with_what_the_template_says(deploy: Any, update: Update, client: Any, kind: str, target: str, read: str, *, has_failed: bool) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-subnetroutetableassociation.html."""
    wrong = {"W": {"Type": "AWS::EC2::Subnet", "DependsOn": "A", "Properties": {"VpcId": {"Ref": "V"}, "CidrBlock": "10.0.1.0/24"}}}
    deploy(associated(kind, target, "One"))

    stack = update(associated(kind, target, "Two", **(wrong if has_failed else {})))

    resources = client("cloudformation").describe_stack_resources(StackName="s")["StackResources"]
    ids = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}
    subnet_filter = [{"Name": "association.subnet-id", "Values": [ids["S"]]}]
    (described,) = getattr(client("ec2"), read)(Filters=subnet_filter)[f"{target}s"]
    assert stack["StackStatus"] == ("UPDATE_ROLLBACK_COMPLETE" if has_failed else "UPDATE_COMPLETE")
    assert described[f"{target}Id"] == ids["One" if has_failed else "Two"]
    assert ids["A"] in json.dumps(described["Associations"])


def test_a_rollback_of_swapped_priorities_leaves_the_rules_as_they_were(deploy: Any, update: Update, client: Any) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetRulePriorities.html."""

    def rules(one: int, two: int) -> str:
        block, vpc = "10.0.{}.0/24", {"Ref": "V"}
        subnets = {
            name: {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": vpc, "CidrBlock": block.format(n), "AvailabilityZone": f"ap-northeast-1{zone}"}}
            for n, (name, zone) in enumerate((("S", "a"), ("T", "c")))
        }
        answer = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
        balancer = {"Scheme": "internal", "Subnets": [{"Ref": "S"}, {"Ref": "T"}]}
        listener = {"LoadBalancerArn": {"Ref": "B"}, "Protocol": "HTTP", "Port": 80, "DefaultActions": answer}
        condition = [{"Field": "path-pattern", "Values": ["/a/*"]}]
        kind = "AWS::ElasticLoadBalancingV2::"
        of_rule = {
            name: {"Type": f"{kind}ListenerRule", "Properties": {"ListenerArn": {"Ref": "L"}, "Priority": priority, "Conditions": condition, "Actions": answer}}
            for name, priority in (("One", one), ("Two", two))
        }
        network = {"V": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}, **subnets}
        balancing = {"B": {"Type": f"{kind}LoadBalancer", "Properties": balancer}, "L": {"Type": f"{kind}Listener", "Properties": listener}}
        return json.dumps({"Resources": {**network, **balancing, **of_rule}})

    deploy(rules(10, 20))

    stack = update(rules(20, 10))

    listener = client("elbv2").describe_listeners(LoadBalancerArn=client("elbv2").describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"])
    described = client("elbv2").describe_rules(ListenerArn=listener["Listeners"][0]["ListenerArn"])["Rules"]
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert sorted(rule["Priority"] for rule in described) == ["10", "20", "default"]


def test_a_rollback_keeps_the_gateway_that_could_not_be_detached(deploy: Any, update: Update, client: Any) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachInternetGateway.html."""

    def network(gateway: str) -> str:
        vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
        attachment = {"InternetGatewayId": {"Ref": gateway}, "VpcId": {"Ref": "V"}}
        gateways = {name: {"Type": "AWS::EC2::InternetGateway"} for name in ("One", "Two")}
        return json.dumps({"Resources": {"V": vpc, **gateways, "A": {"Type": "AWS::EC2::VPCGatewayAttachment", "Properties": attachment}}})

    deploy(network("One"))
    ec2 = client("ec2")
    (gateway,) = [g for g in ec2.describe_internet_gateways()["InternetGateways"] if g["Attachments"] and g.get("Tags")]
    vpc = gateway["Attachments"][0]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.associate_address(AllocationId=address, NetworkInterfaceId=interface)

    with mock.patch.object(ec2_network, "DETACH_TIMEOUT", 0.1):
        stack = update(network("Two"))

    (attached,) = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])["InternetGateways"]
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert attached["InternetGatewayId"] == gateway["InternetGatewayId"]
