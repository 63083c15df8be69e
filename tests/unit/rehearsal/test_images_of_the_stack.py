"""Images that only AWS can build: assumed if something pushes them there, and not found if nothing can."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from preflight.rehearsal import server
from preflight.rehearsal.assembly import TaskOptions
from preflight.rehearsal.server import Server
from tests.unit.conftest import REGION

Template = dict[str, Any]
Client = Callable[[str], Any]
ASSETS = f"cdk-hnb659fds-container-assets-123456789012-{REGION}"
TRUST = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "codebuild.amazonaws.com"}}]}
RUN = {"ServiceToken": f"arn:aws:lambda:{REGION}:123456789012:function:run"}


@pytest.fixture
def template(fargate: Template) -> Template:
    """The service runs an image of a repository that the same stack creates, and to which no step pushes."""
    resources = fargate["Resources"]
    resources["Repository"] = {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": "app"}}
    container = resources["Definition"]["Properties"]["ContainerDefinitions"][0]
    container["Image"] = {"Fn::Sub": "${Repository.RepositoryUri}:latest"}
    return fargate


def custom(kind: str = "Custom::Image", **properties: Any) -> Template:
    return {"Type": kind, "Properties": {**RUN, **properties}}


def project(**environment: Any) -> Template:
    """A build whose environment has these variables."""
    variables = [{"Name": name, "Value": value} for name, value in environment.items()]
    properties = {
        "ServiceRole": {"Fn::GetAtt": ["BuildRole", "Arn"]},
        "Source": {"Type": "NO_SOURCE", "BuildSpec": "version: 0.2"},
        "Artifacts": {"Type": "NO_ARTIFACTS"},
        "Environment": {
            "ComputeType": "BUILD_GENERAL1_SMALL",
            "Image": "aws/codebuild/standard:7.0",
            "Type": "LINUX_CONTAINER",
            "EnvironmentVariables": variables,
        },
    }
    return {"Type": "AWS::CodeBuild::Project", "Properties": properties}


def role() -> Template:
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}


def push_policy() -> Template:
    resource = {"Fn::GetAtt": ["Repository", "Arn"]}
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecr:PutImage", "Resource": resource}]}
    properties = {"PolicyName": "push", "PolicyDocument": document, "Roles": [{"Ref": "BuildRole"}]}
    return {"Type": "AWS::IAM::Policy", "Properties": properties}


def events(client: Client) -> str:
    """Returns what ECS says of the service."""
    ecs = client("ecs")
    cluster = ecs.list_clusters()["clusterArns"][0]
    services = ecs.describe_services(cluster=cluster, services=ecs.list_services(cluster=cluster)["serviceArns"])
    return "\n".join(event["message"] for event in services["services"][0]["events"])


PUSHERS = [
    pytest.param({"Built": {**custom(), "DependsOn": "Repository"}}, id="a custom resource after the repository"),
    pytest.param({"Built": custom(Repository={"Ref": "Repository"})}, id="a custom resource that refers to it"),
    pytest.param({"Built": custom(Target="app:latest")}, id="a custom resource that names it"),
    pytest.param({"BuildRole": role(), "Build": project(REPOSITORY={"Ref": "Repository"})}, id="a build"),
    pytest.param({"BuildRole": role(), "Build": project(), "Push": push_policy()}, id="a build whose role may push"),
]


@pytest.mark.parametrize("pushers", PUSHERS)
def test_an_image_that_something_on_aws_may_push_is_assumed(
    template: Template, deploy: Callable[..., Template], account: Server, pushers: Template
) -> None:
    template["Resources"] |= copy.deepcopy(pushers)

    stack = deploy(json.dumps(template), Capabilities=["CAPABILITY_IAM"])

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    entry = next(e for e in account.ledger.observations().ledger if e.resource.startswith("task definition"))
    assert entry.state == "assumed"
    assert "may push it" in str(entry.note)


def test_an_image_for_which_the_service_waits_is_assumed(template: Template, deploy: Callable[..., Template]) -> None:
    template["Resources"]["Built"] = custom()
    template["Resources"]["Service"]["DependsOn"].append("Built")

    assert deploy(json.dumps(template), Capabilities=["CAPABILITY_IAM"])["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    "others",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"Other": custom(Name="application", Path="/app/x")}, id="a custom resource for something else"),
        pytest.param(
            {"Emptied": custom("Custom::ECRAutoDeleteImages", RepositoryName={"Ref": "Repository"})}, id="what empties it"
        ),
        pytest.param({"BuildRole": role(), "Build": project(REPOSITORY="other")}, id="a build of another image"),
    ],
)
def test_an_image_that_nothing_pushes_is_not_found(
    template: Template, deploy: Callable[..., Template], client: Client, others: Template
) -> None:
    template["Resources"] |= copy.deepcopy(others)

    stack = deploy(json.dumps(template), Capabilities=["CAPABILITY_IAM"], OnFailure="DO_NOTHING")

    assert stack["StackStatus"] == "CREATE_FAILED"
    assert "CannotPullContainerError" in events(client)


@pytest.mark.parametrize("exists", [False, True])
def test_cdk_pushes_to_the_repository_of_its_bootstrap_stack_if_no_step_creates_that(
    fargate: Template, deploy: Callable[..., Template], client: Client, *, exists: bool
) -> None:
    image = {"Fn::Sub": f"${{AWS::AccountId}}.dkr.ecr.${{AWS::Region}}.${{AWS::URLSuffix}}/{ASSETS}:ab"}
    fargate["Resources"]["Definition"]["Properties"]["ContainerDefinitions"][0]["Image"] = image
    if exists:
        client("ecr").create_repository(repositoryName=ASSETS)

    stack = deploy(json.dumps(fargate), Capabilities=["CAPABILITY_IAM"])

    assert stack["StackStatus"] == ("ROLLBACK_COMPLETE" if exists else "CREATE_COMPLETE")


class TestWithAnImageInItsPlace:
    @pytest.fixture
    def account(self, tmp_path: Path) -> Iterator[Server]:
        with server.running(folder=tmp_path, tasks=TaskOptions(images={"app": "nginx:1.28.0"})) as running:
            yield running

    @pytest.fixture
    def client(self, account: Server) -> Client:
        keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
        return lambda service: boto3.client(service, REGION, endpoint_url=account.address, **keys)

    def test_the_image_need_not_be_there(self, template: Template, deploy: Callable[..., Template]) -> None:
        assert deploy(json.dumps(template), Capabilities=["CAPABILITY_IAM"])["StackStatus"] == "CREATE_COMPLETE"

    def test_the_role_has_to_be_allowed_to_pull_it(
        self, template: Template, deploy: Callable[..., Template], client: Client
    ) -> None:
        template["Resources"]["Role"]["Properties"]["ManagedPolicyArns"] = []

        deploy(json.dumps(template), Capabilities=["CAPABILITY_IAM"], OnFailure="DO_NOTHING")

        assert "is not authorized to perform: ecr:" in events(client)
