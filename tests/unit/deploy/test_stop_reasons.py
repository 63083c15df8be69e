from __future__ import annotations

import pytest

from preflight.deploy import stop_reasons


@pytest.mark.parametrize(
    ("reason", "check", "at"),
    [
        pytest.param(
            "ECS was unable to assume the role 'arn:aws:iam::1:role/x' that", "RoleNotAssumed", "role", id="trust"
        ),
        pytest.param(
            "ECS was unable to assume the configured ECS Infrastructure Role 'x'.", "RoleNotAssumed", "role", id="volumes"
        ),
        pytest.param(
            "User: x is not authorized to perform: ecr:BatchGetImage on resource: y",
            "AccessDenied",
            "role",
            id="denied",
        ),
        pytest.param(
            "There is a connection issue between the task and Amazon ECR.", "NoRoute", "service", id="no route"
        ),
        pytest.param("dial tcp 1.2.3.4:443: i/o timeout", "NoRoute", "service", id="timeout"),
        pytest.param(
            "ResourceNotFoundException: The specified log group does not exist.",
            "LogGroupMissing",
            "definition",
            id="log group",
        ),
        pytest.param(
            "CannotPullContainerError: pull image manifest: not found",
            "CannotPullContainerError",
            "definition",
            id="image",
        ),
        pytest.param(
            "image Manifest does not contain descriptor matching platform 'linux/amd64'",
            "PlatformMismatch",
            "definition",
            id="platform",
        ),
        pytest.param("failed to invoke EFS utils commands: no folder", "FileSystemNotMounted", "definition", id="EFS"),
        pytest.param("Essential container in task exited", "EssentialContainerExited", "definition", id="exit"),
        pytest.param("Task failed container health checks", "HealthCheckFailed", "definition", id="health"),
        pytest.param("something else", "TaskStopped", "service", id="unknown"),
    ],
)
def test_a_reason_names_the_resource_at_fault(reason: str, check: str, at: str) -> None:
    found = stop_reasons.of(reason)

    assert found.check == check
    assert found.at == at


def test_the_fix_names_the_action_that_is_missing() -> None:
    found = stop_reasons.of("is not authorized to perform: logs:CreateLogStream on resource: x")

    assert found.fix == "Allow logs:CreateLogStream to the execution role."


@pytest.mark.parametrize(
    ("reason", "fix"),
    [
        pytest.param("access denied by server (the file system has no folder /site)", "CreationInfo", id="no folder"),
        pytest.param("Failed to resolve - enableDnsHostnames of the VPC is off", "EnableDnsHostnames", id="no names"),
        pytest.param("access denied by server while mounting", "ClientMount", id="no permission"),
        pytest.param("Connection timed out", "2049", id="no connection"),
    ],
)
def test_the_fix_for_a_file_system_is_that_for_its_cause(reason: str, fix: str) -> None:
    found = stop_reasons.of(f"failed to invoke EFS utils commands to set up EFS volumes: stderr: {reason}")

    assert fix in found.fix


@pytest.mark.parametrize(
    ("line", "is_so"),
    [
        pytest.param("sh: can't create /data/x: Permission denied", True, id="permission"),
        pytest.param("touch: /data/x: Read-only file system", True, id="read-only"),
        pytest.param("Error: EACCES: permission denied, mkdir '/data/db'", True, id="node"),
        pytest.param("sh: can't create /etc/x: Permission denied", False, id="elsewhere"),
        pytest.param("reading /data/x", False, id="no refusal"),
    ],
)
def test_a_log_says_that_a_volume_is_not_writable(line: str, *, is_so: bool) -> None:
    found = stop_reasons.of_volume((line,), ("/data",))

    assert (found is not None and found.check == "VolumeNotWritable") == is_so


def test_no_fix_shows_a_placeholder() -> None:
    said = "Requires capabilities : [CAPABILITY_IAM] No export named e found Parameters: [P] must have values Parameters: [P] do not exist Unresolved resource dependencies [X]"
    fixes = [stop_reasons.of_stack(said[start:])[1] for start in range(0, len(said), 5)]

    assert [fix for fix in fixes if "{" in fix] == []


def test_only_an_exit_is_given_another_chance() -> None:
    assert [
        stop_reasons.of(reason).heals for reason in ("Essential container in task exited", "CannotPullContainerError: x")
    ] == [True, False]


def test_a_container_that_ended_without_an_error_is_named() -> None:
    assert str(stop_reasons.of_exit(("seed: exit code 0", "web: exit code 143"))).startswith("Container seed ended by itself")


def test_a_container_that_failed_did_not_end_by_itself() -> None:
    assert stop_reasons.of_exit(("seed: exit code 0", "web: exit code 1")) is None


@pytest.mark.parametrize(
    ("code", "fix"),
    [
        pytest.param(301, "redirects the health check", id="redirected"),
        pytest.param(400, "header Host", id="another host"),
        pytest.param(401, "login", id="a login"),
        pytest.param(404, "no page at HealthCheckPath", id="no page"),
        pytest.param(503, "fails at HealthCheckPath", id="a failure"),
    ],
)
def test_the_code_that_a_target_answered_has_its_advice(code: int, fix: str) -> None:
    assert fix in str(stop_reasons.of_health_codes(f"its target: Health checks failed with these codes: [{code}]"))


@pytest.mark.parametrize(
    ("reason", "fix"),
    [
        pytest.param("rolled back because of invalid networking configuration. User: x is not authorized to perform: elasticloadbalancing:ModifyRule on resource: y", "Allow elasticloadbalancing:ModifyRule to the infrastructure role", id="no permission"),
        pytest.param("invalid networking configuration. ECS was unable to manage the ELB resources due to missing permissions on ECS Infrastructure Role 'x'.", "to ecs.amazonaws.com", id="no trust"),
        pytest.param("productionListenerRule x should have exactly one target group serving traffic but found 2", "the weight 100, and the other one 0", id="two that serve"),
        pytest.param("For Application LoadBalancer, testListenerRule is required when productionListenerRule is not associated", "name a TestListenerRule", id="no test rule"),
    ],
)  # fmt: skip
def test_a_deployment_that_cannot_shift_traffic_has_its_advice(reason: str, fix: str) -> None:
    name, advice = stop_reasons.of_stack(reason, "AWS::ECS::Service")

    assert name == "LoadBalancers"
    assert fix in advice


def test_a_task_that_cannot_be_registered_blames_the_infrastructure_role() -> None:
    found = stop_reasons.of("User: x is not authorized to perform: elasticloadbalancing:RegisterTargets on resource: y")

    assert "Allow elasticloadbalancing:RegisterTargets to the infrastructure role" in found.fix


@pytest.mark.parametrize(
    ("reason", "name", "fix"),
    [
        pytest.param(
            "Invalid parameter at 'replicationConfiguration' failed to satisfy constraint: 'Replication destination cannot be the same as the source registry'",
            "ReplicationConfiguration",
            "another region than the stack's",
            id="a registry replicates to itself",
        ),
        pytest.param(
            "The specified capacity provider is in use and cannot be removed.", "CapacityProviders", "Set DependsOn", id="providers are removed before their services"
        ),
    ],
)
def test_a_refusal_that_names_no_value_has_its_advice(reason: str, name: str, fix: str) -> None:
    said = stop_reasons.of_stack(reason)

    assert said[0] == name
    assert fix in said[1]


def test_a_refusal_of_a_table_has_the_cure_of_its_row() -> None:
    reason = "VPC ID cannot be specified for target groups with target type 'lambda' (Service: ElasticLoadBalancingV2)"

    assert stop_reasons.of_stack(reason, "AWS::ElasticLoadBalancingV2::TargetGroup")[1] == "Remove VpcId."


def test_a_refusal_that_is_not_known_leads_to_the_page_of_the_type() -> None:
    assert "aws-resource-ecs-taskdefinition.html" in stop_reasons.of_stack("no", "AWS::ECS::TaskDefinition")[1]


@pytest.mark.parametrize(
    ("line", "fix"),
    [
        pytest.param("bind() to 0.0.0.0:80 failed (13: Permission denied)", "below 1024", id="nginx"),
        pytest.param("Error: listen EACCES: permission denied 0.0.0.0:443", "below 1024", id="node"),
        pytest.param("An error occurred (AccessDenied) when calling ListObjectsV2", "TaskRoleArn", id="a call that AWS denied"),
    ],
)
def test_what_a_container_wrote_last_has_its_advice(line: str, fix: str) -> None:
    assert fix in str(stop_reasons.of_log(("starting", line)))


def test_a_port_that_is_free_for_all_users_is_not_blamed() -> None:
    assert stop_reasons.of_log(("bind() to 0.0.0.0:8080 failed (13: Permission denied)",)) is None


def test_the_fix_names_a_secret_with_its_suffix() -> None:
    said = "is not authorized to perform: secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:us-east-1:1:secret:web/db-a1B2c3 because"

    assert "web/db-??????" in stop_reasons.of(said).fix


@pytest.mark.parametrize(
    ("said", "check"),
    [
        pytest.param("did not contain json key password", "SecretMissing", id="another key"),
        pytest.param("invalid character 'h' looking for beginning of value", "SecretNotJson", id="no JSON"),
    ],
)
def test_a_secret_without_a_key_is_not_one_that_is_no_json(said: str, check: str) -> None:
    assert stop_reasons.of(said).check == check


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        pytest.param("Health check grace period is only valid for services configured to use load balancers", "HealthCheckGracePeriodSeconds", id="a grace period"),
        pytest.param("The values specified for serviceRegistries do not require a value for 'containerPort'.", "ServiceRegistries", id="A records with a port"),
        pytest.param("Volumes [v] are not referenced by any of the containers", "Volumes", id="a volume without a mount"),
        pytest.param("Tasks using the EC2 launch type do not support EphemeralStorage", "EphemeralStorage", id="storage"),
        pytest.param("Certificate 'arn:aws:acm:us-east-1:1:certificate/a' not found", "Certificates", id="a certificate of another region"),
    ],
)  # fmt: skip
def test_a_refusal_of_a_stack_says_which_property_to_change(reason: str, name: str) -> None:
    at, fix = stop_reasons.of_stack(reason)

    assert at == name
    assert not fix.startswith("Correct what the reason names")


def test_an_export_in_use_stays_until_no_stack_imports_it() -> None:
    _, fix = stop_reasons.of_stack("Export web-address cannot be deleted as it is in use by other")

    assert fix.startswith("Leave web-address as it is until no stack imports it")


@pytest.mark.parametrize(
    ("said", "program"),
    [
        pytest.param("exit code 1: /bin/sh: curl: not found", "curl", id="of BusyBox"),
        pytest.param("exit code 127: /bin/sh: 1: wget: not found", "wget", id="of dash"),
        pytest.param("exit code 127: bash: line 1: nc: command not found", "nc", id="of bash"),
        pytest.param("exit code 1: curl: (7) Failed to connect", None, id="a program that is there"),
    ],
)
def test_the_fix_of_a_health_check_names_the_program_that_is_missing(said: str, program: str | None) -> None:
    fix = stop_reasons.of_health_check((f"web: exit code 0, its health check ended with {said}",))

    assert fix is None if program is None else f"no {program}:" in str(fix)


@pytest.mark.parametrize(
    ("reason", "fix"),
    [
        pytest.param("Error retrieving subnet information for [subnet-0a1b2c3d4e5f60718]: The subnet ID 'subnet-0a1b2c3d4e5f60718' does not exist", "No stack of the plan creates subnet-0a1b2c3d4e5f60718", id="a subnet"),
        pytest.param("The vpc ID 'vpc-0a1b2c3d' does not exist", "No stack of the plan creates vpc-0a1b2c3d", id="a VPC"),
        pytest.param("Could not resolve the dynamic reference {{resolve:secretsmanager:shop:SecretString:vpc-id}}", "Create shop in an earlier stack", id="a secret"),
        pytest.param("Could not resolve the dynamic reference {{resolve:ssm:/shop/vpc:1}}", "Create /shop/vpc in an earlier stack", id="a parameter"),
        pytest.param(
            "Could not resolve the dynamic reference {{resolve:secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-AbCdEf:SecretString:vpc-id}}",
            "Create arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-AbCdEf in an earlier stack",
            id="a secret by its ARN",
        ),
        pytest.param("The security groups 'sg-0a1b2c3d, sg-0a1b2c3e' do not exist", "No stack of the plan creates sg-0a1b2c3d, sg-0a1b2c3e.", id="two security groups"),
    ],
)  # fmt: skip
def test_what_only_the_users_account_has_is_said_to_be_that(reason: str, fix: str) -> None:
    assert stop_reasons.of_stack(reason, "AWS::ECS::Service")[1].startswith(fix)


@pytest.mark.hostile(12, input="a template names twenty thousand subnets, and CloudFormation repeats them in its reason", happens="the fix is found at once", limit="21 names of a list")
@pytest.mark.parametrize("end", ["", " does not exist"])
def test_a_reason_with_many_names_takes_no_time(end: str) -> None:
    names = ", ".join(f"subnet-{number:017x}" for number in range(20_000))

    _property, fix = stop_reasons.of_stack(f"The subnets {names}{end}")

    assert (f"{19_999:017x}" in fix) is bool(end)
