"""What ECS refuses of services and of tasks to run, and what it takes: a request that is taken, and one change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from preflight.rehearsal.ecs.validation import (
    capacity,
    deployment_configuration,
    ebs_volumes,
    load_balancers,
    run_task,
    service_connect,
    service_update,
)
from tests.unit.rehearsal.ecs.validation import task_definitions
from tests.unit.rehearsal.ecs.validation.task_definitions import APP, SIDE, Change, add, changed, good, put, windows

DEFINITION = good(
    put("compatibilities", ["EC2", "FARGATE"]),
    put("taskRoleArn", task_definitions.ROLE),
    put(APP + "portMappings.0", {"containerPort": 80, "name": "web", "appProtocol": "http", "protocol": "tcp"}),
    put(SIDE + "portMappings", [{"containerPort": 81, "name": "raw"}]),
)
WITH_DISK = changed(DEFINITION, put("volumes.0.configuredAtLaunch", value=True))
WINDOWS = windows(put("compatibilities", ["EC2", "FARGATE"]))
CLUSTER = {"capacityProviders": ["FARGATE", "FARGATE_SPOT"]}
ROLE = "arn:aws:iam::123456789012:role/infrastructure"
SERVICE: dict[str, Any] = {
    "serviceName": "web",
    "taskDefinition": "web",
    "launchType": "FARGATE",
    "desiredCount": 2,
    "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": "ENABLED"}},
    "loadBalancers": [{"targetGroupArn": "arn:tg", "containerName": "app", "containerPort": 80}],
    "deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 200},
}
ON_INSTANCES = changed(SERVICE, put("launchType", "EC2"), put("networkConfiguration", None))
SHIFTED = {"alternateTargetGroupArn": "arn:tg2", "productionListenerRule": "arn:rule", "roleArn": ROLE}
CONNECTED = {
    "enabled": True,
    "namespace": "internal",
    "services": [{"portName": "web", "clientAliases": [{"port": 80, "dnsName": "web.internal"}]}],
}
DISK = {"name": "v", "managedEBSVolume": {"roleArn": ROLE, "sizeInGiB": 20, "volumeType": "gp3"}}
CONFIGURATION = "deploymentConfiguration."
BALANCER = "loadBalancers.0."


def of_service(given: dict[str, Any], definition: dict[str, Any], cluster: dict[str, Any]) -> Iterator[str]:
    """The pure checks of CreateService in their order."""
    on_fargate = capacity.is_on_fargate(given, cluster)
    yield from capacity.launch(given, definition, cluster)
    if on_fargate:
        yield from (f"{code}: {said}" for code, said in capacity.platform(given, definition))
    yield from deployment_configuration.refusals(given, is_on_fargate=on_fargate)
    yield from load_balancers.refusals(given, definition)
    yield from service_connect.refusals(given, definition, cluster, is_on_fargate=on_fargate)
    yield from ebs_volumes.refusals(given, definition, is_on_fargate=on_fargate)


def said_of(given: dict[str, Any], definition: dict[str, Any] = DEFINITION, cluster: dict[str, Any] = CLUSTER) -> str:
    return next(of_service(given, definition, cluster), "nothing was refused")


def by(*items: dict[str, Any]) -> Change:
    """Run by a capacity provider strategy instead of a launch type."""

    def change(given: dict[str, Any]) -> None:
        given.pop("launchType", None)
        given["capacityProviderStrategy"] = list(items)

    return change


FARGATE = {"capacityProvider": "FARGATE"}
SPOT = {"capacityProvider": "FARGATE_SPOT"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            put("capacityProviderStrategy", [FARGATE]),
            "Specifying both a launch type and capacity provider strategy is not supported",
            id="a launch type and a strategy",
        ),
        pytest.param(put("launchType", "MANAGED_INSTANCES"), "omit the launch type", id="managed by launch type"),
        pytest.param(by({"capacityProvider": "mine"}), capacity.NOT_ASSOCIATED, id="a provider of another cluster"),
        pytest.param(
            by({**FARGATE, "base": 1}, {**SPOT, "base": 1}),
            "There are multiple capacity providers in the specified capacity provider strategy with a base value defined",
            id="two bases",
        ),
        pytest.param(
            by({**FARGATE, "weight": 0}, {**SPOT, "weight": 0}),
            "There are no capacity providers in the capacity provider strategy with a weight value greater than zero",
            id="no weight at all",
        ),
        pytest.param(by(FARGATE, SPOT), "weight value greater than zero", id="the default weight is 0"),
        pytest.param(by(*[{**FARGATE, "weight": 1}] * 21), "maximum of 20", id="21 providers"),
        pytest.param(
            put("placementStrategy", [{"type": "spread", "field": "host"}]), "FARGATE launch type", id="placed on Fargate"
        ),
        pytest.param(
            put("placementConstraints", [{"type": "distinctInstance"}]), "FARGATE launch type", id="bound on Fargate"
        ),
        pytest.param(put("platformVersion", "1.4"), "PlatformUnknownException", id="a platform there is not"),
        pytest.param(put("platformVersion", "1.0.0"), "PlatformUnknownException", id="the platform of Windows"),
    ],
)
def test_where_a_service_runs(change: Change, said: str) -> None:
    assert said in said_of(changed(SERVICE, change))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            put("platformVersion", "LATEST"),
            "The platform version must be null when specifying an EC2 launch type",
            id="a platform version",
        ),
        pytest.param(
            put("networkConfiguration", SERVICE["networkConfiguration"]),
            "Assign public IP is not supported for this launch type.",
            id="a public address",
        ),
        pytest.param(
            put("placementConstraints", [{"type": "distinctInstance", "expression": "x"}]),
            "distinctInstance expression should not be specified",
            id="an expression for nothing",
        ),
        pytest.param(put("placementConstraints", [{"type": "memberOf"}]), "memberOf", id="no expression"),
        pytest.param(put("placementConstraints", [{"type": "distinctInstance"}] * 11), "at most 10", id="11 constraints"),
        pytest.param(put("placementStrategy", [{"type": "random"}] * 6), "at most 5", id="six strategies"),
        pytest.param(put("placementStrategy", [{"type": "random", "field": "cpu"}]), "random", id="random by cpu"),
        pytest.param(put("placementStrategy", [{"type": "binpack", "field": "disk"}]), "binpack", id="binpack by disk"),
        pytest.param(put("placementStrategy", [{"type": "spread", "field": "rack"}]), "spread", id="spread by rack"),
        pytest.param(
            lambda g: (put("schedulingStrategy", "DAEMON")(g), put("desiredCount", None)(g)),
            "The daemon scheduling strategy does not support values above 100 for maximumPercent",
            id="a daemon at 200 per cent",
        ),
        pytest.param(put("schedulingStrategy", "DAEMON"), "desired count", id="a daemon with a desired count"),
        pytest.param(
            lambda g: (
                put("schedulingStrategy", "DAEMON")(g),
                put("desiredCount", None)(g),
                put("placementStrategy", [{"type": "random"}])(g),
            ),
            "placement strategies",
            id="a daemon that is placed",
        ),
        pytest.param(
            lambda g: (
                put("schedulingStrategy", "DAEMON")(g),
                put("desiredCount", None)(g),
                put("deploymentConfiguration", {})(g),
                put("availabilityZoneRebalancing", "ENABLED")(g),
            ),
            "Availability Zone Rebalancing does not support DAEMON services",
            id="a daemon that is balanced",
        ),
        pytest.param(
            lambda g: (
                put("availabilityZoneRebalancing", "ENABLED")(g),
                put("placementStrategy", [{"type": "binpack", "field": "cpu"}])(g),
            ),
            "first placement strategy",
            id="balanced and packed",
        ),
        pytest.param(
            lambda g: (
                put("availabilityZoneRebalancing", "ENABLED")(g),
                put(BALANCER + "loadBalancerName", "old")(g),
            ),
            "Availability Zone Rebalancing does not support Classic Load Balancers",
            id="balanced by a classic load balancer",
        ),
    ],
)
def test_services_on_instances(change: Change, said: str) -> None:
    assert said in said_of(changed(ON_INSTANCES, change))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(put("desiredCount", -1), "desired count", id="less than no task"),
        pytest.param(put("healthCheckGracePeriodSeconds", -1), "grace period", id="less than no grace"),
        pytest.param(put("healthCheckGracePeriodSeconds", 2**31), "grace period", id="more grace than there is"),
        pytest.param(put("schedulingStrategy", "DAEMON"), "not supported on Fargate", id="a daemon on Fargate"),
        pytest.param(
            put(CONFIGURATION + "minimumHealthyPercent", 101), "minimumHealthyPercent must be at most 100", id="101 per cent"
        ),
        pytest.param(put(CONFIGURATION + "minimumHealthyPercent", -1), "minimumHealthyPercent", id="-1 per cent"),
        pytest.param(put(CONFIGURATION + "maximumPercent", 99), "maximumPercent", id="at most 99 per cent"),
        pytest.param(
            put(CONFIGURATION + "maximumPercent", 100),
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
            id="no room for a deployment",
        ),
        pytest.param(
            put(
                CONFIGURATION + "deploymentCircuitBreaker",
                {"enable": True, "rollback": True, "thresholdConfiguration": {"type": "COUNT", "value": 0}},
            ),
            "threshold",
            id="a breaker that trips at once",
        ),
        pytest.param(
            lambda g: (
                put("availabilityZoneRebalancing", "ENABLED")(g),
                put("deploymentConfiguration", {"minimumHealthyPercent": 0, "maximumPercent": 100})(g),
            ),
            "Availability Zone Rebalancing does not support maximumPercent <= 100 %",
            id="balanced without room",
        ),
        pytest.param(
            put(CONFIGURATION + "linearConfiguration", {"stepPercent": 10.0}), "linearConfiguration", id="linear, unsaid"
        ),
        pytest.param(
            put(CONFIGURATION + "canaryConfiguration", {"canaryPercent": 5.0}), "canaryConfiguration", id="canary, unsaid"
        ),
        pytest.param(put(CONFIGURATION + "bakeTimeInMinutes", 1441), "bakeTimeInMinutes", id="baked for a day"),
        pytest.param(
            lambda g: (
                put(CONFIGURATION + "strategy", "LINEAR")(g),
                put(CONFIGURATION + "linearConfiguration", {"stepPercent": 2.5})(g),
            ),
            "stepPercent",
            id="small steps",
        ),
        pytest.param(
            lambda g: (
                put(CONFIGURATION + "strategy", "CANARY")(g),
                put(CONFIGURATION + "canaryConfiguration", {"canaryPercent": 0.15})(g),
            ),
            "canaryPercent",
            id="a crooked canary",
        ),
        pytest.param(
            lambda g: (
                put(CONFIGURATION + "strategy", "CANARY")(g),
                put(CONFIGURATION + "canaryConfiguration", {"canaryBakeTimeInMinutes": 1441})(g),
            ),
            "bake time",
            id="a canary for a day",
        ),
        pytest.param(
            put(CONFIGURATION + "lifecycleHooks", [{"hookTargetArn": "f"}]), "lifecycleStages", id="a hook at no stage"
        ),
        pytest.param(
            put(CONFIGURATION + "lifecycleHooks", [{"lifecycleStages": ["PRE_SCALE_UP"]}]), "hookTargetArn", id="no hook"
        ),
        pytest.param(
            put(CONFIGURATION + "lifecycleHooks", [{"targetType": "PAUSE", "lifecycleStages": ["TEST_TRAFFIC_SHIFT"]}]),
            "PAUSE hook",
            id="a pause in the middle of a shift",
        ),
    ],
)
def test_how_a_service_is_kept(change: Change, said: str) -> None:
    assert said in said_of(changed(SERVICE, change))


def controlled(kind: str, *changes: Change) -> dict[str, Any]:
    return changed(SERVICE, put("deploymentController", {"type": kind}), *changes)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param(controlled("CODE_DEPLOY", put("loadBalancers", [])), "the service requires an", id="no balancer"),
        pytest.param(
            controlled("CODE_DEPLOY", add("loadBalancers", SERVICE["loadBalancers"][0])), "Multiple target", id="two groups"
        ),
        pytest.param(
            controlled("CODE_DEPLOY", put(CONFIGURATION + "deploymentCircuitBreaker", {"enable": True, "rollback": True})),
            "deploymentCircuitBreaker",
            id="a breaker",
        ),
        pytest.param(
            controlled("CODE_DEPLOY", put(CONFIGURATION + "alarms", {"alarmNames": ["a"], "enable": True, "rollback": True})),
            "alarms",
            id="alarms",
        ),
        pytest.param(
            controlled("CODE_DEPLOY", put(CONFIGURATION + "strategy", "CANARY")), "deployment strategy", id="a strategy"
        ),
        pytest.param(
            controlled("CODE_DEPLOY", put("serviceConnectConfiguration", CONNECTED)), "Service Connect", id="Service Connect"
        ),
        pytest.param(controlled("EXTERNAL"), "LoadBalancers must be empty or null", id="a balancer of its own"),
        pytest.param(
            changed(
                ON_INSTANCES,
                put("deploymentController", {"type": "CODE_DEPLOY"}),
                put("schedulingStrategy", "DAEMON"),
                put("desiredCount", None),
            ),
            "CODE_DEPLOY",
            id="a daemon",
        ),
    ],
)
def test_other_deployment_controllers(given: dict[str, Any], said: str) -> None:
    assert said in said_of(given)



@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            put(BALANCER + "containerName", "nope"), "The container nope does not exist in the task definition.", id="no container"
        ),
        pytest.param(
            put(BALANCER + "containerPort", 99), "The container app did not have a container port 99 defined", id="no port"
        ),
        pytest.param(put(BALANCER + "containerPort", None), "containerPort", id="no port named"),
        pytest.param(put(BALANCER + "containerName", None), "specify its containerName", id="no container named"),
        pytest.param(put(BALANCER + "targetGroupArn", None), "targetGroupArn", id="no target group"),
        pytest.param(
            put(BALANCER + "loadBalancerName", "x"), "loadBalancerName and targetGroupArn cannot both be specified", id="both"
        ),
        pytest.param(
            put("loadBalancers.0", {"loadBalancerName": "x", "containerName": "app", "containerPort": 80}),
            "Classic Load Balancers are not supported with Fargate",
            id="a classic one",
        ),
        pytest.param(
            put("loadBalancers", SERVICE["loadBalancers"] * 6), "load balancers can have at most 5 items", id="six"
        ),
        pytest.param(put("role", "ecsServiceRole"), "service linked role", id="a role, with awsvpc"),
        pytest.param(
            lambda g: (put("role", "ecsServiceRole")(g), put("loadBalancers", [])(g)), "load balancer", id="a role for none"
        ),
        pytest.param(
            lambda g: (
                put(CONFIGURATION + "strategy", "BLUE_GREEN")(g),
                put(CONFIGURATION + "bakeTimeInMinutes", 5)(g),
                put(BALANCER + "advancedConfiguration", {**SHIFTED, "alternateTargetGroupArn": None})(g),
            ),
            "alternateTargetGroupArn",
            id="blue without green",
        ),
    ],
)
def test_load_balancers(change: Change, said: str) -> None:
    assert said in said_of(changed(SERVICE, change))


def test_a_balanced_port_has_one_protocol() -> None:
    definition = changed(DEFINITION, add(APP + "portMappings", {"containerPort": 80, "protocol": "udp"}))

    assert "Container port 80 is used in more than one port mapping for container app" in said_of(SERVICE, definition)


CONNECT = "serviceConnectConfiguration."
FIRST = CONNECT + "services.0."


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(put(CONNECT + "namespace", None), "Namespace is missing", id="no namespace"),
        pytest.param(
            put(FIRST + "portName", "nope"),
            "portName(nope) does not refer to any named PortMapping in the container definitions",
            id="no such port",
        ),
        pytest.param(
            put(FIRST + "clientAliases", [{"port": 80}, {"port": 81}]),
            "2 clientAliases exceeds the max limit of 1",
            id="two aliases",
        ),
        pytest.param(
            put(FIRST + "clientAliases.0.dnsName", "-web"), "The DNS name that you provided is invalid", id="a bad name"
        ),
        pytest.param(put(FIRST + "clientAliases.0.port", 0), "port of a client alias", id="port 0"),
        pytest.param(put(FIRST + "discoveryName", "Web"), "discoveryName", id="a name in capitals"),
        pytest.param(
            add(CONNECT + "services", {"portName": "raw", "discoveryName": "web"}), "discoveryName", id="a name twice"
        ),
        pytest.param(
            add(CONNECT + "services", {"portName": "raw", "clientAliases": [{"port": 80, "dnsName": "web.internal"}]}),
            "client alias must be unique",
            id="an alias twice",
        ),
        pytest.param(
            lambda g: (put(FIRST + "portName", "raw")(g), put(FIRST + "timeout", {"perRequestTimeoutSeconds": 5})(g)),
            "perRequestTimeout",
            id="a request's time on TCP",
        ),
        pytest.param(
            put(CONNECT + "logConfiguration", {"logDriver": "awslogs", "options": {"awslogs-group": "g"}}),
            "requires options: awslogs-region",
            id="logs in no region",
        ),
        pytest.param(
            put(CONNECT + "containerConfigurations", [{"logLevel": "info"}, {"logLevel": "debug"}]), "only once", id="twice"
        ),
        pytest.param(
            put("vpcLatticeConfigurations", [{"roleArn": "r", "targetGroupArn": "t", "portName": "nope"}]),
            "portName(nope)",
            id="Lattice and no such port",
        ),
    ],
)
def test_named_ports(change: Change, said: str) -> None:
    assert said in said_of(changed(SERVICE, put("serviceConnectConfiguration", CONNECTED), change))


MANAGED = "volumeConfigurations.0.managedEBSVolume."


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            put("volumeConfigurations.0.name", "x"),
            "The volume name 'x' in your request does not have a matching volume in your Task Definition",
            id="no such volume",
        ),
        pytest.param(put("volumeConfigurations", []), "configured at launch", id="not configured"),
        pytest.param(put("volumeConfigurations", [DISK, DISK]), "at most 1", id="two"),
        pytest.param(put("volumeConfigurations", [{"name": "v"}]), "managedEBSVolume", id="a name alone"),
        pytest.param(
            put(MANAGED + "sizeInGiB", None), "ECS managed EBS volume configuration was invalid", id="no size"
        ),
        pytest.param(put(MANAGED + "roleArn", "infrastructure"), "roleArn", id="a role by name"),
        pytest.param(put(MANAGED + "sizeInGiB", 16385), "between 1 and 16384", id="too large"),
        pytest.param(put(MANAGED + "volumeType", "st1"), "between 125", id="too small for its type"),
        pytest.param(put(MANAGED + "volumeType", "gp9"), "gp9", id="a type there is not"),
        pytest.param(put(MANAGED + "volumeType", "standard"), "magnetic", id="magnetic on Fargate"),
        pytest.param(put(MANAGED + "volumeType", "io2"), "iops must be specified", id="io2 without iops"),
        pytest.param(
            lambda g: (put(MANAGED + "volumeType", "gp2")(g), put(MANAGED + "iops", 3000)(g)),
            "ECS managed EBS volume configuration was invalid",
            id="gp2 with iops",
        ),
        pytest.param(put(MANAGED + "iops", 16001), "between 3000 and 16000", id="too many iops"),
        pytest.param(
            lambda g: (put(MANAGED + "volumeType", "gp2")(g), put(MANAGED + "throughput", 125)(g)),
            "ECS managed EBS volume configuration was invalid",
            id="gp2 with throughput",
        ),
        pytest.param(put(MANAGED + "throughput", 1001), "at most 1000", id="too much throughput"),
        pytest.param(put(MANAGED + "volumeInitializationRate", 100), "snapshotId", id="a rate for no snapshot"),
        pytest.param(put(MANAGED + "filesystemType", "ntfs"), "file system types for Linux", id="ntfs"),
    ],
)
def test_volumes_configured_at_launch(change: Change, said: str) -> None:
    assert said in said_of(changed(SERVICE, put("volumeConfigurations", [DISK]), change), WITH_DISK)


@pytest.mark.parametrize(
    ("change", "definition", "said"),
    [
        pytest.param(put("launchType", "FARGATE"), {"compatibilities": ["EC2"]}, "launch_type FARGATE.", id="instances'"),
        pytest.param(by({**SPOT, "weight": 1}), WINDOWS, "FARGATE_SPOT", id="Windows on Spot"),
        pytest.param(put("platformVersion", "1.4.0"), WINDOWS, "PlatformUnknownException", id="Windows on Linux' platform"),
        pytest.param(put("platformVersion", "1.3.0"), DEFINITION, "PlatformUnknownException", id="a retired platform"),
    ],
)
def test_platforms_and_definitions(change: Change, definition: dict[str, Any], said: str) -> None:
    assert said in said_of(changed(SERVICE, change, put("loadBalancers", [])), definition)


TAKEN: list[Any] = [
    pytest.param(SERVICE, DEFINITION, id="as it is"),
    pytest.param(changed(SERVICE, put("desiredCount", 0)), DEFINITION, id="no task yet"),
    pytest.param(changed(SERVICE, put("platformVersion", "LATEST")), DEFINITION, id="the latest platform"),
    pytest.param(changed(SERVICE, put("platformVersion", "1.5.0")), DEFINITION, id="a platform that AWS may have added"),
    pytest.param(changed(SERVICE, by({**FARGATE, "base": 1, "weight": 1}, {**SPOT, "weight": 4})), DEFINITION, id="Spot"),
    pytest.param(changed(SERVICE, by(SPOT)), DEFINITION, id="one provider needs no weight"),
    pytest.param(
        changed(SERVICE, by(SPOT)), changed(DEFINITION, put("runtimePlatform.cpuArchitecture", "ARM64")), id="ARM on Spot"
    ),
    pytest.param(changed(SERVICE, put("platformVersion", "1.0.0"), put("loadBalancers", [])), WINDOWS, id="Windows"),
    pytest.param(changed(SERVICE, put("healthCheckGracePeriodSeconds", 60)), DEFINITION, id="grace"),
    pytest.param(
        changed(SERVICE, put("healthCheckGracePeriodSeconds", 60), put("loadBalancers", [])),
        changed(DEFINITION, put(APP + "healthCheck", {"command": ["CMD", "true"]})),
        id="grace for container health alone",
    ),
    pytest.param(
        changed(SERVICE, put("deploymentConfiguration", {"minimumHealthyPercent": 0, "maximumPercent": 100})),
        DEFINITION,
        id="stop first, then start",
    ),
    pytest.param(
        changed(
            SERVICE,
            put(
                CONFIGURATION + "deploymentCircuitBreaker",
                {"enable": True, "rollback": True, "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50}},
            ),
        ),
        DEFINITION,
        id="a breaker with a threshold",
    ),
    pytest.param(changed(SERVICE, put("availabilityZoneRebalancing", "ENABLED")), DEFINITION, id="balanced over zones"),
    pytest.param(
        changed(
            SERVICE,
            put(CONFIGURATION + "strategy", "BLUE_GREEN"),
            put(CONFIGURATION + "bakeTimeInMinutes", 5),
            put(CONFIGURATION + "lifecycleHooks", [{"hookTargetArn": "f", "roleArn": "r", "lifecycleStages": ["PRE_SCALE_UP"]}]),
            put(BALANCER + "advancedConfiguration", SHIFTED),
        ),
        DEFINITION,
        id="blue and green",
    ),
    pytest.param(
        changed(SERVICE, put(CONFIGURATION + "strategy", "BLUE_GREEN"), put(BALANCER + "advancedConfiguration", SHIFTED)),
        DEFINITION,
        id="blue and green without a bake time",
    ),
    pytest.param(
        changed(
            SERVICE,
            put(CONFIGURATION + "strategy", "CANARY"),
            put(CONFIGURATION + "canaryConfiguration", {"canaryPercent": 0.3, "canaryBakeTimeInMinutes": 10}),
            put("loadBalancers", []),
            put("serviceConnectConfiguration", CONNECTED),
        ),
        DEFINITION,
        id="a canary by Service Connect",
    ),
    pytest.param(controlled("CODE_DEPLOY"), DEFINITION, id="CodeDeploy"),
    pytest.param(
        changed(SERVICE, add("loadBalancers", {"targetGroupArn": "t", "containerName": "side", "containerPort": 81})),
        DEFINITION,
        id="two target groups",
    ),
    pytest.param(changed(SERVICE, put("serviceConnectConfiguration", CONNECTED)), DEFINITION, id="Service Connect"),
    pytest.param(
        changed(
            SERVICE,
            put("serviceConnectConfiguration", CONNECTED),
            put(FIRST + "timeout", {"perRequestTimeoutSeconds": 5}),
            put(CONNECT + "logConfiguration", {"logDriver": "awslogs", "options": task_definitions.AWSLOGS}),
            put(CONNECT + "accessLogConfiguration", {"format": "JSON"}),
        ),
        DEFINITION,
        id="Service Connect with times and logs",
    ),
    pytest.param(
        changed(SERVICE, put("serviceConnectConfiguration", CONNECTED), put(CONNECT + "accessLogConfiguration", {"format": "JSON"})),
        DEFINITION,
        id="Service Connect with access logs and no log driver, which then go nowhere",
    ),
    pytest.param(
        changed(SERVICE, put("serviceConnectConfiguration", {"enabled": True, "namespace": "internal"})),
        DEFINITION,
        id="a client of Service Connect",
    ),
    pytest.param(
        changed(SERVICE, put("serviceConnectConfiguration", {"enabled": False})), DEFINITION, id="no Service Connect"
    ),
    pytest.param(changed(SERVICE, put("volumeConfigurations", [DISK])), WITH_DISK, id="an EBS volume"),
    pytest.param(
        changed(
            SERVICE,
            put("volumeConfigurations", [DISK]),
            put(MANAGED + "sizeInGiB", None),
            put(MANAGED + "snapshotId", "snap-1"),
            put(MANAGED + "volumeInitializationRate", 100),
            put(MANAGED + "iops", 3000),
            put(MANAGED + "throughput", 1000),
        ),
        WITH_DISK,
        id="an EBS volume of a snapshot",
    ),
    pytest.param(
        changed(
            ON_INSTANCES,
            put("placementStrategy", [{"type": "spread", "field": deployment_configuration.ZONE}, {"type": "binpack", "field": "MEMORY"}]),
            put("placementConstraints", [{"type": "memberOf", "expression": "x"}, {"type": "distinctInstance"}]),
            put("availabilityZoneRebalancing", "ENABLED"),
        ),
        DEFINITION,
        id="placed on instances",
    ),
    pytest.param(
        changed(
            ON_INSTANCES,
            put("schedulingStrategy", "DAEMON"),
            put("desiredCount", None),
            put(CONFIGURATION + "maximumPercent", 100),
        ),
        DEFINITION,
        id="a daemon on instances",
    ),
]


@pytest.mark.parametrize(("given", "definition"), TAKEN)
def test_correct_services_are_taken(given: dict[str, Any], definition: dict[str, Any]) -> None:
    assert list(of_service(given, definition, CLUSTER)) == []


def test_grace_without_any_health_check_is_refused() -> None:
    given = changed(SERVICE, put("healthCheckGracePeriodSeconds", 60), put("loadBalancers", []))
    unchecked = {**DEFINITION, "containerDefinitions": [{**c, "healthCheck": None} for c in DEFINITION["containerDefinitions"]]}

    assert "only valid for services configured to use load balancers" in said_of(given, unchecked)


def test_service_connect_takes_the_namespace_of_the_cluster() -> None:
    given = changed(SERVICE, put("serviceConnectConfiguration", {"enabled": True}))
    cluster = {**CLUSTER, "serviceConnectDefaults": {"namespace": "internal"}}

    assert list(of_service(given, DEFINITION, cluster)) == []


CODE_DEPLOYED = controlled("CODE_DEPLOY")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        pytest.param({"taskDefinition": "web:2"}, "Unable to update task definition on services with", id="a definition"),
        pytest.param({"networkConfiguration": {}}, "Unable to update network parameters", id="the network"),
        pytest.param({"platformVersion": "1.4.0"}, "Unable to update platform version", id="the platform"),
        pytest.param({"forceNewDeployment": True}, "Cannot force a new deployment", id="a new deployment"),
        pytest.param({"desiredCount": 5}, "nothing", id="the number of tasks"),
        pytest.param({"taskDefinition": "web"}, "nothing", id="the same definition"),
    ],
)
def test_what_an_update_leaves_to_code_deploy(asked: dict[str, Any], said: str) -> None:
    assert said in next(service_update.refusals(CODE_DEPLOYED, {**CODE_DEPLOYED, **asked}, asked), "nothing")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        pytest.param(DEFINITION, WINDOWS, "platform family", id="another system"),
        pytest.param(
            DEFINITION,
            changed(DEFINITION, put(APP + "portMappings.0.appProtocol", "grpc")),
            "appProtocol is immutable",
            id="another application protocol",
        ),
        pytest.param(
            DEFINITION,
            changed(DEFINITION, put(APP + "portMappings.0.protocol", "udp")),
            "protocol is immutable",
            id="another protocol",
        ),
        pytest.param(
            DEFINITION, changed(DEFINITION, put(APP + "portMappings.0.containerPort", 8080)), "nothing", id="another port"
        ),
        pytest.param(DEFINITION, changed(DEFINITION, put(APP + "image", "nginx:2")), "nothing", id="another image"),
    ],
)
def test_what_a_new_definition_keeps(before: dict[str, Any], after: dict[str, Any], said: str) -> None:
    service = changed(SERVICE, put("serviceConnectConfiguration", CONNECTED))

    assert said in next(service_update.definitions(service, service, before, after), "nothing")


def test_without_code_deploy_an_update_changes_what_it_likes() -> None:
    asked = {"taskDefinition": "web:2", "forceNewDeployment": True}

    assert list(service_update.refusals(SERVICE, {**SERVICE, **asked}, asked)) == []


RUN: dict[str, Any] = {"taskDefinition": "web", "launchType": "FARGATE"}
OVERRIDE = "overrides.containerOverrides"


def of_task(given: dict[str, Any], definition: dict[str, Any] = DEFINITION) -> list[str]:
    return [
        *run_task.request(given, definition),
        *run_task.refusals(given, definition, is_on_fargate=capacity.is_on_fargate(given, CLUSTER)),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(put("count", 0), "count", id="no task"),
        pytest.param(put("count", 11), "count", id="eleven tasks"),
        pytest.param(put("startedBy", "a" * 129), "startedBy", id="129 letters"),
        pytest.param(put("startedBy", "me & you"), "startedBy", id="a sign"),
        pytest.param(put("clientToken", "a" * 65), "clientToken", id="a long token"),
        pytest.param(put("propagateTags", "SERVICE"), "propagateTags", id="tags of no service"),
        pytest.param(
            put(OVERRIDE, [{"name": "nope"}]),
            "Override for container named nope is not a container in the TaskDefinition.",
            id="no such container",
        ),
        pytest.param(put(OVERRIDE, [{"command": ["a"]}]), "name of a container override", id="nobody's command"),
        pytest.param(
            put(OVERRIDE, [{"name": "app", "command": ["a" * 8192]}]),
            "Container Overrides length must be at most 8192",
            id="more than 8 KiB",
        ),
        pytest.param(put("overrides.cpu", "513"), "No Fargate configuration exists", id="a size there is not"),
        pytest.param(put("overrides.memory", "512"), "No Fargate configuration exists", id="too little memory"),
        pytest.param(put("overrides.cpu", "much"), "Invalid 'cpu' setting", id="no number"),
        pytest.param(
            put(OVERRIDE, [{"name": "app", "memory": 2048}]), "is greater than for the task", id="more than the task"
        ),
        pytest.param(put(OVERRIDE, [{"name": "app", "cpu": 1024}]), "sum of all container 'cpu'", id="more cpu"),
        pytest.param(put("overrides.ephemeralStorage", {"sizeInGiB": 20}), "at least 21", id="little storage"),
        pytest.param(
            put(OVERRIDE, [{"name": "app", "environmentFiles": [{"type": "s3", "value": "x"}]}]), "Invalid arn", id="a file"
        ),
        pytest.param(
            put(OVERRIDE, [{"name": "app", "resourceRequirements": [{"type": "GPU", "value": "1"}]}]), "GPU", id="a GPU"
        ),
        pytest.param(
            put("overrides.inferenceAcceleratorOverrides", [{"deviceName": "a", "deviceType": "b"}]),
            "inferenceAccelerator",
            id="an accelerator",
        ),
    ],
)
def test_tasks_to_run(change: Change, said: str) -> None:
    assert said in "\n".join(of_task(changed(RUN, change)))


@pytest.mark.parametrize(
    ("change", "definition", "said"),
    [
        pytest.param(put("overrides.cpu", "512"), WINDOWS, "No Fargate configuration exists", id="half a vCPU for Windows"),
        pytest.param(put("overrides.ephemeralStorage", {"sizeInGiB": 30}), WINDOWS, "Linux tasks", id="storage for Windows"),
        pytest.param(
            lambda g: (put("launchType", "EC2")(g), put("overrides.ephemeralStorage", {"sizeInGiB": 30})(g)),
            DEFINITION,
            "on Fargate",
            id="storage on instances",
        ),
        pytest.param(
            lambda g: (put("launchType", "EC2")(g), put("overrides.cpu", "64")(g)),
            DEFINITION,
            "Invalid 'cpu' setting",
            id="too little cpu on instances",
        ),
    ],
)
def test_overrides_that_the_platform_has_not(change: Change, definition: dict[str, Any], said: str) -> None:
    assert said in "\n".join(of_task(changed(RUN, change), definition))


def test_a_command_is_executed_only_with_a_task_role() -> None:
    given = changed(RUN, put("enableExecuteCommand", value=True))

    assert "taskRoleArn" in "\n".join(of_task(given, changed(DEFINITION, put("taskRoleArn", None))))


@pytest.mark.parametrize(
    ("change", "definition"),
    [
        pytest.param(lambda _given: None, DEFINITION, id="as it is"),
        pytest.param(put("count", 10), DEFINITION, id="ten tasks"),
        pytest.param(put("startedBy", "events-rule/nightly_1"), DEFINITION, id="started by a rule"),
        pytest.param(put(OVERRIDE, []), DEFINITION, id="nothing overridden"),
        pytest.param(put(OVERRIDE, [{}]), DEFINITION, id="an empty override"),
        pytest.param(
            put(OVERRIDE, [{"name": "app", "command": ["a"], "environment": [{"name": "A", "value": "1"}]}]),
            DEFINITION,
            id="a command and a variable",
        ),
        pytest.param(lambda g: (put("overrides.cpu", "1 vCPU")(g), put("overrides.memory", "2 GB")(g)), DEFINITION, id="size"),
        pytest.param(put("overrides.ephemeralStorage", {"sizeInGiB": 100}), DEFINITION, id="storage"),
        pytest.param(
            lambda g: (put("enableExecuteCommand", value=True)(g), put("overrides.taskRoleArn", task_definitions.ROLE)(g)),
            changed(DEFINITION, put("taskRoleArn", None)),
            id="a role of its own for commands",
        ),
    ],
)
def test_correct_tasks_are_taken(change: Change, definition: dict[str, Any]) -> None:
    assert of_task(changed(RUN, change), definition) == []
