"""What RegisterTaskDefinition refuses: a definition that is taken, and one change."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.aws import fargate_sizes
from preflight.rehearsal import protocol
from preflight.rehearsal.ecs.validation import api_model, tags, task_definition
from tests.unit.rehearsal.ecs.validation import task_definitions
from tests.unit.rehearsal.ecs.validation.task_definitions import APP, SIDE, Change, add, good, put, windows

ON = True  # a value, so that tables read
LOG = APP + "logConfiguration."
LINUX = APP + "linuxParameters."
S3_FILE = {"type": "s3", "value": "arn:aws:s3:::bucket/app.env"}


def said_of(given: dict[str, Any]) -> str:
    return task_definition.refusal(given) or "nothing was refused"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(put("family", "a b"), "Family", id="a family with a blank"),
        pytest.param(put("family", "a" * 256), "Family", id="a family of 256 letters"),
        pytest.param(put("containerDefinitions", []), "Container list cannot be empty", id="no container"),
        pytest.param(put(APP + "name", ""), "Container.name should not be null or empty.", id="no name"),
        pytest.param(put(APP + "image", ""), "Container.image should not be null or empty.", id="no image"),
        pytest.param(put(APP + "name", "a b"), "Container name", id="a name with a blank"),
        pytest.param(put(APP + "image", "ng inx"), "Container.image", id="an image with a blank"),
        pytest.param(put(APP + "image", "a" * 256), "Container.image", id="an image of 256 letters"),
        pytest.param(put(APP + "image", "nginx@sha256:abc"), "Container.image", id="half a digest"),
        pytest.param(put(SIDE + "name", "app"), "Container names must be unique", id="a doubled name"),
        pytest.param(put(APP + "essential", value=False), "any essential container", id="nothing essential"),
        pytest.param(
            put("containerDefinitions", [{"name": f"c{n}", "image": "i"} for n in range(11)]),
            "Too many containers",
            id="eleven containers",
        ),
        pytest.param(
            put(APP + "environment", [{"name": "A", "value": "a" * 66000}]),
            "Max allowed length is '65536' bytes.",
            id="more than 64 KiB",
        ),
    ],
)
def test_names_and_numbers(change: Change, said: str) -> None:
    assert said in said_of(good(change))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(put("networkMode", "bridge"), "Fargate only supports network mode", id="bridge"),
        pytest.param(put("networkMode", None), "Fargate only supports network mode", id="no network mode"),
        pytest.param(put("cpu", "513"), fargate_sizes.NONE_SUCH, id="a size there is not"),
        pytest.param(put("memory", "512"), fargate_sizes.NONE_SUCH, id="too little memory for the CPU"),
        pytest.param(put("memory", "5 GB"), fargate_sizes.NONE_SUCH, id="too much memory for the CPU"),
        pytest.param(put("cpu", "half"), "Invalid 'cpu' setting for task.", id="no number"),
        pytest.param(put("cpu", "0.5"), "Invalid 'cpu' setting for task.", id="a fraction without a unit"),
        pytest.param(put("memory", "1 TB"), "Invalid 'memory' setting for task.", id="another unit"),
        pytest.param(put("cpu", None), "Fargate requires that 'cpu' be defined", id="no cpu"),
        pytest.param(put("memory", None), "At least one of 'memory' or 'memoryReservation'", id="no memory"),
        pytest.param(put(APP + "memory", 2048), "is greater than for the task", id="more memory than the task"),
        pytest.param(put(APP + "memory", 2), "'memory' must be at least", id="2 MiB"),
        pytest.param(put(APP + "memoryReservation", 2), "'memoryReservation' must be at least", id="2 MiB reserved"),
        pytest.param(put(APP + "cpu", 1024), "sum of all container 'cpu'", id="more cpu than the task"),
        pytest.param(put(APP + "cpu", -1), "'cpu' must not be negative", id="negative cpu"),
        pytest.param(
            lambda g: (put(APP + "memory", 64)(g), put(APP + "memoryReservation", 128)(g)),
            "'memory' must be greater than or equal to 'memoryReservation'",
            id="more reserved than allowed",
        ),
        pytest.param(
            lambda g: (put(APP + "memoryReservation", 1000)(g), put(SIDE + "memoryReservation", 1000)(g)),
            "sum of all container 'memoryReservation'",
            id="more memory reserved than the task has",
        ),
        pytest.param(put("ephemeralStorage", {"sizeInGiB": 20}), "at least 21", id="little storage"),
        pytest.param(put("ephemeralStorage", {"sizeInGiB": 201}), "at most 200", id="much storage"),
    ],
)
def test_sizes_and_budgets(change: Change, said: str) -> None:
    assert said in said_of(good(change))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(put(SIDE + "name", "side"), "to support log driver awslogs.", id="awslogs"),
        pytest.param(
            put(APP + "logConfiguration", None), "nothing was refused", id="without logs none is needed"
        ),
        pytest.param(
            lambda g: (
                put(APP + "logConfiguration", None)(g),
                put(APP + "image", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a:1")(g),
            ),
            "to support ECR images.",
            id="a private image",
        ),
        pytest.param(
            lambda g: (
                put(APP + "logConfiguration", None)(g),
                put(APP + "repositoryCredentials", {"credentialsParameter": "docker"})(g),
            ),
            "to support private registry authentication.",
            id="another registry's credentials",
        ),
        pytest.param(
            put(APP + "secrets", [{"name": "A", "valueFrom": "a"}]),
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
            id="a secret",
        ),
        pytest.param(
            put(LOG + "secretOptions", [{"name": "A", "valueFrom": "a"}]),
            "When you are specifying container secrets",
            id="a secret of the log driver",
        ),
    ],
)
def test_without_an_execution_role(change: Change, said: str) -> None:
    assert said in said_of(good(put("executionRoleArn", None), change))


def test_an_s3_files_volume_needs_a_task_role() -> None:
    given = good(put("volumes.0.s3filesVolumeConfiguration", {"fileSystemArn": "arn:aws:s3files:::fs"}))

    assert "task IAM role" in said_of(given)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            put(APP + "portMappings.0.hostPort", 8080),
            "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
            id="another host port",
        ),
        pytest.param(put(APP + "portMappings.0.hostPort", 0), "must match", id="a host port of 0"),
        pytest.param(
            put(SIDE + "portMappings", [{"containerPort": 80}]),
            "TCP host port '80' is mapped multiple times in task.",
            id="two containers on one port",
        ),
        pytest.param(
            add(APP + "portMappings", {"containerPort": 80}), "mapped multiple times", id="one container, one port twice"
        ),
        pytest.param(
            add(APP + "portMappings", {"containerPort": 80, "protocol": "TCP"}),
            "mapped multiple times",
            id="a protocol in capitals is tcp",
        ),
        pytest.param(
            add(APP + "portMappings", {"containerPortRange": "70-90"}),
            "container port is used multiple times in task",
            id="a port in a range",
        ),
        pytest.param(
            put(SIDE + "portMappings", [{"containerPortRange": "70-75"}, {"containerPortRange": "75-78"}]),
            "container port is used multiple times in task",
            id="ranges that overlap",
        ),
        pytest.param(
            put(APP + "portMappings.0.containerPortRange", "80-90"), "both single port and port range", id="both"
        ),
        pytest.param(
            put(SIDE + "portMappings", [{"containerPortRange": "90-81"}]),
            "Invalid 'containerPortRange' setting",
            id="a range that runs backwards",
        ),
        pytest.param(
            put(SIDE + "portMappings", [{"containerPortRange": "81"}]),
            "Invalid 'containerPortRange' setting",
            id="a range of one number",
        ),
        pytest.param(
            put(SIDE + "portMappings", [{"containerPortRange": "81-65536"}]),
            "Invalid 'containerPortRange' setting",
            id="a range beyond the last port",
        ),
        pytest.param(
            put(SIDE + "portMappings", [{"containerPortRange": f"{n}-{n + 1}"} for n in range(1000, 1202, 2)]),
            "at most 100 port ranges",
            id="101 ranges",
        ),
        pytest.param(put(APP + "portMappings.0", {"protocol": "tcp"}), "must specify a containerPort", id="no port"),
        pytest.param(put(APP + "portMappings.0.containerPort", 65536), "between 1 and 65535", id="port 65536"),
        pytest.param(put(APP + "portMappings.0.containerPort", 0), "between 1 and 65535", id="port 0"),
        pytest.param(put(APP + "portMappings.0.name", "Web"), "Invalid port mapping name", id="a name in capitals"),
        pytest.param(put(APP + "portMappings.0.name", "-web"), "Invalid port mapping name", id="a hyphen first"),
        pytest.param(put(APP + "portMappings.0.name", "a" * 65), "Invalid port mapping name", id="65 letters"),
        pytest.param(
            lambda g: (
                put(APP + "portMappings.0.name", "web")(g),
                put(SIDE + "portMappings", [{"containerPort": 81, "name": "web"}])(g),
            ),
            "port mapping name is already used",
            id="a name twice",
        ),
        pytest.param(put(APP + "links", ["side"]), "Links are not supported when networkMode=awsvpc", id="links"),
        pytest.param(put(APP + "hostname", "a"), "not supported on container when networkMode=awsvpc", id="hostname"),
        pytest.param(
            put(APP + "disableNetworking", ON),
            "Disable Networking is not supported on container when networkMode=awsvpc",
            id="no network",
        ),
        pytest.param(
            put(APP + "dnsServers", ["1.1.1.1"]),
            "DNS servers are not supported on container when networkMode=awsvpc",
            id="DNS servers",
        ),
        pytest.param(put(APP + "dnsSearchDomains", ["a.b"]), "networkMode=awsvpc", id="DNS search domains"),
        pytest.param(
            put(APP + "extraHosts", [{"hostname": "a", "ipAddress": "1.1.1.1"}]), "networkMode=awsvpc", id="extra hosts"
        ),
    ],
)
def test_ports_and_names_of_the_network(change: Change, said: str) -> None:
    assert said in said_of(good(change))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            lambda g: (
                put(APP + "environment", [{"name": "A", "value": "1"}])(g),
                put(APP + "secrets", [{"name": "A", "valueFrom": "a"}])(g),
            ),
            "The secret name must be unique and not shared with any new or existing environment variables set on the "
            "container, such as 'A'.",
            id="a secret and a variable of one name",
        ),
        pytest.param(
            put(APP + "secrets", [{"name": "A", "valueFrom": "a"}, {"name": "A", "valueFrom": "b"}]),
            "The secret name must be unique",
            id="two secrets of one name",
        ),
        pytest.param(put(APP + "secrets", [{"name": "", "valueFrom": "a"}]), "name of a secret", id="no name"),
        pytest.param(put(APP + "secrets", [{"name": "A", "valueFrom": ""}]), "valueFrom of a secret", id="no source"),
        pytest.param(
            put(APP + "secrets", [{"name": "A", "valueFrom": "arn:aws:s3:::bucket/key"}]),
            "Invalid arn syntax",
            id="a secret in a bucket",
        ),
        pytest.param(
            put(APP + "secrets", [{"name": "A", "valueFrom": "arn:aws:ssm:eu-west-1:123456789012:key"}]),
            "Invalid arn syntax",
            id="an ARN of no parameter",
        ),
        pytest.param(
            put(LOG + "secretOptions", [{"name": "A", "valueFrom": "arn:aws:secretsmanager:secret:a"}]),
            "Invalid arn syntax",
            id="half an ARN for the log driver",
        ),
        pytest.param(
            put(APP + "environmentFiles", [S3_FILE] * 11),
            "The maximum number of environment files was exceeded. Specify ten or less and try again",
            id="eleven files",
        ),
        pytest.param(
            put(APP + "environmentFiles", [{"type": "s3", "value": "s3://bucket/app.env"}]),
            "Invalid arn syntax",
            id="a file that is no ARN",
        ),
        pytest.param(
            put(APP + "environmentFiles", [{"type": "s3", "value": "arn:aws:s3:::bucket/app.txt"}]),
            "Invalid arn syntax",
            id="a file of another kind",
        ),
        pytest.param(
            put(APP + "repositoryCredentials", {"credentialsParameter": ""}), "credentialsParameter", id="no credentials"
        ),
        pytest.param(
            put(APP + "repositoryCredentials", {"credentialsParameter": task_definitions.PARAMETER}),
            "Invalid arn syntax",
            id="credentials in Systems Manager",
        ),
        pytest.param(
            put(APP + "credentialSpecs", ["credentialspecdomainless:arn:aws:s3:::b/a"] * 2),
            "maximum number of credentialSpecs",
            id="two directories",
        ),
        pytest.param(put(APP + "credentialSpecs", ["file://a"]), "Invalid credentialSpecs", id="a file"),
        pytest.param(
            put(APP + "credentialSpecs", ["credentialspec:arn:aws:s3:::b/a"]), "domainless", id="a joined domain"
        ),
    ],
)
def test_environment_and_credentials(change: Change, said: str) -> None:
    assert said in said_of(good(change))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(put(APP + "healthCheck", {"command": []}), "must start with CMD", id="no command"),
        pytest.param(put(APP + "healthCheck", {"command": ["curl", "x"]}), "must start with CMD", id="a bare command"),
        pytest.param(put(APP + "healthCheck", {"command": ["CMD-SHELL"]}), "is empty", id="nothing after it"),
        *(
            pytest.param(
                put(APP + "healthCheck", {"command": ["CMD", "x"], key: high + 1}),
                f"must be less than or equal to the maximum allowed value {high} for container 'app'",
                id=f"{key} too high",
            )
            for key, high in {"timeout": 60, "interval": 300, "retries": 10, "startPeriod": 300}.items()
        ),
        *(
            pytest.param(
                put(APP + "healthCheck", {"command": ["CMD", "x"], key: low - 1}), "minimum", id=f"{key} too low"
            )
            for key, low in {"timeout": 2, "interval": 5, "retries": 1, "startPeriod": 0}.items()
        ),
        pytest.param(put(APP + "stopTimeout", 121), "container stop timeout of less than 120 seconds", id="a long stop"),
        pytest.param(put(APP + "startTimeout", 1), "container start timeout", id="a short start"),
        pytest.param(
            put(APP + "restartPolicy", {"enabled": True, "restartAttemptPeriod": 59}),
            "must be between 60 and 1800",
            id="restarts after 59 seconds",
        ),
        pytest.param(
            put(APP + "restartPolicy", {"enabled": True, "restartAttemptPeriod": 1801}),
            "must be between 60 and 1800",
            id="restarts after 1801 seconds",
        ),
        pytest.param(
            put(APP + "restartPolicy", {"enabled": True, "ignoredExitCodes": list(range(51))}),
            "ignored exit codes",
            id="51 exit codes",
        ),
        pytest.param(
            put(APP + "dependsOn", [{"containerName": "x", "condition": "START"}]),
            "Cannot depend on container x because it does not exist",
            id="depends on nobody",
        ),
        pytest.param(
            put(APP + "dependsOn", [{"containerName": "side", "condition": "HEALTHY"}]),
            "A dependency container with HEALTHY condition must have health check configured",
            id="healthy without a check",
        ),
        pytest.param(
            put(SIDE + "dependsOn", [{"containerName": "app", "condition": "SUCCESS"}]),
            "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
            id="success of an essential one",
        ),
        pytest.param(
            put(SIDE + "dependsOn", [{"containerName": "app", "condition": "COMPLETE"}]),
            "cannot be an essential container",
            id="completion of an essential one",
        ),
        pytest.param(
            put(APP + "dependsOn", [{"containerName": "app", "condition": "START"}]), "circular", id="depends on itself"
        ),
        pytest.param(
            lambda g: (
                put(APP + "dependsOn", [{"containerName": "side", "condition": "START"}])(g),
                put(SIDE + "dependsOn", [{"containerName": "app", "condition": "START"}])(g),
            ),
            "circular",
            id="a circle",
        ),
    ],
)
def test_health_and_order(change: Change, said: str) -> None:
    assert said in said_of(good(change))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            put(LOG + "logDriver", "json-file"),
            "json-file is not a valid log driver. Must be one of [awslogs, splunk, awsfirelens]",
            id="a driver of instances",
        ),
        pytest.param(
            put(LOG + "options.awslogs-stream-prefix", None),
            "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs.",
            id="no stream prefix",
        ),
        pytest.param(
            put(LOG + "options.awslogs-group", None), "Log driver awslogs requires options: awslogs-group", id="no group"
        ),
        pytest.param(
            put(LOG + "options.awslogs-region", None), "Log driver awslogs requires options: awslogs-region", id="no region"
        ),
        pytest.param(
            put(LOG + "options.awslogs-endpoint", "x"),
            "Log driver awslogs disallows options: awslogs-endpoint",
            id="an option there is not",
        ),
        pytest.param(
            put(LOG + "options.awslogs-create-group", "false"),
            "Log driver awslogs option 'awslogs-create-group' should only be set to 'true', else omit option.",
            id="create no group, said aloud",
        ),
        pytest.param(put(LOG + "options.mode", "fast"), "log option mode", id="a mode there is not"),
        pytest.param(
            lambda g: (
                put(LOG + "options.awslogs-datetime-format", "%Y")(g),
                put(LOG + "options.awslogs-multiline-pattern", "^E")(g),
            ),
            "awslogs-datetime-format and awslogs-multiline-pattern",
            id="two ways to tell lines apart",
        ),
        pytest.param(
            put(APP + "logConfiguration", {"logDriver": "splunk", "options": {"splunk-url": "https://x"}}),
            "splunk-token",
            id="splunk without a token",
        ),
        pytest.param(
            put(APP + "logConfiguration", {"logDriver": "splunk", "options": {"splunk-token": "x"}}),
            "splunk-url",
            id="splunk without an address",
        ),
        pytest.param(
            put(APP + "logConfiguration", {"logDriver": "awsfirelens"}), "firelensConfiguration", id="no router"
        ),
        pytest.param(
            add("containerDefinitions", task_definitions.FIRELENS),
            "When a firelensConfiguration object is specified, at least one container has to be configured with the "
            "awsfirelens log driver",
            id="a router without users",
        ),
        pytest.param(
            lambda g: (
                put(APP + "logConfiguration", {"logDriver": "awsfirelens"})(g),
                add("containerDefinitions", task_definitions.FIRELENS)(g),
                add("containerDefinitions", {**task_definitions.FIRELENS, "name": "second"})(g),
            ),
            "Only one container",
            id="two routers",
        ),
        pytest.param(
            put(
                APP + "logConfiguration", {"logDriver": "awsfirelens", "options": {"log-driver-buffer-limit": "536870913"}}
            ),
            "log-driver-buffer-limit",
            id="a buffer beyond 512 MiB",
        ),
    ],
)
def test_logs(change: Change, said: str) -> None:
    assert said in said_of(good(change))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"config-file-type": "s3", "config-file-value": "arn:aws:s3:::b/c"}, "file configuration", id="s3"),
        pytest.param({"config-file-type": "http", "config-file-value": "x"}, "s3 or file", id="another kind"),
        pytest.param({"config-file-type": "file"}, "together", id="a kind without a place"),
        pytest.param({"config-file-value": "/a"}, "together", id="a place without a kind"),
        pytest.param({"enable-ecs-log-metadata": "yes"}, "true or false", id="a switch that is none"),
    ],
)
def test_options_of_the_log_router(options: dict[str, str], said: str) -> None:
    given = good(
        put(APP + "logConfiguration", {"logDriver": "awsfirelens"}),
        add("containerDefinitions", task_definitions.FIRELENS),
        put("containerDefinitions.2.firelensConfiguration.options", options),
    )

    assert said in said_of(given)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(put(APP + "privileged", ON), "Fargate requires that the 'privileged' setting be 'false'", id="privileged"),
        pytest.param(
            put(LINUX + "capabilities", {"add": ["NET_ADMIN"]}), "NET_ADMIN is not allowed on Fargate.", id="a capability"
        ),
        pytest.param(put(LINUX + "capabilities", {"drop": ["EVERYTHING"]}), "EVERYTHING", id="no such capability"),
        pytest.param(
            put(LINUX + "sharedMemorySize", 64), "definitions do not support sharedMemorySize", id="shared memory"
        ),
        pytest.param(put(LINUX + "maxSwap", 0), "definitions do not support maxSwap", id="swap"),
        pytest.param(put(LINUX + "swappiness", 60), "swappiness", id="swappiness"),
        pytest.param(put(LINUX + "devices", [{"hostPath": "/dev/fuse"}]), "devices", id="a device"),
        pytest.param(put(LINUX + "tmpfs", [{"containerPath": "tmp", "size": 1}]), "absolute", id="tmpfs nowhere"),
        pytest.param(put(LINUX + "tmpfs", [{"containerPath": "/t", "size": 0}]), "greater than 0", id="tmpfs of nothing"),
        pytest.param(
            put(LINUX + "tmpfs", [{"containerPath": "/t", "size": 1, "mountOptions": ["fast"]}]),
            "mount option",
            id="a mount option there is not",
        ),
        pytest.param(
            put(APP + "dockerSecurityOptions", ["no-new-privileges"]), "dockerSecurityOptions", id="security options"
        ),
        pytest.param(
            put(APP + "resourceRequirements", [{"type": "GPU", "value": "1"}]),
            "Tasks using the Fargate launch type do not support GPU resource requirements",
            id="a GPU",
        ),
        pytest.param(
            put(APP + "resourceRequirements", [{"type": "NeuronDevice", "value": "ALL"}]), "NeuronDevice", id="Neuron"
        ),
        pytest.param(put(APP + "resourceRequirements", [{"type": "GPU"}]), "sharingStrategy", id="a GPU without a number"),
        pytest.param(
            put(APP + "ulimits", [{"name": "nofile", "softLimit": 2, "hardLimit": 1}]), "soft limit", id="soft over hard"
        ),
        pytest.param(
            put(APP + "ulimits", [{"name": "nofile", "softLimit": 1, "hardLimit": 1}] * 2), "more than once", id="twice"
        ),
        pytest.param(
            put(APP + "systemControls", [{"namespace": "vm.max_map_count", "value": "1"}]),
            "vm.max_map_count",
            id="a parameter of the whole kernel",
        ),
        pytest.param(put("pidMode", "host"), "do not support pidMode 'host'. The supported value", id="host processes"),
        pytest.param(put("ipcMode", "host"), "definitions do not support ipcMode", id="the host's ipc"),
        pytest.param(
            put("placementConstraints", [{"type": "memberOf", "expression": "x"}]), "support constraints", id="placement"
        ),
        pytest.param(
            put("inferenceAccelerators", [{"deviceName": "a", "deviceType": "b"}]),
            "Unsupported field 'inferenceAccelerators'",
            id="an accelerator",
        ),
        pytest.param(
            put("trustedExecutionConfiguration", {"isolationMode": "x"}), "trustedExecution", id="trusted execution"
        ),
        pytest.param(
            put("runtimePlatform", {"operatingSystemFamily": "WINDOWS_SERVER_2016_FULL"}),
            "operating system family",
            id="Windows of 2016",
        ),
    ],
)
def test_what_fargate_does_not_give(change: Change, said: str) -> None:
    assert said in said_of(good(change))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(put("volumes.0.name", "a b"), "Volume name", id="a name with a blank"),
        pytest.param(add("volumes", {"name": "v"}), "Volume names must be unique", id="a name twice"),
        pytest.param(put(APP + "mountPoints.0.sourceVolume", "w"), "Unknown volume 'w'.", id="an unknown volume"),
        pytest.param(put(APP + "mountPoints.0.containerPath", ""), "no containerPath", id="mounted nowhere"),
        pytest.param(
            add(APP + "mountPoints", {"sourceVolume": "v", "containerPath": "/v"}), "one containerPath", id="one path twice"
        ),
        pytest.param(
            put(SIDE + "volumesFrom", [{"sourceContainer": "x"}]), "Unknown source container", id="volumes of nobody"
        ),
        pytest.param(
            put(SIDE + "volumesFrom", [{"sourceContainer": "side"}]), "from itself", id="volumes of the container itself"
        ),
        pytest.param(put("volumes.0.host", {"sourcePath": "/etc"}), "definitions do not support sourcePath", id="host"),
        pytest.param(
            put("volumes.0.dockerVolumeConfiguration", {"scope": "task"}),
            "definitions do not support dockerVolumeConfiguration",
            id="a docker volume",
        ),
        pytest.param(
            put("volumes.0.fsxWindowsFileServerVolumeConfiguration", {"fileSystemId": "fs-1"}),
            "fsxWindowsFileServerVolumeConfiguration",
            id="FSx",
        ),
        pytest.param(
            put("volumes.0", {"name": "v", "efsVolumeConfiguration": task_definitions.EFS, "configuredAtLaunch": True}),
            "Only one volume configuration",
            id="two kinds at once",
        ),
        pytest.param(
            put("volumes", [{"name": n, "configuredAtLaunch": True} for n in ("v", "w")]),
            "Only one volume configured at launch",
            id="two volumes configured at launch",
        ),
        pytest.param(
            add("volumes", {"name": "w", "configuredAtLaunch": True}),
            "Volumes [w] are not referenced by any of the containers",
            id="a volume configured at launch that no container mounts",
        ),
        pytest.param(
            put("volumes.0.efsVolumeConfiguration", {"fileSystemId": "f", "authorizationConfig": {"iam": "ENABLED"}}),
            "EFS IAM authorization requires TransitEncryption to be enabled",
            id="EFS with IAM in the clear",
        ),
        pytest.param(
            put("volumes.0.efsVolumeConfiguration", {"fileSystemId": "f", "authorizationConfig": {"accessPointId": "p"}}),
            "requires TransitEncryption",
            id="an access point in the clear",
        ),
        pytest.param(
            put("volumes.0.efsVolumeConfiguration", {"fileSystemId": "f", "transitEncryptionPort": 2049}),
            "requires TransitEncryption",
            id="a port for no encryption",
        ),
        pytest.param(
            put(
                "volumes.0.efsVolumeConfiguration",
                {**task_definitions.EFS, "rootDirectory": "/a", "authorizationConfig": {"accessPointId": "p"}},
            ),
            "rootDirectory",
            id="an access point and a directory",
        ),
        pytest.param(
            lambda g: (
                put("taskRoleArn", task_definitions.ROLE)(g),
                put(
                    "volumes.0.s3filesVolumeConfiguration",
                    {"fileSystemArn": "f", "accessPointArn": "p", "rootDirectory": "/a"},
                )(g),
            ),
            "rootDirectory",
            id="an access point of S3 Files and a directory",
        ),
    ],
)
def test_volumes(change: Change, said: str) -> None:
    assert said in said_of(good(change))


def proxied(*changes: Change) -> dict[str, Any]:
    return good(put("proxyConfiguration", task_definitions.PROXY), *changes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            put("proxyConfiguration.containerName", "envoy"), "Proxy container [envoy] does not exist", id="no container"
        ),
        pytest.param(put("proxyConfiguration.properties.2.name", "X"), "Ingress port not found", id="no ingress port"),
        pytest.param(put("proxyConfiguration.properties.3.name", "X"), "gress port not found", id="no egress port"),
        pytest.param(put("proxyConfiguration.properties.1.name", "X"), "pp ports not found", id="no ports"),
        pytest.param(put("proxyConfiguration.properties.5.name", "X"), "ignored IPs", id="no addresses left out"),
        pytest.param(put("proxyConfiguration.properties.0.value", ""), "IgnoredUID or IgnoredGID", id="nobody left out"),
    ],
)
def test_the_proxy(change: Change, said: str) -> None:
    assert said in said_of(proxied(change))


def test_the_proxy_needs_awsvpc() -> None:
    given = task_definitions.changed(task_definitions.BRIDGE, put("proxyConfiguration", task_definitions.PROXY))

    assert "APPMESH proxy configuration is only supported in networkMode=awsvpc" in said_of(given)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda g: (put("cpu", "512")(g), put("memory", "1024")(g)), id="half a vCPU"),
        pytest.param(lambda g: (put("cpu", "8192")(g), put("memory", "16384")(g)), id="8 vCPU"),
        pytest.param(put("runtimePlatform.cpuArchitecture", "ARM64"), id="ARM"),
        pytest.param(put("pidMode", "task"), id="one pid namespace"),
        pytest.param(put("proxyConfiguration", task_definitions.PROXY), id="a proxy"),
        pytest.param(put("volumes.0.efsVolumeConfiguration", task_definitions.EFS), id="EFS"),
        pytest.param(put("volumes.0.configuredAtLaunch", ON), id="EBS"),
        pytest.param(put(LINUX + "initProcessEnabled", ON), id="Linux parameters"),
        pytest.param(put(APP + "readonlyRootFilesystem", ON), id="a file system that is read only"),
        pytest.param(put(APP + "ulimits", [{"name": "nofile", "softLimit": 1, "hardLimit": 1}]), id="a ulimit"),
        pytest.param(put(APP + "systemControls", [{"namespace": "net.core.somaxconn", "value": "1"}]), id="a sysctl"),
        pytest.param(put(APP + "environmentFiles", [S3_FILE]), id="an environment file"),
        pytest.param(put(APP + "restartPolicy", {"enabled": True}), id="restarts"),
        pytest.param(
            put(APP + "credentialSpecs", ["credentialspecdomainless:arn:aws:s3:::b/a"]), id="a group managed account"
        ),
        pytest.param(
            lambda g: (
                put(APP + "logConfiguration", {"logDriver": "awsfirelens"})(g),
                add("containerDefinitions", task_definitions.FIRELENS)(g),
            ),
            id="FireLens",
        ),
    ],
)
def test_what_windows_on_fargate_has_not(change: Change) -> None:
    assert task_definition.refusal(windows(change)) is not None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(put("networkMode", "none"), "Port mappings are not supported", id="ports without a network"),
        pytest.param(
            put(APP + "portMappings", [{"containerPort": 80, "hostPort": 70000}]), "Invalid host port", id="a host port"
        ),
        pytest.param(
            lambda g: (put("networkMode", "host")(g), put(APP + "portMappings.0.hostPort", 81)(g)),
            "must match",
            id="another port of the host",
        ),
        pytest.param(
            lambda g: (put("networkMode", "host")(g), put(APP + "portMappings.0", {"containerPortRange": "80-81"})(g)),
            "containerPortRange is not supported",
            id="a range on the host",
        ),
        pytest.param(
            lambda g: [put(c + "portMappings.0.hostPort", 8080)(g) for c in (APP, SIDE)],
            "TCP host port '8080' is mapped multiple times in task.",
            id="two containers on one port of the host",
        ),
        pytest.param(put("ephemeralStorage", {"sizeInGiB": 30}), "EphemeralStorage", id="storage of Fargate"),
        pytest.param(
            lambda g: (put("ephemeralStorage", {"sizeInGiB": 30})(g), g.pop("requiresCompatibilities")),
            "EphemeralStorage",
            id="storage of Fargate without saying so",
        ),
        pytest.param(put("cpu", "64"), "Invalid 'cpu' setting", id="too little cpu"),
        pytest.param(put("memory", "much"), "Invalid 'memory' setting", id="no number"),
        pytest.param(put(APP + "memory", None), "At least one of 'memory'", id="no memory at all"),
        pytest.param(put(LINUX + "swappiness", 101), "swappiness", id="swappiness of 101"),
        pytest.param(put(LINUX + "maxSwap", -1), "maxSwap", id="less than no swap"),
        pytest.param(
            lambda g: (
                put("networkMode", "host")(g),
                put(SIDE + "portMappings", [])(g),
                put(APP + "systemControls", [{"namespace": "net.core.somaxconn", "value": "1"}])(g),
            ),
            "networkMode=host",
            id="the network of the host",
        ),
        pytest.param(
            lambda g: (
                put("ipcMode", "host")(g),
                put(APP + "systemControls", [{"namespace": "fs.mqueue.msg_max", "value": "1"}])(g),
            ),
            "ipcMode=host",
            id="the queues of the host",
        ),
        pytest.param(
            put(APP + "resourceRequirements", [{"type": "NeuronDevice", "value": "1"}]), "must be ALL", id="one device"
        ),
        pytest.param(
            put(APP + "resourceRequirements", [{"type": "NeuronDevice", "sharingStrategy": "x"}]), "GPU", id="shared Neuron"
        ),
        pytest.param(
            put("placementConstraints", [{"type": "memberOf", "expression": "x"}] * 11), "at most 10", id="11 constraints"
        ),
    ],
)
def test_definitions_for_instances(change: Change, said: str) -> None:
    given = task_definitions.changed(task_definitions.BRIDGE, put("requiresCompatibilities", ["EC2"]), change)

    assert said in said_of(given)


@pytest.mark.parametrize(
    ("first", "then", "said"),
    [
        pytest.param(
            put(APP + "memory", 2048), put("cpu", "513"), "'memory' setting for container", id="memory before the size"
        ),
        pytest.param(
            put("executionRoleArn", None), put("networkMode", "bridge"), "execution role", id="role before network mode"
        ),
        pytest.param(
            put(APP + "portMappings.0.hostPort", 81), put("cpu", "513"), "port mappings must match", id="ports before size"
        ),
        pytest.param(
            put("networkMode", "bridge"), put("cpu", "513"), "Fargate only supports", id="network mode before the size"
        ),
    ],
)
def test_of_two_mistakes_the_one_that_aws_finds_first_is_told(first: Change, then: Change, said: str) -> None:
    assert said in said_of(good(then, first))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(put("networkMode", "mesh"), "'networkMode' failed", id="a network mode there is not"),
        pytest.param(put(LOG + "logDriver", None), "logConfiguration.logDriver", id="a log without a driver"),
        pytest.param(
            put(APP + "dependsOn", [{"containerName": "side", "condition": "DONE"}]), "enum value set", id="a condition"
        ),
        pytest.param(put(APP + "ulimits", [{"name": "files", "softLimit": 1, "hardLimit": 1}]), "enum", id="a ulimit"),
        pytest.param(put(APP + "portMappings.0.appProtocol", "tcp"), "appProtocol", id="an application protocol"),
        pytest.param(put("runtimePlatform", {"operatingSystemFamily": "PLAN9"}), "operatingSystemFamily", id="a system"),
        pytest.param(put("requiresCompatibilities", ["LAMBDA"]), "requiresCompatibilities.1.member", id="a launch type"),
        pytest.param(put(LINUX + "tmpfs", [{"containerPath": "/t"}]), "tmpfs.1.member.size", id="tmpfs without a size"),
        pytest.param(put(APP + "healthCheck", {"interval": 30}), "healthCheck.command", id="a check without a command"),
        pytest.param(put(APP + "restartPolicy", {"restartAttemptPeriod": 60}), "enabled", id="a policy without a switch"),
        pytest.param(put("tags", [{"key": f"k{n}", "value": ""} for n in range(51)]), "less than or equal to 50", id="51 tags"),
        pytest.param(put("tags", [{"key": "", "value": ""}]), "greater than or equal to 1", id="a tag without a key"),
        pytest.param(put("tags", [{"key": "k", "value": "v" * 257}]), "less than or equal to 256", id="a long tag"),
    ],
)
def test_what_the_service_model_rules_out(change: Change, said: str) -> None:
    shape = protocol.model_of("ecs").operation_model("RegisterTaskDefinition").input_shape

    assert said in next(api_model.refusals(good(change), shape), "nothing was refused")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param([{"key": "a", "value": "1"}, {"key": "a", "value": "2"}], "Duplicate", id="a key twice"),
        pytest.param([{"key": "AWS:mine", "value": "1"}], "aws: prefixed", id="a reserved key"),
        pytest.param([{"key": "aws:cloudformation:stack-name", "value": "s"}], "nothing", id="CloudFormation's own"),
        pytest.param([{"key": "a", "value": "1"}, {"key": "A", "value": "1"}], "nothing", id="two keys"),
    ],
)
def test_tags(given: list[dict[str, str]], said: str) -> None:
    assert said in next(tags.refusals(given), "nothing")


@pytest.mark.parametrize(
    ("text", "unit", "units"),
    [
        pytest.param("512", "vcpu", 512, id="units"),
        pytest.param(".25 vCPU", "vcpu", 256, id="a part of a vCPU"),
        pytest.param("1 vcpu", "vcpu", 1024, id="lower case"),
        pytest.param("2 GB", "gb", 2048, id="gigabytes"),
        pytest.param("2GB", "gb", 2048, id="without a blank"),
        pytest.param("2 TB", "gb", None, id="another unit"),
        pytest.param("512 MB", "gb", None, id="megabytes are written without a unit"),
        pytest.param("1 GB", "vcpu", None, id="the unit of the other"),
        pytest.param("0.5", "vcpu", None, id="a fraction without a unit"),
        pytest.param("-512", "vcpu", None, id="less than nothing"),
    ],
)
def test_units(text: str, unit: str, units: int | None) -> None:
    assert fargate_sizes.units(text, unit) == units
