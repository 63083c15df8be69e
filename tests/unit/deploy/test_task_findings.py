"""What a stop is laid to: the link that its reason names, or nothing where a rollback has taken it away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from preflight.aws import describe_network
from preflight.aws.network import Interface, Network
from preflight.deploy import stop_reasons
from preflight.deploy.declared_resources import DeclaredResource, DeclaredResources
from preflight.deploy.load_balancers import PublicLoadBalancers
from preflight.deploy.task_findings import TaskFindings
from preflight.deploy.tasks import StoppedTask
from preflight.model import JsonObject
from preflight.templates import template

PULL = "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref"
ROLE = "arn:aws:iam::123456789012:role/r"


@pytest.mark.parametrize(
    ("reason", "services"),
    [
        pytest.param("The task cannot pull registry auth from Amazon ECR: There is a connection issue", ("ecr.api",), id="the token"),
        pytest.param("failed to validate logger args: The task cannot find the Amazon CloudWatch log group", ("logs",), id="the log group"),
        pytest.param("There is a connection issue between the task and AWS Secrets Manager.", ("secretsmanager",), id="a secret"),
        pytest.param("connection issue between the task and AWS Systems Manager Parameter Store.", ("ssm",), id="a parameter"),
        pytest.param("unable to retrieve secret from asm: dial tcp: i/o timeout", ("secretsmanager",), id="a secret, in short"),
        pytest.param(f"{PULL} 123456789012.dkr.ecr.eu-west-1.amazonaws.com/a:1: i/o timeout", ("ecr.dkr",), id="a manifest"),
        pytest.param("ref pull has been retried: failed to copy: httpReaderSeeker: dial tcp: i/o timeout", ("s3",), id="layers"),
        pytest.param("i/o timeout", stop_reasons.EVERY_SERVICE, id="nothing named"),
    ],
)  # fmt: skip
def test_a_reason_names_its_service(reason: str, services: tuple[str, ...]) -> None:
    assert stop_reasons.services(reason) == services


@pytest.mark.parametrize(
    ("reason", "is_so"),
    [
        pytest.param(f"{PULL} docker.io/library/nginx:1: dial tcp: i/o timeout", True, id="Docker Hub"),
        pytest.param(f"{PULL} 1.dkr.ecr.eu-west-1.amazonaws.com/a:1: dial tcp: i/o timeout", False, id="ECR"),
        pytest.param("i/o timeout", False, id="nothing named"),
    ],
)
def test_another_registry_is_on_the_internet(reason: str, *, is_so: bool) -> None:
    assert stop_reasons.is_of_internet(reason) == is_so


class Gone:
    """A client to which everything has gone."""

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def ask(**_given: Any) -> Any:
            raise ClientError({"Error": {"Code": "ClusterNotFoundException", "Message": "Cluster not found."}}, operation)

        return ask


class Session:
    def client(self, _service: str) -> Gone:
        return Gone()


def known(tmp_path: Path, **role: Any) -> DeclaredResources:
    """A template with a role and a service, as if both were there."""
    path = tmp_path / "t.yaml"
    path.write_text(f"Resources:\n  Role:\n    Type: AWS::IAM::Role\n    Properties: {role}\n")
    made = DeclaredResources.__new__(DeclaredResources)
    made._resources = {"r": DeclaredResource(template.load(path), "Role", "r", "AWS::IAM::Role")}
    return made


NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


def stopped(reason: str) -> StoppedTask:
    return StoppedTask("arn", "s", "d", "TaskFailedToStart", reason, NOW)


@pytest.mark.parametrize(
    "reason",
    [
        pytest.param("There is a connection issue between the task and Amazon ECR.", id="network"),
        pytest.param("Task failed ELB health checks in (target-group arn:aws:elb:1)", id="target"),
    ],
)
def test_what_has_gone_meanwhile_is_not_known(tmp_path: Path, reason: str) -> None:
    finding = TaskFindings(Session(), known(tmp_path), {}).finding(stopped(reason))  # type: ignore[arg-type]

    assert finding.fix == stop_reasons.of(reason, ()).fix
    assert finding.resource is None


TASK = {"subnets": ["subnet-1"], "securityGroups": ["sg-task"], "assignPublicIp": "DISABLED"}
SUBNET = {"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24"}
ROUTES = {"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [{"Main": True}], "Routes": []}
ANYWHERE = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
TARGET = "Task failed ELB health checks in (target-group arn:aws:elb:1)"


class Described:
    """A session of an account with one service, whose target group is checked by a load balancer."""

    def __init__(self, health_check_port: str = "traffic-port") -> None:
        self.aws = mock.MagicMock()
        self.aws.describe_subnets.return_value = {"Subnets": [SUBNET]}
        group = {"HealthCheckPort": health_check_port, "LoadBalancerArns": ["lb"]}
        self.aws.describe_target_groups.return_value = {"TargetGroups": [group]}
        balanced = {"targetGroupArn": "arn:aws:elb:1", "containerPort": 80}
        self.aws.describe_services.return_value = {"services": [{"loadBalancers": [balanced]}]}

    def client(self, _service: str) -> mock.MagicMock:
        return self.aws


def fix_of(tmp_path: Path, reason: str, *, session: Described, network: Network, sources: tuple[str, ...] = ()) -> str:
    """Returns what a finding says to do in a network, where load balancers of these security groups send requests."""
    faces = [Interface("vpc-1", "subnet-1", "10.0.1.9", (group,), has_public_address=True) for group in sources]
    described = mock.patch.object(describe_network, "describe_network", return_value=network)
    with described, mock.patch.object(PublicLoadBalancers, "faces", return_value=faces):
        return str(TaskFindings(session, known(tmp_path), {}).finding(replace(stopped(reason), network=TASK)).fix)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        pytest.param("There is a connection issue between the task and Amazon ECR.", "ecr.api", id="a service"),
        pytest.param(f"{PULL} docker.io/library/nginx:1: dial tcp: i/o timeout", "copy the image to a repository of ECR", id="another registry"),
    ],
)
def test_a_connection_issue_is_laid_to_the_missing_link(tmp_path: Path, reason: str, text: str) -> None:
    group = {"GroupId": "sg-task", "IpPermissionsEgress": ANYWHERE}
    fix = fix_of(tmp_path, reason, session=Described(), network=Network((SUBNET,), (ROUTES,), security_groups=(group,)))

    assert text in fix


@pytest.mark.parametrize(
    ("port", "sources", "text"),
    [
        pytest.param("traffic-port", ("sg-lb",), "port 80", id="the port of the service"),
        pytest.param("8080", ("sg-lb",), "port 8080", id="a port of its own"),
        pytest.param("8080", ("sg-lb", "sg-other"), "port 8080", id="no interface reaches it"),
        pytest.param("traffic-port", ("sg-lb", "sg-open"), "answer the health check", id="one interface reaches it"),
    ],
)
def test_a_failed_health_check_is_laid_to_the_link_from_every_load_balancer(
    tmp_path: Path, port: str, sources: tuple[str, ...], text: str
) -> None:
    admitted = [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 9, "UserIdGroupPairs": [{"GroupId": "sg-lb"}]}]
    admitted += [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-open"}]}]
    groups: tuple[JsonObject, ...] = ({"GroupId": "sg-task", "IpPermissions": admitted}, *({"GroupId": g, "IpPermissionsEgress": ANYWHERE} for g in ("sg-lb", "sg-open", "sg-other")))
    fix = fix_of(tmp_path, TARGET, session=Described(port), network=Network((SUBNET,), (ROUTES,), security_groups=groups), sources=sources)

    assert text in fix


@pytest.mark.parametrize(
    ("role", "name"),
    [
        pytest.param({"Policies": []}, "Policies", id="inline"),
        pytest.param({"ManagedPolicyArns": []}, "ManagedPolicyArns", id="managed"),
        pytest.param({"ManagedPolicyArns": [], "Policies": []}, "Policies", id="both"),
        pytest.param({"Path": "/"}, None, id="none, or in a resource of their own"),
    ],
)
def test_a_denial_names_the_policies_that_the_role_has(tmp_path: Path, role: dict[str, Any], name: str | None) -> None:
    reason = f"AccessDeniedException: User: {ROLE} is not authorized to perform: logs:CreateLogStream on resource: y"
    finding = TaskFindings(Session(), known(tmp_path, **role), {}).finding(stopped(reason))  # type: ignore[arg-type]

    assert finding.resource == "Role"
    assert finding.property == name


def test_a_container_that_may_not_write_to_its_volume_is_told_how_to(tmp_path: Path) -> None:
    task = replace(
        stopped("Essential container in task exited"), log=("can't create /data/x: Permission denied",), mounts=("/data",)
    )

    found = TaskFindings(Session(), known(tmp_path), {}).finding(task)  # type: ignore[arg-type]

    assert found.check == "VolumeNotWritable"


def test_a_script_that_cannot_start_is_looked_up_in_the_folder_that_was_built(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_bytes(b"#!/bin/sh\r\n")
    task = replace(stopped("Essential container in task exited"), log=("exec /run.sh: no such file or directory",))

    found = TaskFindings(Session(), known(tmp_path), {}, [tmp_path]).finding(task)  # type: ignore[arg-type]

    assert "line ends of Windows" in str(found.fix)


def test_a_container_that_ends_by_itself_is_named(tmp_path: Path) -> None:
    task = replace(stopped("Essential container in task exited"), containers=("seed: exit code 0", "web: exit code 143"))

    found = TaskFindings(Session(), known(tmp_path), {}).finding(task)  # type: ignore[arg-type]

    assert "Container seed ended by itself" in str(found.fix)


@pytest.mark.parametrize(
    "reason",
    [
        pytest.param("the rehearsal could not go on: the registry of nginx cannot be reached: no such host", id="no registry"),
        pytest.param("internal error in the emulated account", id="an internal error"),
    ],
)
def test_trouble_of_this_machine_is_no_fault_of_the_template(tmp_path: Path, reason: str) -> None:
    found = TaskFindings(Session(), known(tmp_path), {}).finding(stopped(reason))  # type: ignore[arg-type]

    assert found.check == "NotRehearsed"
    assert found.resource is None
    assert "this machine could not run the task" in str(found.fix)


def test_a_job_that_fails_is_told_to_end_not_to_keep_running(tmp_path: Path) -> None:
    task = replace(stopped("Essential container in task exited"), schedule="s-nightly", containers=("job: exit code 3",))

    found = TaskFindings(Session(), known(tmp_path), {}).finding(task)  # type: ignore[arg-type]

    assert found.message.startswith("a task of schedule s-nightly stopped")
    assert found.fix == "Make the container end with exit code 0: see its exit code and its last log lines."
