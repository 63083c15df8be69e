"""The ECS API by its clients: codes, what is looked up in other services, and what an update keeps.

Each test makes one account, which takes a second, and asks it many things.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.system import waiting
from tests.unit.rehearsal.ecs.validation.task_definitions import APP, add, good, put

Client = Callable[[str], Any]
INVALID = "InvalidParameterException"
BALANCERS = [{"targetGroupArn": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/g/0123456789abcdef", "containerName": "web", "containerPort": 80}]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def said(operation: Callable[..., Any], **given: Any) -> str:
    """Code and sentence of a refusal; `taken` where there is none."""
    try:
        operation(**given)
    except ClientError as error:
        return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    return "taken"


class Place:
    """A cluster, a VPC with two subnets, a role and a task definition."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.ecs = client("ecs")
        self.ec2 = client("ec2")
        role = client("iam").create_role(RoleName="tasks", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [self.subnet(self.vpc, f"10.0.{n}.0/24") for n in range(2)]
        self.ecs.create_cluster(clusterName="k", capacityProviders=["FARGATE", "FARGATE_SPOT"])
        self.good = good(
            put("executionRoleArn", role),
            put(APP + "portMappings.0.name", "web"),
            put("requiresCompatibilities", ["FARGATE"]),
        )
        self.register()

    def subnet(self, vpc: str, block: str) -> str:
        return str(self.ec2.create_subnet(VpcId=vpc, CidrBlock=block)["Subnet"]["SubnetId"])

    def register(self, *changes: Any) -> str:
        made = self.ecs.register_task_definition(**good_of(self.good, *changes))
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def network(self, **changed: Any) -> dict[str, Any]:
        return {"awsvpcConfiguration": {"subnets": self.subnets, **changed}}

    def service(self, **changed: Any) -> dict[str, Any]:
        asked = {
            "cluster": "k",
            "serviceName": "s",
            "taskDefinition": "web",
            "launchType": "FARGATE",
            "desiredCount": 0,
            "networkConfiguration": self.network(),
            **changed,
        }
        return {key: value for key, value in asked.items() if value is not None}

    def create(self, **changed: Any) -> str:
        return said(self.ecs.create_service, **self.service(**changed))

    def update(self, **changed: Any) -> str:
        return said(self.ecs.update_service, cluster="k", service="s", **changed)

    def run(self, **changed: Any) -> str:
        asked = {key: value for key, value in self.service(**changed).items() if key not in {"serviceName", "desiredCount"}}
        return said(self.ecs.run_task, **asked)


def good_of(given: dict[str, Any], *changes: Any) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(given))
    for change in changes:
        change(copied)
    return copied


@pytest.fixture
def place(client: Client) -> Place:
    return Place(client)


def test_definitions_are_refused_with_a_client_exception(place: Place) -> None:
    def register(*changes: Any) -> str:
        return said(place.ecs.register_task_definition, **good_of(place.good, *changes))

    foreign = "arn:aws:ssm:ap-northeast-1:999999999999:parameter/a"
    answers = {
        "the contract": register(put("cpu", "513")),
        "the model": register(put(APP + "logConfiguration.logDriver", "none")),
        "a foreign parameter": register(put(APP + "secrets", [{"name": "A", "valueFrom": foreign}])),
        "a foreign parameter of the log": register(
            put(APP + "logConfiguration.secretOptions", [{"name": "A", "valueFrom": foreign}])
        ),
        "a role there is not": register(put("taskRoleArn", "nobody")),
        "tags": register(put("tags", [{"key": "aws:a", "value": "b"}])),
    }

    assert {case: answer.partition(":")[0] for case, answer in answers.items()} == {
        "the contract": "ClientException",
        "the model": "ClientException",
        "a foreign parameter": "ClientException",
        "a foreign parameter of the log": "ClientException",
        "a role there is not": "ClientException",
        "tags": INVALID,
    }


def test_services_are_refused_for_their_request_and_their_network(place: Place) -> None:
    other = place.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    strange = place.ec2.create_security_group(GroupName="g", Description="d", VpcId=other)["GroupId"]
    expected = {
        "no such cluster": (place.create(cluster="nope"), "ClusterNotFoundException"),
        "a name with a blank": (place.create(serviceName="a b"), INVALID),
        "a token with a blank": (place.create(clientToken="a b"), INVALID),
        "no definition": (place.create(taskDefinition=None), f"{INVALID}: TaskDefinition can not be blank."),
        "a definition there is not": (place.create(taskDefinition="nope"), "ClientException"),
        "a launch type there is not": (place.create(launchType="LAMBDA"), f"{INVALID}: 1 validation error"),
        "a weight beyond 1000": (
            place.create(launchType=None, capacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1001}]),
            f"{INVALID}: 1 validation error",
        ),
        "a definition for an external controller": (
            place.create(deploymentController={"type": "EXTERNAL"}),
            f"{INVALID}: TaskDefinition must be blank",
        ),
        "a platform there is not": (place.create(platformVersion="9.9.9"), "PlatformUnknownException"),
        "a retired platform": (place.create(platformVersion="1.3.0"), "PlatformUnknownException"),
        "no network": (place.create(networkConfiguration=None), f"{INVALID}: Network Configuration must be provided"),
        "no subnet": (place.create(networkConfiguration=place.network(subnets=[])), INVALID),
        "17 subnets": (place.create(networkConfiguration=place.network(subnets=["subnet-1"] * 17)), INVALID),
        "six groups": (place.create(networkConfiguration=place.network(securityGroups=["sg-1"] * 6)), INVALID),
        "a subnet there is not": (place.create(networkConfiguration=place.network(subnets=["subnet-1"])), INVALID),
        "subnets of two VPCs": (
            place.create(networkConfiguration=place.network(subnets=[place.subnets[0], place.subnet(other, "10.1.0.0/24")])),
            INVALID,
        ),
        "a group of another VPC": (
            place.create(networkConfiguration=place.network(securityGroups=[strange])),
            f"{INVALID}: Security group {strange} does not appear to belong to the same VPC as the input subnets.",
        ),
        "a value for the address": (place.create(networkConfiguration=place.network(assignPublicIp="YES")), INVALID),
        "commands without a role": (place.create(enableExecuteCommand=True), f"{INVALID}: The service couldn't be created"),
        "as it is": (place.create(), "taken"),
    }

    assert {case: answer for case, (answer, start) in expected.items() if not answer.startswith(start)} == {}


def test_services_are_refused_for_their_balancers_and_their_names(place: Place) -> None:
    elb, cloud_map = place.client("elbv2"), place.client("servicediscovery")

    def group(name: str, kind: str) -> str:
        made = elb.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=place.vpc, TargetType=kind)
        return str(made["TargetGroups"][0]["TargetGroupArn"])

    def balanced(arn: str) -> str:
        return place.create(loadBalancers=[{"targetGroupArn": arn, "containerName": "app", "containerPort": 80}])

    def registry(kind: str) -> str:
        namespace = cloud_map.list_namespaces()["Namespaces"][0]["Id"]
        records = {"NamespaceId": namespace, "DnsRecords": [{"Type": kind, "TTL": 10}]}
        return str(cloud_map.create_service(Name=kind.lower(), DnsConfig=records)["Service"]["Arn"])

    def registered(arn: str, **given: Any) -> str:
        return place.create(serviceRegistries=[{"registryArn": arn, **given}])

    def connected(namespace: str) -> str:
        return place.create(serviceConnectConfiguration={"enabled": True, "namespace": namespace})

    cloud_map.create_private_dns_namespace(Name="internal", Vpc=place.vpc)
    srv, plain = registry("SRV"), registry("A")
    expected = {
        "no such group": (balanced("arn:aws:elasticloadbalancing:ap-northeast-1:1:targetgroup/x/y"), INVALID),
        "a group of instances": (balanced(group("instances", "instance")), f"{INVALID}: The provided target group"),
        "a group without a balancer": (balanced(group("ips", "ip")), f"{INVALID}: The target group with targetGroupArn"),
        "no such registry": (registered(srv + "x"), INVALID),
        "two registries": (place.create(serviceRegistries=[{"registryArn": srv}] * 2), INVALID),
        "SRV without a port": (registered(srv), INVALID),
        "SRV with a port and a container": (registered(srv, port=80, containerName="app", containerPort=80), INVALID),
        "SRV with a container alone": (registered(srv, containerName="app"), INVALID),
        "SRV with a port that is not mapped": (registered(srv, containerName="app", containerPort=81), INVALID),
        "A records with a container and a port": (
            registered(plain, containerName="app", containerPort=80),
            f"{INVALID}: The values specified for serviceRegistries do not require a value for 'containerPort'.",
        ),
        "A records with a port": (registered(plain, port=80), INVALID),
        "no such namespace": (connected("nope"), "NamespaceNotFoundException"),
        "no namespace at all": (
            place.create(serviceConnectConfiguration={"enabled": True}),
            f"{INVALID}: Namespace is missing",
        ),
        "a registry of A records": (registered(plain), "taken"),
        "A records with a container alone": (
            place.create(serviceName="w", serviceRegistries=[{"registryArn": plain, "containerName": "app"}]),
            "taken",
        ),
        "a registry of SRV records": (
            place.create(
                serviceName="t", serviceRegistries=[{"registryArn": srv, "containerName": "app", "containerPort": 80}]
            ),
            "taken",
        ),
        "a namespace": (
            place.create(serviceName="u", serviceConnectConfiguration={"enabled": True, "namespace": "internal"}),
            "taken",
        ),
    }

    assert {case: answer for case, (answer, start) in expected.items() if not answer.startswith(start)} == {}


def test_updates_are_refused_and_taken(place: Place) -> None:
    place.create()
    spot = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    windows = {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}
    on_windows = place.register(put("runtimePlatform", windows), put("cpu", "1024"), put("memory", "2048"))
    expected = {
        "no such service": (
            said(place.ecs.update_service, cluster="k", service="nope"),
            "ServiceNotFoundException",
        ),
        "less than no task": (place.update(desiredCount=-1), INVALID),
        "another system": (place.update(taskDefinition=on_windows), INVALID),
        "no room for a deployment": (
            place.update(deploymentConfiguration={"minimumHealthyPercent": 100, "maximumPercent": 100}),
            f"{INVALID}: Both maximumPercent and minimumHealthyPercent cannot be 100",
        ),
        "from launch type to strategy": (place.update(capacityProviderStrategy=spot), "taken"),
        "a provider in use": (
            said(
                place.ecs.put_cluster_capacity_providers,
                cluster="k",
                capacityProviders=["FARGATE"],
                defaultCapacityProviderStrategy=[],
            ),
            "ResourceInUseException: The specified capacity provider is in use and cannot be removed.",
        ),
        "back to the launch type": (place.update(capacityProviderStrategy=[]), "taken"),
        "a provider that is free": (
            said(
                place.ecs.put_cluster_capacity_providers,
                cluster="k",
                capacityProviders=["FARGATE"],
                defaultCapacityProviderStrategy=[],
            ),
            "taken",
        ),
        "a provider that is gone": (place.update(capacityProviderStrategy=spot), INVALID),
    }

    assert {case: answer for case, (answer, start) in expected.items() if not answer.startswith(start)} == {}


def test_tasks_are_refused_and_taken(place: Place) -> None:
    override = {"containerOverrides": [{"name": "nope"}]}
    mount = add("containerDefinitions.0.mountPoints", {"sourceVolume": "w", "containerPath": "/w"})
    on_disk = place.register(put("family", "disk"), add("volumes", {"name": "w", "configuredAtLaunch": True}), mount)
    expected = {
        "no such definition": (place.run(taskDefinition="nope"), "ClientException"),
        "eleven tasks": (place.run(count=11), INVALID),
        "no network": (place.run(networkConfiguration=None), f"{INVALID}: Network Configuration must be provided"),
        "a launch type and a strategy": (
            place.run(capacityProviderStrategy=[{"capacityProvider": "FARGATE"}]),
            f"{INVALID}: Specifying both",
        ),
        "instances by default": (
            place.run(launchType=None),
            f"{INVALID}: No Container Instances were found in your cluster.",
        ),
        "a public address on instances": (
            place.run(launchType=None, networkConfiguration=place.network(assignPublicIp="ENABLED")),
            INVALID,
        ),
        "no such container": (place.run(overrides=override), f"{INVALID}: Override for container named nope"),
        "a size there is not": (place.run(overrides={"cpu": "256", "memory": "4096"}), INVALID),
        "a volume that is not configured": (place.run(taskDefinition=on_disk), INVALID),
        "commands without a role": (place.run(enableExecuteCommand=True), INVALID),
        "Spot": (
            place.run(launchType=None, capacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT", "weight": 1}]),
            "taken",
        ),
        "as it is": (place.run(), "taken"),
    }

    assert {case: answer for case, (answer, start) in expected.items() if not answer.startswith(start)} == {}


def test_clusters_are_refused_and_taken(client: Client) -> None:
    ecs = client("ecs")

    def create(**given: Any) -> str:
        return said(ecs.create_cluster, **given)

    def logged(**given: Any) -> str:
        return create(clusterName="l", configuration={"executeCommandConfiguration": given})

    weight = [{"capacityProvider": "FARGATE", "weight": 1}]
    expected = {
        "a name with a blank": (create(clusterName="a b"), INVALID),
        "a value for insights": (
            create(clusterName="a", settings=[{"name": "containerInsights", "value": "on"}]),
            INVALID,
        ),
        "a provider there is not": (create(clusterName="a", capacityProviders=["mine"]), INVALID),
        "a default that is not associated": (
            create(clusterName="a", defaultCapacityProviderStrategy=weight),
            f"{INVALID}: The specified capacity provider strategy cannot contain a capacity provider that is not",
        ),
        "logs of commands nowhere": (
            logged(logging="OVERRIDE"),
            f"{INVALID}: A CloudWatch log group name or S3 bucket name must be specified",
        ),
        "a place for logs that is not used": (
            logged(logging="DEFAULT", logConfiguration={"cloudWatchLogGroupName": "g"}),
            f"{INVALID}: You must set logging to 'OVERRIDE'",
        ),
        "a tag twice": (create(clusterName="a", tags=[{"key": "a", "value": "b"}] * 2), INVALID),
        "logs of commands": (logged(logging="OVERRIDE", logConfiguration={"cloudWatchLogGroupName": "g"}), "taken"),
        "enhanced insights": (
            create(clusterName="b", settings=[{"name": "containerInsights", "value": "enhanced"}]),
            "taken",
        ),
        "a default": (
            create(clusterName="c", capacityProviders=["FARGATE"], defaultCapacityProviderStrategy=weight),
            "taken",
        ),
    }

    assert {case: answer for case, (answer, start) in expected.items() if not answer.startswith(start)} == {}


def test_lists_come_in_pages(client: Callable[[str], Any]) -> None:
    ecs = client("ecs")
    for n in range(5):
        ecs.create_cluster(clusterName=f"c{n}")

    pages = list(ecs.get_paginator("list_clusters").paginate(PaginationConfig={"PageSize": 2}))

    assert [len(page["clusterArns"]) for page in pages] == [2, 2, 1]


def test_a_token_that_was_never_given_out_is_refused(client: Callable[[str], Any]) -> None:
    with pytest.raises(ClientError) as caught:
        client("ecs").list_clusters(nextToken="there")

    assert caught.value.response["Error"]["Code"] == "InvalidParameterException"


EXTERNAL: dict[str, Any] = {
    "deploymentController": {"type": "EXTERNAL"}, "taskDefinition": None, "networkConfiguration": None, "launchType": None
}  # fmt: skip


def test_a_service_with_an_external_controller_starts_no_task_itself(place: Place) -> None:
    place.create(**EXTERNAL, desiredCount=2)

    def steady() -> dict[str, Any] | None:
        described: dict[str, Any] = place.ecs.describe_services(cluster="k", services=["s"])["services"][0]
        return described if any("steady state" in event["message"] for event in described["events"]) else None

    service = waiting.until(steady, what="the scheduler", timeout=20)

    assert service["status"] == "ACTIVE"
    assert service["desiredCount"] == 2
    assert service["runningCount"] + service["pendingCount"] == 0


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        pytest.param({"taskDefinition": "web"}, "Unable to update task definition on services with a EXTERNAL", id="a definition"),
        pytest.param({"loadBalancers": BALANCERS}, "Unable to update load balancers on services with", id="load balancers"),
        pytest.param({"platformVersion": "1.4.0"}, "Unable to update platform version on services with", id="a platform"),
        pytest.param({"forceNewDeployment": True}, "Cannot force a new deployment on services with", id="a new deployment"),
        pytest.param({"desiredCount": -4}, "The desired count must not be negative", id="a negative count"),
    ],
)
def test_an_update_with_an_external_controller_leaves_the_rest_to_task_sets(
    place: Place, changed: dict[str, Any], answer: str
) -> None:
    place.create(**EXTERNAL)

    assert place.update(**changed).startswith(f"{INVALID}: {answer}")


def test_an_update_with_an_external_controller_sets_the_desired_count(place: Place) -> None:
    place.create(**EXTERNAL)

    place.update(desiredCount=3, enableECSManagedTags=True)

    assert place.ecs.describe_services(cluster="k", services=["s"])["services"][0]["desiredCount"] == 3


def test_a_service_with_an_external_controller_has_no_network_itself(place: Place) -> None:
    network = place.network()

    assert place.create(**{**EXTERNAL, "networkConfiguration": network}) == f"{INVALID}: NetworkConfiguration must be null."
