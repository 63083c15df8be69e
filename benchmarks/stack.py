"""Stacks on one emulated account: 500 resources beside the same calls by boto3, and many with a service each."""

from __future__ import annotations

import functools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

COUNT = 500
REGION = "ap-northeast-1"
KINDS = 5


@contextmanager
def running_account() -> Iterator[tuple[str, int]]:
    """Yields the address of an emulated account and its process id."""
    command = [sys.executable, "-m", "preflight", "serve", "--until-eof", "--containers", "off", "--any-credentials"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError(command)
        yield json.loads(process.stdout.readline())["endpoint"], process.pid
        process.stdin.close()


def template(prefix: str) -> str:
    """Returns a template of resources of five types, a hundred of each."""

    def resource(n: int) -> dict[str, Any]:
        name = f"{prefix}-{n}"
        return (
            {"Type": "AWS::SSM::Parameter", "Properties": {"Name": name, "Type": "String", "Value": "x"}},
            {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name, "RetentionInDays": 7}},
            {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}},
            {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}},
            {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupName": name, "GroupDescription": "d"}},
        )[n % KINDS]

    return json.dumps({"Resources": {f"R{n}": resource(n) for n in range(COUNT)}})


def by_stack(client: Callable[[str], Any], prefix: str, body: str) -> float:
    """Returns the seconds until the stack is complete."""
    cloudformation = client("cloudformation")
    started = time.perf_counter()
    cloudformation.create_stack(StackName=prefix, TemplateBody=body)
    while True:
        status = cloudformation.describe_stacks(StackName=prefix)["Stacks"][0]["StackStatus"]
        if status != "CREATE_IN_PROGRESS":
            break
        time.sleep(0.1)
    if status != "CREATE_COMPLETE":
        events = cloudformation.describe_stack_events(StackName=prefix)["StackEvents"]
        raise RuntimeError([e.get("ResourceStatusReason") for e in events if "FAILED" in e["ResourceStatus"]])
    return time.perf_counter() - started


def by_calls(client: Callable[[str], Any], prefix: str) -> float:
    """Returns the seconds of the calls that create the same resources, one after the other."""
    ssm, logs, sns, sqs, ec2 = (client(name) for name in ("ssm", "logs", "sns", "sqs", "ec2"))
    stack = [{"Key": "aws:cloudformation:stack-name", "Value": prefix}]
    started = time.perf_counter()
    for n in range(COUNT):
        name = f"{prefix}-{n}"
        if n % KINDS == 0:
            ssm.put_parameter(Name=name, Type="String", Value="x", Tags=stack)
        elif n % KINDS == 1:
            logs.create_log_group(logGroupName=name)
            logs.put_retention_policy(logGroupName=name, retentionInDays=7)
        elif n % KINDS == 2:
            sns.create_topic(Name=name, Tags=stack)
        elif n % KINDS == 3:
            url = sqs.create_queue(QueueName=name)["QueueUrl"]
            sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        else:
            group = ec2.create_security_group(GroupName=name, Description="d")["GroupId"]
            ec2.create_tags(Resources=[group], Tags=[{"Key": "stack", "Value": prefix}])
            ec2.describe_security_groups(GroupIds=[group])
    return time.perf_counter() - started


def megabytes(pid: int) -> float:
    """Returns the resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _client(endpoint: str, service: str) -> Any:
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id="rehearsal",
        aws_secret_access_key="rehearsal",  # noqa: S106 - opens nothing
    )


def beside_calls(rounds: int) -> tuple[float, float, float]:
    """Returns the median ratio and seconds of a stack of 500 resources, and the megabytes of the server afterwards."""
    with running_account() as (endpoint, pid):
        client = functools.partial(_client, endpoint)
        by_calls(client, "warm")
        pairs = [(by_stack(client, f"s{n}", template(f"s{n}")), by_calls(client, f"c{n}")) for n in range(rounds)]
        return statistics.median(a / b for a, b in pairs), statistics.median(a for a, _ in pairs), megabytes(pid)


def services(count: int) -> list[float]:
    """Returns the seconds of each of some stacks with a load balancer and a service, one after the other."""
    with running_account() as (endpoint, _):
        client = functools.partial(_client, endpoint)
        return [by_stack(client, f"n{n}", service_template()) for n in range(count)]


def service_template() -> str:
    """Returns a template of a VPC with a load balancer in two zones and a service of one task behind it."""
    ref: Callable[[str], dict[str, str]] = lambda name: {"Ref": name}  # noqa: E731 - as short as what it makes
    subnets = [ref("SubnetA"), ref("SubnetB")]
    container = {"Name": "web", "Image": "public.ecr.aws/docker/library/nginx:1.29", "PortMappings": [{"ContainerPort": 80}]}
    task = {"RequiresCompatibilities": ["FARGATE"], "NetworkMode": "awsvpc", "Cpu": "256", "Memory": "512", "ContainerDefinitions": [container]}
    balanced = [{"ContainerName": "web", "ContainerPort": 80, "TargetGroupArn": ref("Targets")}]
    network = {"AwsvpcConfiguration": {"Subnets": subnets, "SecurityGroups": [ref("Group")], "AssignPublicIp": "ENABLED"}}
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0"}
    properties: dict[str, tuple[str, dict[str, Any]]] = {
        "Vpc": ("EC2::VPC", {"CidrBlock": "10.0.0.0/16"}),
        "Gateway": ("EC2::InternetGateway", {}),
        "Attachment": ("EC2::VPCGatewayAttachment", {"VpcId": ref("Vpc"), "InternetGatewayId": ref("Gateway")}),
        "Routes": ("EC2::RouteTable", {"VpcId": ref("Vpc")}),
        "Route": ("EC2::Route", {"RouteTableId": ref("Routes"), "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": ref("Gateway")}),
        **{f"Subnet{z}": ("EC2::Subnet", {"VpcId": ref("Vpc"), "CidrBlock": f"10.0.{n}.0/24", "AvailabilityZone": f"{REGION}{'ac'[n]}"}) for n, z in enumerate("AB")},
        **{f"Uses{z}": ("EC2::SubnetRouteTableAssociation", {"SubnetId": ref(f"Subnet{z}"), "RouteTableId": ref("Routes")}) for z in "AB"},
        "Group": ("EC2::SecurityGroup", {"GroupDescription": "web", "VpcId": ref("Vpc"), "SecurityGroupIngress": [rule]}),
        "Balancer": ("ElasticLoadBalancingV2::LoadBalancer", {"Subnets": subnets, "SecurityGroups": [ref("Group")]}),
        "Targets": ("ElasticLoadBalancingV2::TargetGroup", {"VpcId": ref("Vpc"), "Port": 80, "Protocol": "HTTP", "TargetType": "ip"}),
        "Listener": ("ElasticLoadBalancingV2::Listener", {"LoadBalancerArn": ref("Balancer"), "Port": 80, "Protocol": "HTTP", "DefaultActions": [{"Type": "forward", "TargetGroupArn": ref("Targets")}]}),
        "Cluster": ("ECS::Cluster", {}),
        "Task": ("ECS::TaskDefinition", task),
        "Service": ("ECS::Service", {"Cluster": ref("Cluster"), "TaskDefinition": ref("Task"), "LaunchType": "FARGATE", "DesiredCount": 1, "NetworkConfiguration": network, "LoadBalancers": balanced}),
    }
    waits = {"Route": "Attachment", "Balancer": "Route", "Service": "Listener"}
    resources = {name: {"Type": f"AWS::{kind}", "Properties": values} for name, (kind, values) in properties.items()}
    return json.dumps({"Resources": {name: {**r, **({"DependsOn": waits[name]} if name in waits else {})} for name, r in resources.items()}})
