"""What a stop is laid to: the link that its reason names, or nothing where a rollback has taken it away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.deploy import stop_reasons
from preflight.deploy.declared_resources import DeclaredResource, DeclaredResources
from preflight.deploy.task_findings import TaskFindings
from preflight.deploy.tasks import StoppedTask
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

    assert reason in finding.message


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
    assert found.fix == "Let the container end with exit code 0: see its exit code and its last log lines."
