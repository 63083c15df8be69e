"""Task definitions that RegisterTaskDefinition takes, and what they are good for."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.rehearsal import protocol
from preflight.rehearsal.ecs.task_definitions import _shown
from preflight.rehearsal.ecs.validation import api_model, task_definition
from tests.unit.rehearsal.ecs.validation import task_definitions
from tests.unit.rehearsal.ecs.validation.task_definitions import APP, SIDE, add, changed, good, put, windows

ON = True  # a value, so that tables read
LOG = APP + "logConfiguration"
LINUX = APP + "linuxParameters."
ROUTED = (put(LOG, {"logDriver": "awsfirelens", "options": {"Name": "stdout"}}), add("containerDefinitions", task_definitions.FIRELENS))
GOOD_CHECK = {"command": ["CMD-SHELL", "true"], "interval": 5, "timeout": 60, "retries": 10, "startPeriod": 300}
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a"
TAKEN: list[Any] = [
    pytest.param(good(), id="as it is"),
    pytest.param(good(put("cpu", ".5 vCPU"), put("memory", "1 GB")), id="sizes with units"),
    pytest.param(good(put("cpu", "1 vcpu"), put("memory", "2GB")), id="units in lower case and without a blank"),
    pytest.param(good(put("cpu", "256"), put("memory", "512")), id="the smallest size"),
    pytest.param(good(put("cpu", "8192"), put("memory", "20480")), id="8 vCPU"),
    pytest.param(good(put("cpu", "32768"), put("memory", "249856")), id="32 vCPU"),
    pytest.param(good(put(APP + "cpu", 256), put(SIDE + "cpu", 256)), id="all the CPU given out"),
    pytest.param(good(put(APP + "memory", 1024), put(APP + "memoryReservation", 512)), id="a soft and a hard limit"),
    pytest.param(good(put("requiresCompatibilities", ["EC2", "FARGATE"])), id="for instances as well"),
    pytest.param(good(put(APP + "memory", 1000), put(SIDE + "memory", 1000)), id="hard limits that exceed the task together"),
    pytest.param(good(put(LOG, None), put("executionRoleArn", None)), id="a public image needs no role"),
    pytest.param(good(put(APP + "image", IMAGE + ":1")), id="a private image"),
    pytest.param(good(put(APP + "image", f"{IMAGE}@sha256:{'a1' * 32}")), id="an image by digest"),
    pytest.param(good(put(APP + "image", "quay.io:443/Team/app_1:v1.0-rc.1")), id="an image of another registry"),
    pytest.param(
        good(put(APP + "repositoryCredentials", {"credentialsParameter": task_definitions.SECRET})), id="with credentials"
    ),
    pytest.param(good(put(APP + "portMappings.0.hostPort", 80)), id="the same host port"),
    pytest.param(good(add(APP + "portMappings", {"containerPort": 80, "protocol": "udp"})), id="one port, two protocols"),
    pytest.param(
        good(put(SIDE + "portMappings", [{"containerPortRange": "81-90"}, {"containerPort": 91, "protocol": "UDP"}])),
        id="a range beside a port",
    ),
    pytest.param(
        good(put(APP + "portMappings.0", {"containerPort": 80, "name": "_web-1", "appProtocol": "http2"})),
        id="a named port",
    ),
    pytest.param(good(put(APP + "healthCheck", GOOD_CHECK)), id="a health check at its bounds"),
    pytest.param(
        good(
            put(APP + "dependsOn", [{"containerName": "side", "condition": "COMPLETE"}]),
            put(SIDE + "startTimeout", 120),
            put(SIDE + "stopTimeout", 2),
        ),
        id="an init container",
    ),
    pytest.param(
        good(
            put(APP + "healthCheck", GOOD_CHECK), put(SIDE + "dependsOn", [{"containerName": "app", "condition": "HEALTHY"}])
        ),
        id="a sidecar after a healthy one",
    ),
    pytest.param(
        good(put(SIDE + "restartPolicy", {"enabled": True, "ignoredExitCodes": [0], "restartAttemptPeriod": 60})),
        id="a sidecar that starts again",
    ),
    pytest.param(
        good(
            put(APP + "environment", [{"name": "B", "value": "1"}]),
            put(APP + "secrets", [{"name": "A", "valueFrom": task_definitions.SECRET}]),
        ),
        id="a secret of Secrets Manager",
    ),
    pytest.param(
        good(put(APP + "secrets", [{"name": "A", "valueFrom": task_definitions.SECRET + ":user::"}])), id="a key of a secret"
    ),
    pytest.param(
        good(
            put(
                APP + "secrets",
                [{"name": "A", "valueFrom": task_definitions.PARAMETER}, {"name": "B", "valueFrom": "/app/key"}],
            )
        ),
        id="parameters by ARN and by name",
    ),
    pytest.param(
        good(put(APP + "secrets", [{"name": "A", "valueFrom": "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/a"}])),
        id="a parameter in China",
    ),
    pytest.param(
        good(put(APP + "environmentFiles", [{"type": "s3", "value": "arn:aws:s3:::b/dir/app.env"}] * 10)), id="ten files"
    ),
    pytest.param(
        good(
            put(LOG + ".options.mode", "non-blocking"),
            put(LOG + ".options.max-buffer-size", "25m"),
            put(LOG + ".options.awslogs-create-group", "true"),
            put(LOG + ".options.awslogs-multiline-pattern", "^E"),
        ),
        id="every option of awslogs but one",
    ),
    pytest.param(
        good(
            put(
                LOG,
                {
                    "logDriver": "splunk",
                    "options": {"splunk-url": "https://x", "splunk-format": "raw"},
                    "secretOptions": [{"name": "splunk-token", "valueFrom": task_definitions.SECRET}],
                },
            )
        ),
        id="splunk, its token a secret",
    ),
    pytest.param(good(*ROUTED), id="FireLens"),
    pytest.param(
        good(
            *ROUTED,
            put(
                "containerDefinitions.2.firelensConfiguration.options",
                {"enable-ecs-log-metadata": "false", "config-file-type": "file", "config-file-value": "/a.conf"},
            ),
            put(LOG + ".options.log-driver-buffer-limit", "536870912"),
        ),
        id="FireLens with a file of its own",
    ),
    pytest.param(
        good(put(LINUX + "tmpfs", [{"containerPath": "/t", "size": 64, "mountOptions": ["rw", "noexec", "mode=1777"]}])),
        id="tmpfs",
    ),
    pytest.param(
        good(put(LINUX + "capabilities", {"add": ["SYS_PTRACE"], "drop": ["ALL"]}), put(LINUX + "initProcessEnabled", ON)),
        id="SYS_PTRACE",
    ),
    pytest.param(
        good(
            put(APP + "readonlyRootFilesystem", ON),
            put(APP + "user", "1000:1000"),
            put(APP + "workingDirectory", "/srv"),
            put(APP + "privileged", value=False),
            put(APP + "pseudoTerminal", ON),
            put(APP + "interactive", ON),
        ),
        id="a hardened container",
    ),
    pytest.param(
        good(
            put(
                APP + "ulimits",
                [
                    {"name": "nofile", "softLimit": 65535, "hardLimit": 65535},
                    {"name": "core", "softLimit": 0, "hardLimit": -1},
                ],
            )
        ),
        id="ulimits",
    ),
    pytest.param(
        good(
            put(
                APP + "systemControls",
                [{"namespace": "net.core.somaxconn", "value": "1024"}, {"namespace": "fs.mqueue.msg_max", "value": "9"}],
            )
        ),
        id="parameters of the kernel",
    ),
    pytest.param(good(put("pidMode", "task")), id="one pid namespace"),
    pytest.param(good(put("ephemeralStorage", {"sizeInGiB": 21})), id="little storage"),
    pytest.param(good(put("ephemeralStorage", {"sizeInGiB": 200})), id="much storage"),
    pytest.param(good(put("enableFaultInjection", ON)), id="fault injection"),
    pytest.param(
        good(put("runtimePlatform", {"operatingSystemFamily": "LINUX", "cpuArchitecture": "ARM64"})), id="ARM"
    ),
    pytest.param(good(put("volumes.0.efsVolumeConfiguration", task_definitions.EFS)), id="EFS"),
    pytest.param(
        good(
            put(
                "volumes.0.efsVolumeConfiguration",
                {
                    **task_definitions.EFS,
                    "rootDirectory": "/",
                    "transitEncryptionPort": 2049,
                    "authorizationConfig": {"accessPointId": "fsap-1", "iam": "ENABLED"},
                },
            )
        ),
        id="EFS by an access point",
    ),
    pytest.param(
        good(put("taskRoleArn", task_definitions.ROLE), put("volumes.0.s3filesVolumeConfiguration", {"fileSystemArn": "f"})),
        id="S3 Files",
    ),
    pytest.param(good(put("volumes.0.configuredAtLaunch", ON)), id="EBS, configured at launch"),
    pytest.param(good(put("volumes.0.host", {})), id="a volume of the task"),
    pytest.param(
        good(add(APP + "mountPoints", {"sourceVolume": "v", "containerPath": "/w"})), id="one volume at two paths"
    ),
    pytest.param(good(put(SIDE + "volumesFrom", [{"sourceContainer": "app", "readOnly": True}])), id="another's volumes"),
    pytest.param(good(put("proxyConfiguration", task_definitions.PROXY)), id="a proxy"),
    pytest.param(
        good(put("proxyConfiguration", task_definitions.PROXY), put("proxyConfiguration.properties.0.name", "IgnoredGID")),
        id="a proxy known by its group",
    ),
    pytest.param(
        good(put(APP + "credentialSpecs", ["credentialspecdomainless:arn:aws:s3:::b/spec.json"])), id="domainless gMSA"
    ),
    pytest.param(windows(), id="Windows"),
    pytest.param(windows(put("runtimePlatform.operatingSystemFamily", "WINDOWS_SERVER_2019_FULL")), id="Windows of 2019"),
    pytest.param(windows(put("cpu", "4 vCPU"), put("memory", "8 GB")), id="Windows with 4 vCPU"),
    pytest.param(
        good(put("containerDefinitions", [{"name": f"c{n}", "image": "i"} for n in range(10)])), id="ten containers"
    ),
    pytest.param(
        good(put("tags", [{"key": f"k{n}", "value": ""} for n in range(49)] + [{"key": "aws:cloudformation:x", "value": "y"}])),
        id="fifty tags",
    ),
    pytest.param(changed(task_definitions.BRIDGE), id="instances: one port in two containers, on ports of the host's choice"),
    pytest.param(
        changed(task_definitions.BRIDGE, put("requiresCompatibilities", ["EC2"]), put(APP + "privileged", ON)),
        id="instances: privileged",
    ),
    pytest.param(
        changed(
            task_definitions.BRIDGE,
            put(LOG, {"logDriver": "json-file"}),
            put("volumes", [{"name": "h", "host": {"sourcePath": "/etc"}}]),
            put(APP + "links", ["side"]),
            put(APP + "stopTimeout", 600),
        ),
        id="instances: what Fargate has not",
    ),
    pytest.param(
        changed(task_definitions.BRIDGE, put(LINUX + "swappiness", 100), put(LINUX + "maxSwap", 0), put("cpu", "128")),
        id="instances: swap",
    ),
    pytest.param(
        changed(task_definitions.BRIDGE, put(APP + "resourceRequirements", [{"type": "GPU", "value": "1"}])),
        id="instances: a GPU",
    ),
]


@pytest.mark.parametrize("given", TAKEN)
def test_correct_definitions_are_taken(given: dict[str, Any]) -> None:
    shape = protocol.model_of("ecs").operation_model("RegisterTaskDefinition").input_shape

    assert [*api_model.refusals(given, shape), task_definition.refusal(given)] == [None]


@pytest.mark.parametrize(
    ("given", "launch_types"),
    [
        pytest.param(good(), ["EC2", "FARGATE"], id="good for both"),
        pytest.param(good(put("requiresCompatibilities", [])), ["EC2", "FARGATE"], id="not asked for, good all the same"),
        pytest.param(
            good(put("requiresCompatibilities", ["EC2"]), put(APP + "privileged", ON)), ["EC2"], id="privileged"
        ),
        pytest.param(changed(task_definitions.BRIDGE), ["EC2"], id="bridge"),
    ],
)
def test_a_definition_is_good_for_fargate_where_fargate_would_take_it(given: dict[str, Any], launch_types: list[str]) -> None:
    assert task_definition.compatibilities(given) == launch_types


def test_a_definition_is_shown_in_units_and_with_its_ports_filled_in() -> None:
    given = good(put("cpu", ".5 vCPU"), put(APP + "portMappings.0.protocol", "TCP"))
    shown = _shown(given, "arn", 1)

    assert [shown["cpu"], shown["compatibilities"], shown["containerDefinitions"][0]["portMappings"]] == [
        "512",
        ["EC2", "FARGATE"],
        [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}],
    ]
