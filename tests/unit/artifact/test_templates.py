"""Our own templates: linted, deployed on the pretended account, and read back with boto3."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from preflight.comply import waivers
from preflight.lint import cfn_lint
from preflight.rehearsal.server import Server
from preflight.templates import template

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "cfn").glob("*.yaml"))
BUCKET = "fa-018-templates"
REGION = "ap-northeast-1"


def test_cfn_lint_finds_nothing_at_any_level() -> None:
    assert cfn_lint.check({path: template.load(path) for path in FILES}) == []


def test_every_waiver_has_a_reason() -> None:
    given = waivers.read_waivers([template.load(path) for path in FILES])

    assert [claim.rule for claim in given if not claim.has_reason] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_sections_stand_in_the_order_of_the_house(path: Path) -> None:
    order = [
        "AWSTemplateFormatVersion",
        "Description",
        "Metadata",
        "Parameters",
        "Mappings",
        "Conditions",
        "Resources",
        "Outputs",
    ]
    found = list(template.load(path).data)

    assert found == [name for name in order if name in found]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_parameter_and_output_is_described(path: Path) -> None:
    data = template.load(path).data
    parts = {**data.get("Parameters", {}), **data.get("Outputs", {})}

    assert [name for name, part in parts.items() if not part.get("Description")] == []


def test_no_account_region_or_partition_is_written_down() -> None:
    text = "\n".join(path.read_text() for path in FILES)

    assert re.findall(r"\d{12}|arn:aws:|(?<!aws-service-role/ecs\.)amazonaws\.com/|ap-northeast-1", text) == []


@pytest.fixture
def staged(client: Callable[[str], Any]) -> str:
    """The templates in a bucket of the account; the beginning of their URLs."""
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    for path in FILES:
        s3.put_object(Bucket=BUCKET, Key=f"fa-018/{path.name}", Body=path.read_bytes())
    return f"https://{BUCKET}.s3.{REGION}.amazonaws.com/fa-018/"


@pytest.fixture
def deployed(client: Callable[[str], Any], staged: str) -> Callable[[str], Any]:
    """The article's own commands: the ECR stack, an image, the root stack; all defaults but the bucket."""
    cloudformation, ecr = client("cloudformation"), client("ecr")
    quick = {"Delay": 0.1, "MaxAttempts": 300}
    cloudformation.create_stack(StackName="fa-018-ecr", TemplateURL=f"{staged}fa-018-ecr.yaml")
    cloudformation.get_waiter("stack_create_complete").wait(StackName="fa-018-ecr", WaiterConfig=quick)
    kind = "application/vnd.oci.image.manifest.v1+json"
    ecr.put_image(repositoryName="fa-018", imageTag="1.0.0", imageManifest=f'{{"mediaType": "{kind}"}}')
    cloudformation.create_stack(
        StackName="fa-018",
        TemplateURL=f"{staged}fa-018.yaml",
        Parameters=[{"ParameterKey": "TemplateBucketName", "ParameterValue": BUCKET}],
        Capabilities=["CAPABILITY_IAM"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName="fa-018", WaiterConfig=quick)
    return client


def test_the_whole_deployment_reads_back_as_declared(account: Server, deployed: Callable[[str], Any]) -> None:
    ecs, ec2, iam, logs, ecr = (deployed(s) for s in ("ecs", "ec2", "iam", "logs", "ecr"))
    services = ecs.describe_services(cluster="fa-018-cluster", services=["fa-018-service1", "fa-018-service2"])[
        "services"
    ]
    definition = ecs.describe_task_definition(taskDefinition="fa-018-task2")["taskDefinition"]
    role = definition["executionRoleArn"].rpartition("/")[2]
    vpc = next(v for v in ec2.describe_vpcs()["Vpcs"] if v["CidrBlock"] == "10.0.0.0/16" and not v["IsDefault"])
    within = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    group = next(
        g
        for g in ec2.describe_security_groups(Filters=within)["SecurityGroups"]
        if g["GroupName"] == "fa-018-container"
    )

    assert {
        "services": [(s["status"], s["launchType"], s["runningCount"], s["desiredCount"]) for s in services],
        "breaker": services[0]["deploymentConfiguration"]["deploymentCircuitBreaker"]["rollback"],
        "public": services[0]["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"],
        "size": (
            definition["cpu"],
            definition["memory"],
            definition["networkMode"],
            definition["requiresCompatibilities"],
        ),
        "image": definition["containerDefinitions"][0]["image"],
        "read only": definition["containerDefinitions"][0]["readonlyRootFilesystem"],
        "insights": ecs.describe_clusters(clusters=["fa-018-cluster"])["clusters"][0]["settings"],
        "policies": [p["PolicyName"] for p in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]],
        "subnets": sorted(s["CidrBlock"] for s in ec2.describe_subnets(Filters=within)["Subnets"]),
        "zones": len({s["AvailabilityZone"] for s in ec2.describe_subnets(Filters=within)["Subnets"]}),
        "in": [(p["FromPort"], p["ToPort"], p["IpRanges"][0]["CidrIp"]) for p in group["IpPermissions"]],
        "out": [(p["FromPort"], p["ToPort"]) for p in group["IpPermissionsEgress"]],
        "logs": [g["retentionInDays"] for g in logs.describe_log_groups(logGroupNamePrefix="/ecs/fa-018")["logGroups"]],
        "tags": ecr.describe_repositories()["repositories"][0]["imageTagMutability"],
    } == {
        "services": [("ACTIVE", "FARGATE", 1, 1)] * 2,
        "breaker": True,
        "public": "ENABLED",
        "size": ("512", "1024", "awsvpc", ["FARGATE"]),
        "image": "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/fa-018:1.0.0",
        "read only": True,
        "insights": [{"name": "containerInsights", "value": "enabled"}],
        "policies": ["AmazonECSTaskExecutionRolePolicy"],
        "subnets": ["10.0.1.0/24", "10.0.2.0/24"],
        "zones": 2,
        "in": [(80, 80, "0.0.0.0/0")],
        "out": [(443, 443)],
        "logs": [365, 365],
        "tags": "IMMUTABLE",
    }


def test_nothing_that_our_templates_say_is_ignored(account: Server, deployed: Callable[[str], Any]) -> None:
    ignored = [entry for entry in account.ledger.observations().ledger if entry.state == "ignored"]

    assert ignored == []
    assert account.ledger.troubles == []


def test_deleting_the_stacks_leaves_nothing(account: Server, deployed: Callable[[str], Any]) -> None:
    cloudformation, ecs, ec2, ecr = (deployed(s) for s in ("cloudformation", "ecs", "ec2", "ecr"))
    before = len(ec2.describe_vpcs()["Vpcs"])
    for name in ("fa-018", "fa-018-ecr"):
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300}
        )

    assert ecs.list_clusters()["clusterArns"] == []
    assert ecr.describe_repositories()["repositories"] == []
    assert before - len(ec2.describe_vpcs()["Vpcs"]) == 1
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    assert cloudformation.describe_stacks()["Stacks"] == []
