"""What a task is: one network namespace, shared volumes, limits, secrets, metadata, credentials, and its end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from preflight.container_engine import engine
from preflight.model import JsonObject
from preflight.system import waiting
from tests.integration import emulator

RUN = "tasks"
MANAGED = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
Client = Callable[[str], Any]
Run = Callable[..., JsonObject]
pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """boto3 clients of an emulated account."""
    with emulator.running("--stub", "*/agent", run=RUN) as account:
        yield account.client


@pytest.fixture(scope="module")
def network(client: Client) -> JsonObject:
    """The default VPC's subnets, with a public address."""
    subnets = client("ec2").describe_subnets()["Subnets"]
    awsvpc = {"subnets": [subnets[0]["SubnetId"]], "assignPublicIp": "ENABLED"}
    return {"awsvpcConfiguration": awsvpc}


@pytest.fixture(scope="module")
def role(client: Client) -> str:
    """A role that may do everything, for execution and tasks."""
    iam = client("iam")
    arn: str = iam.create_role(RoleName="all", AssumeRolePolicyDocument=json.dumps(emulator.TRUST))["Role"]["Arn"]
    for policy in (MANAGED, ADMIN):
        iam.attach_role_policy(RoleName="all", PolicyArn=policy)
    client("logs").create_log_group(logGroupName="/tasks")
    client("ecs").create_cluster(clusterName="default")
    return arn


@pytest.fixture
def run(client: Client, network: JsonObject, role: str) -> Run:
    """Runs a task of some containers to its end and returns it as described, with `log` by container."""

    def described(arn: str) -> JsonObject | None:
        task: JsonObject = client("ecs").describe_tasks(tasks=[arn])["tasks"][0]
        return task if task["lastStatus"] == "STOPPED" else None

    def run_to_end(*containers: JsonObject, overrides: JsonObject | None = None, **more: Any) -> JsonObject:
        ecs = client("ecs")
        definition = ecs.register_task_definition(
            family="t",
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            executionRoleArn=role,
            containerDefinitions=[container(**c) for c in containers],
            **more,
        )["taskDefinition"]["taskDefinitionArn"]
        arn = ecs.run_task(
            taskDefinition=definition, launchType="FARGATE", networkConfiguration=network, overrides=overrides or {}
        )["tasks"][0]["taskArn"]
        task = waiting.until(lambda: described(arn), what="the task to end", timeout=90, interval=0.1)
        return {**task, "log": {c["name"]: log(client, c["name"], arn) for c in containers}}

    return run_to_end


def container(name: str, sh: str | None = None, **members: Any) -> JsonObject:
    """Returns a container that runs a line of shell and logs to CloudWatch Logs."""
    options = {"awslogs-group": "/tasks", "awslogs-region": emulator.REGION, "awslogs-stream-prefix": "t"}
    command = {"command": ["sh", "-c", sh]} if sh is not None else {}
    logs = {"logDriver": "awslogs", "options": options}
    definition = {"name": name, "image": "nginx:1.28.0", "logConfiguration": logs, **command, **members}
    return {key: value for key, value in definition.items() if value is not None}


def log(client: Client, name: str, arn: str) -> str:
    stream = f"t/{name}/{arn.rpartition('/')[2]}"
    try:
        events = client("logs").get_log_events(logGroupName="/tasks", logStreamName=stream)["events"]
    except client("logs").exceptions.ResourceNotFoundException:
        return ""
    return "\n".join(event["message"] for event in events)


def test_containers_share_localhost_and_a_volume(run: Run) -> None:
    mounts = [{"sourceVolume": "shared", "containerPath": "/shared"}]
    task = run(
        {"name": "web", "mountPoints": mounts, "essential": False},
        {
            "name": "app",
            "mountPoints": [{**mounts[0], "readOnly": True}],
            "dependsOn": [{"containerName": "web", "condition": "START"}],
            "sh": "for i in 1 2 3 4 5 6 7 8 9; do wget -q -O - http://127.0.0.1/ | grep -o Welcome && break; sleep 0.2; done; touch /shared/x || echo read-only",
        },
        volumes=[{"name": "shared"}],
    )

    assert task["stopCode"] == "EssentialContainerExited"
    assert "Welcome" in task["log"]["app"]
    assert "read-only" in task["log"]["app"]


def test_volumes_from_another_container_are_its_mounts(run: Run) -> None:
    task = run(
        {
            "name": "first",
            "sh": "echo hello > /data/x",
            "essential": False,
            "mountPoints": [{"sourceVolume": "v", "containerPath": "/data"}],
        },
        {
            "name": "second",
            "sh": "cat /data/x",
            "volumesFrom": [{"sourceContainer": "first", "readOnly": True}],
            "dependsOn": [{"containerName": "first", "condition": "SUCCESS"}],
        },
        volumes=[{"name": "v"}],
    )

    assert task["log"]["second"] == "hello"


def test_the_metadata_endpoint_describes_task_and_container(run: Run) -> None:
    task = run(
        {
            "name": "app",
            "sh": "wget -q -O - $ECS_CONTAINER_METADATA_URI_V4/task; echo; wget -q -O - $ECS_CONTAINER_METADATA_URI_V4",
        }
    )

    of_task, of_container = (json.loads(line) for line in task["log"]["app"].splitlines())
    address = task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
    assert of_task["TaskARN"] == task["taskArn"]
    assert of_task["LaunchType"] == "FARGATE"
    assert of_task["Limits"] == {"CPU": 0.25, "Memory": 512}
    assert of_container["Name"] == "app"
    assert of_container["Networks"][0]["IPv4Addresses"] == [address]


def test_sdks_find_the_credentials_of_the_task_role(run: Run, role: str) -> None:
    task = run(
        {"name": "app", "sh": "wget -q -O - http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"},
        taskRoleArn=role,
    )

    credentials = json.loads(task["log"]["app"])
    assert credentials["RoleArn"] == role
    assert set(credentials) == {"RoleArn", "AccessKeyId", "SecretAccessKey", "Token", "Expiration"}


def test_without_a_task_role_there_are_no_credentials(run: Run) -> None:
    task = run({"name": "app", "sh": "env | grep -c CREDENTIALS || true"})

    assert task["log"]["app"] == "0"


def test_no_packet_leaves_the_task(run: Run) -> None:
    task = run({"name": "app", "sh": "wget -q -T 2 -O - http://198.51.100.7/ || echo no answer"})

    assert "no answer" in task["log"]["app"]


def test_aws_is_the_emulated_account(run: Run) -> None:
    task = run({"name": "app", "sh": 'wget -S -q -O - "$AWS_ENDPOINT_URL/v2/" 2>&1 | grep -o "401" | head -1'})

    assert task["log"]["app"] == "401"


def test_secrets_and_environment_files_become_variables(run: Run, client: Client) -> None:
    secret = client("secretsmanager").create_secret(Name="s", SecretString='{"user": "ann"}')["ARN"]
    client("ssm").put_parameter(Name="/p", Value="from ssm", Type="SecureString")
    client("s3").create_bucket(Bucket="files", CreateBucketConfiguration={"LocationConstraint": emulator.REGION})
    client("s3").put_object(Bucket="files", Key="a.env", Body=b"# comment\nA=file\nB=file\n")

    task = run(
        {
            "name": "app",
            "sh": 'echo "$A $B $USER_NAME $P"',
            "environment": [{"name": "A", "value": "definition"}],
            "environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::files/a.env"}],
            "secrets": [{"name": "USER_NAME", "valueFrom": f"{secret}:user::"}, {"name": "P", "valueFrom": "/p"}],
        }
    )

    assert task["log"]["app"] == "definition file ann from ssm"


def test_overrides_of_run_task_count(run: Run) -> None:
    task = run(
        {"name": "app", "sh": "echo no"},
        overrides={
            "containerOverrides": [
                {"name": "app", "command": ["sh", "-c", "echo $X"], "environment": [{"name": "X", "value": "yes"}]}
            ]
        },
    )

    assert task["log"]["app"] == "yes"


@pytest.mark.parametrize(
    ("members", "sh", "output"),
    [
        pytest.param(
            {"readonlyRootFilesystem": True},
            "touch /run/x 2>/dev/null || echo no",
            "no",
            id="a read-only root has no tmpfs of its own",
        ),
        pytest.param(
            {"linuxParameters": {"tmpfs": [{"containerPath": "/scratch", "size": 8}]}, "readonlyRootFilesystem": True},
            "touch /scratch/x && echo yes",
            "yes",
            id="a tmpfs can be written",
        ),
        pytest.param({"user": "101:101"}, "id -u", "101", id="user"),
        pytest.param({"workingDirectory": "/usr/share/nginx"}, "pwd", "/usr/share/nginx", id="working directory"),
        pytest.param(
            {"entryPoint": ["echo", "one"], "command": ["two"]}, None, "one two", id="entry point and command"
        ),
        pytest.param(
            {"ulimits": [{"name": "nofile", "softLimit": 512, "hardLimit": 512}]}, "ulimit -n", "512", id="ulimits"
        ),
        pytest.param({"linuxParameters": {"initProcessEnabled": True}}, "cat /proc/1/comm", None, id="init process"),
        pytest.param(
            {"linuxParameters": {"capabilities": {"drop": ["ALL"]}}},
            "chown 1 /tmp 2>/dev/null && echo yes || echo no",
            "no",
            id="capabilities",
        ),
    ],
)
def test_a_container_has_what_its_definition_says(
    run: Run, members: JsonObject, sh: str | None, output: str | None
) -> None:
    line = run({"name": "app", **({"sh": sh} if sh else {}), **members})["log"]["app"].splitlines()[-1]

    assert line == output if output is not None else line != "sh"


def test_a_container_over_its_memory_is_killed_for_that_reason(run: Run) -> None:
    task = run({"name": "app", "sh": "sleep 1; tail /dev/zero", "memory": 32})  # some time, in which its counter is found

    described = task["containers"][0]
    assert described["exitCode"] == 137
    assert described["reason"] == "OutOfMemoryError: Container killed due to memory usage"
    assert not Path("oom").exists()


def test_containers_see_each_other_s_processes_if_the_task_shares_them(run: Run) -> None:
    modes: tuple[dict[str, str], ...] = ({}, {"pidMode": "task"})
    sleeper = {"name": "sleeper", "sh": "exec sleep 8", "essential": False}
    looker = {
        "name": "app",
        "sh": "ps | grep -c '[s]leep 8'; true",
        "dependsOn": [{"containerName": "sleeper", "condition": "START"}],
    }

    seen = [run(sleeper, looker, **mode)["log"]["app"] for mode in modes]

    assert seen == ["0", "1"]


def test_a_file_system_is_the_same_for_every_task(run: Run, client: Client, network: JsonObject) -> None:
    efs, subnet = client("efs"), network["awsvpcConfiguration"]["subnets"][0]
    system = efs.create_file_system(CreationToken="x")["FileSystemId"]
    efs.create_mount_target(FileSystemId=system, SubnetId=subnet)
    volume = {"name": "v", "efsVolumeConfiguration": {"fileSystemId": system, "transitEncryption": "ENABLED"}}
    mounts = [{"sourceVolume": "v", "containerPath": "/data"}]

    first = run({"name": "app", "sh": "echo kept > /data/x", "mountPoints": mounts}, volumes=[volume])
    second = run({"name": "app", "sh": "cat /data/x", "mountPoints": mounts}, volumes=[volume])

    assert first["stoppedReason"] == "Essential container in task exited"
    assert second["log"]["app"] == "kept"


def test_a_file_system_without_a_mount_target_is_not_mounted(run: Run, client: Client) -> None:
    system = client("efs").create_file_system(CreationToken="y")["FileSystemId"]
    volume = {"name": "v", "efsVolumeConfiguration": {"fileSystemId": system}}

    task = run(
        {"name": "app", "sh": "true", "mountPoints": [{"sourceVolume": "v", "containerPath": "/d"}]}, volumes=[volume]
    )

    assert task["stopCode"] == "TaskFailedToStart"
    assert "EFS utils" in task["stoppedReason"]


def test_dependents_are_stopped_first(run: Run) -> None:
    loop = "trap 'read up rest < /proc/uptime; echo $up; exit 0' QUIT TERM; while true; do sleep 0.1; done"
    task = run(
        {"name": "db", "sh": loop, "essential": False},
        {"name": "app", "sh": loop, "essential": False, "dependsOn": [{"containerName": "db", "condition": "START"}]},
        {"name": "short", "sh": "sleep 1", "dependsOn": [{"containerName": "app", "condition": "START"}]},
    )

    ends = [float(task["log"][name]) for name in ("app", "db")]
    assert task["stopCode"] == "EssentialContainerExited"
    assert ends == sorted(ends)


def test_a_stub_stands_in_for_a_sidecar_that_phones_home(run: Run) -> None:
    task = run(
        {
            "name": "agent",
            "image": "example.com/agent:9",
            "essential": False,
            "healthCheck": {"command": ["CMD", "/nope"]},
            "logConfiguration": None,
        },
        {"name": "app", "sh": "echo ran", "dependsOn": [{"containerName": "agent", "condition": "HEALTHY"}]},
    )

    assert task["log"]["app"] == "ran"


def test_a_task_for_another_platform_is_assumed_to_run(client: Client, network: JsonObject, role: str) -> None:
    ecs = client("ecs")
    other = "ARM64" if "linux/amd64" in engine.find().platforms else "X86_64"
    definition = ecs.register_task_definition(
        family="arm",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        executionRoleArn=role,
        runtimePlatform={"cpuArchitecture": other},
        containerDefinitions=[container("app", "false")],
    )["taskDefinition"]["taskDefinitionArn"]

    arn = ecs.run_task(taskDefinition=definition, launchType="FARGATE", networkConfiguration=network)["tasks"][0][
        "taskArn"
    ]
    ecs.get_waiter("tasks_running").wait(tasks=[arn], WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    ecs.stop_task(task=arn)
    ecs.get_waiter("tasks_stopped").wait(tasks=[arn], WaiterConfig={"Delay": 1, "MaxAttempts": 20})

    assert ecs.describe_tasks(tasks=[arn])["tasks"][0]["stopCode"] == "UserInitiated"
