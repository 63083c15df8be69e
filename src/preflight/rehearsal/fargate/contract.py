"""What RegisterTaskDefinition refuses: API dicts in, AWS's sentence out. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from preflight.rehearsal.fargate import sizes

Given = Mapping[str, Any]
NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
ECR_IMAGE = re.compile(r"^\d{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|on\.aws)/")
LOG_DRIVERS = ("awslogs", "splunk", "awsfirelens")
NOT_ON_FARGATE_LINUX = ("devices", "maxSwap", "swappiness", "sharedMemorySize")
WINDOWS = re.compile(r"WINDOWS_SERVER_(2019|2022|2025)_(FULL|CORE)")


def refusal(given: Given) -> str | None:
    """The first thing that is wrong with a task definition, as AWS says it; None where nothing is."""
    return next(_refusals(given), None)


def is_fargate(given: Given) -> bool:
    """Whether the definition has to be one that Fargate can run."""
    return "FARGATE" in (given.get("requiresCompatibilities") or [])


def _refusals(given: Given) -> Iterator[str]:
    containers = given.get("containerDefinitions") or []
    if not NAME.fullmatch(str(given.get("family", ""))):
        yield "Family should not be blank and may contain only letters, numbers, underscores and hyphens, up to 255."
    if not containers:
        yield "Container list cannot be empty."
    yield from _names(containers)
    yield from _container_memory(given, containers)
    if is_fargate(given):
        yield from _fargate_size(given)
    yield from _budget(given, containers)
    yield from _roles(given, containers)
    for container in containers:
        yield from _container(given, container)
    yield from _dependencies(containers)
    yield from _ports_shared(containers)
    if is_fargate(given):
        yield from _fargate_task(given)
        for container in containers:
            yield from _fargate_container(container)
    yield from _volumes(given, containers)
    yield from _firelens(containers)


def _names(containers: list[Given]) -> Iterator[str]:
    names = [container.get("name") for container in containers]
    for container in containers:
        for key in ("name", "image"):
            if not container.get(key):
                yield f"Container.{key} should not be null or empty."
        if not NAME.fullmatch(str(container.get("name"))):
            yield f"Container name '{container.get('name')}' may contain only letters, numbers, underscores and hyphens, up to 255."
    if len(set(names)) < len(names):
        yield "Container names must be unique within a task definition"
    if not any(container.get("essential", True) for container in containers):
        yield "Task definition doesn't have any essential container"
    if len(containers) > 10:
        yield "Too many containers. A task definition can have at most 10."


def _container_memory(given: Given, containers: list[Given]) -> Iterator[str]:
    limit = _memory(given)
    for container in containers:
        name, memory, soft = container.get("name"), container.get("memory"), container.get("memoryReservation")
        if not given.get("memory") and not memory and not soft:
            yield f"Invalid setting for container '{name}'. At least one of 'memory' or 'memoryReservation' must be specified."
        if memory is not None and memory < 4:
            yield f"Invalid setting for container '{name}'. 'memory' must be at least 4 MiB."
        if limit and memory and memory > limit:
            yield f"The 'memory' setting for container '{name}' is greater than for the task"
        if memory and soft and soft > memory:
            yield f"Invalid setting for container '{name}'. The 'memoryReservation' must not be greater than 'memory'."


def _cpu(given: Given) -> int | None:
    return sizes.units(str(given["cpu"]), "vcpu") if given.get("cpu") else None


def _memory(given: Given) -> int | None:
    return sizes.units(str(given["memory"]), "gb") if given.get("memory") else None


def _fargate_size(given: Given) -> Iterator[str]:
    for key, known in (("cpu", _cpu(given)), ("memory", _memory(given))):
        if not given.get(key):
            yield f"Fargate requires that '{key}' be defined at the task level."
        elif known is None:
            yield f"Invalid '{key}' setting for task. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
    cpu, memory = _cpu(given), _memory(given)
    if cpu is not None and memory is not None and not sizes.fits(cpu, memory):
        yield "No Fargate configuration exists for given values."
    if (given.get("networkMode") or "bridge") != "awsvpc":
        yield "Fargate only supports network mode ‘awsvpc’."  # noqa: RUF001 - as AWS writes it


def _budget(given: Given, containers: list[Given]) -> Iterator[str]:
    cpu = _cpu(given)
    if cpu and sum(container.get("cpu") or 0 for container in containers) > cpu:
        yield "The sum of all container 'cpu' values cannot be greater than the task-level 'cpu' value"
    memory = _memory(given)
    soft = sum(c.get("memoryReservation") or c.get("memory") or 0 for c in containers)
    if memory and soft > memory:
        yield "The sum of all container 'memoryReservation' values cannot be greater than the task-level 'memory' value"


def _roles(given: Given, containers: list[Given]) -> Iterator[str]:
    if given.get("executionRoleArn"):
        return
    if any(c.get("secrets") or (c.get("logConfiguration") or {}).get("secretOptions") for c in containers):
        yield "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."
    if not is_fargate(given):
        return
    if any((c.get("logConfiguration") or {}).get("logDriver") == "awslogs" for c in containers):
        yield "Fargate requires task definition to have execution role ARN to support log driver awslogs."
    if any(ECR_IMAGE.match(str(c.get("image", ""))) for c in containers):
        yield "Fargate requires task definition to have execution role ARN to support ECR images."
    if any(c.get("repositoryCredentials") for c in containers):
        yield "Fargate requires task definition to have execution role ARN to support private registry authentication."


def _container(given: Given, container: Given) -> Iterator[str]:
    is_awsvpc = given.get("networkMode") == "awsvpc"
    for mapping in container.get("portMappings") or []:
        yield from _port(mapping, is_awsvpc=is_awsvpc or given.get("networkMode") == "host")
    if is_awsvpc:
        yield from _not_with_awsvpc(container)
    yield from _health(container)
    yield from _log_options(container)
    if len(container.get("environmentFiles") or []) > 10:
        yield "The maximum number of environment files was exceeded. Specify ten or less and try again"
    for file in container.get("environmentFiles") or []:
        if not re.match(r"arn:aws[a-z-]*:s3:::[^/]+/.+\.env$", str(file.get("value", ""))):
            yield "Invalid arn syntax"
    policy = container.get("restartPolicy") or {}
    if not 60 <= policy.get("restartAttemptPeriod", 300) <= 1800:
        yield "The restartAttemptPeriod must be between 60 and 1800 seconds."
    if len(policy.get("ignoredExitCodes") or []) > 50:
        yield "The maximum number of ignored exit codes is 50."


def _port(mapping: Given, *, is_awsvpc: bool) -> Iterator[str]:
    port, host = mapping.get("containerPort"), mapping.get("hostPort")
    if mapping.get("containerPortRange") and (port is not None or host is not None):
        yield "You cannot specify both single port and port range in one port mapping."
    if is_awsvpc and host is not None and host != port:
        yield "When networkMode=awsvpc, the host ports and container ports in port mappings must match."
    if port is not None and not 1 <= port <= 65535:
        yield f"Invalid container port: {port}. A port must be between 1 and 65535."


def _not_with_awsvpc(container: Given) -> Iterator[str]:
    said = {
        "links": "Links are not supported when networkMode=awsvpc",
        "disableNetworking": "Disable Networking is not supported on container when networkMode=awsvpc",
        "dnsServers": "DNS servers are not supported on container when networkMode=awsvpc",
        "dnsSearchDomains": "DNS search domains are not supported on container when networkMode=awsvpc",
        "hostname": "Hostname is not supported on container when networkMode=awsvpc",
        "extraHosts": "Extra hosts are not supported on container when networkMode=awsvpc",
    }
    yield from (sentence for key, sentence in said.items() if container.get(key))


_HEALTH_BOUNDS = {"interval": (5, 300), "timeout": (2, 60), "retries": (1, 10), "startPeriod": (0, 300)}


def _health(container: Given) -> Iterator[str]:
    check = container.get("healthCheck")
    if check is None:
        return
    command = check.get("command") or []
    if not command or command[0] not in {"CMD", "CMD-SHELL", "NONE"}:
        yield f"The health check command of container '{container['name']}' must start with CMD or CMD-SHELL"
    elif command[0] != "NONE" and len(command) < 2:
        yield f"The health check command of container '{container['name']}' is empty"
    for key, (low, high) in _HEALTH_BOUNDS.items():
        value = check.get(key)
        words = "start period" if key == "startPeriod" else key
        if value is not None and value > high:
            yield f"Health check {words} must be less than or equal to the maximum allowed value {high} for container '{container['name']}'"
        if value is not None and value < low:
            yield f"Health check {words} must be greater than or equal to the minimum allowed value {low} for container '{container['name']}'"


def _log_options(container: Given) -> Iterator[str]:
    log = container.get("logConfiguration") or {}
    if log.get("logDriver") != "awslogs":
        return
    options = log.get("options") or {}
    missing = [key for key in ("awslogs-group", "awslogs-region") if not options.get(key)]
    if missing:
        yield f"Log driver awslogs requires options: {', '.join(missing)}"
    mode = options.get("mode")
    if mode is not None and mode not in {"blocking", "non-blocking"}:
        yield f"Invalid value for log option mode: {mode}. Must be one of [blocking, non-blocking]"


def _dependencies(containers: list[Given]) -> Iterator[str]:
    by_name = {container["name"]: container for container in containers if container.get("name")}
    for container in containers:
        for needed in container.get("dependsOn") or []:
            yield from _dependency(by_name.get(needed.get("containerName")), needed)
    if _has_cycle({n: [d.get("containerName") for d in c.get("dependsOn") or []] for n, c in by_name.items()}):
        yield "There is a circular dependency between the containers of the task definition"


def _dependency(target: Given | None, needed: Given) -> Iterator[str]:
    condition = needed.get("condition")
    if target is None:
        yield f"Cannot depend on container {needed.get('containerName')} because it does not exist"
        return
    if condition not in {"START", "COMPLETE", "SUCCESS", "HEALTHY"}:
        yield f"Invalid container dependency condition: {condition}"
    if condition in {"SUCCESS", "COMPLETE"} and target.get("essential", True):
        yield "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"
    if condition == "HEALTHY" and not target.get("healthCheck"):
        yield "A dependency container with HEALTHY condition must have health check configured"


def _has_cycle(graph: Mapping[str, Iterable[str]]) -> bool:
    done: set[str] = set()
    open_: set[str] = set()

    def visit(name: str) -> bool:
        if name in open_:
            return True
        if name in done or name not in graph:
            return False
        open_.add(name)
        found = any(visit(needed) for needed in graph[name])
        open_.discard(name)
        done.add(name)
        return found

    return any(visit(name) for name in graph)


def _ports_shared(containers: list[Given]) -> Iterator[str]:
    seen: set[tuple[int, str]] = set()
    for container in containers:
        for mapping in container.get("portMappings") or []:
            port = (mapping.get("containerPort"), mapping.get("protocol", "tcp"))
            if port[0] is not None and port in seen:
                yield f"The port {port[0]} ({port[1]}) is mapped more than once in the task definition"
            seen.add(port)


def _fargate_task(given: Given) -> Iterator[str]:
    said = "Fargate compatible task definitions do not support "
    for key, word in (("ipcMode", "ipcMode"), ("placementConstraints", "constraints")):
        if given.get(key):
            yield said + word
    platform = given.get("runtimePlatform") or {}
    family = platform.get("operatingSystemFamily", "LINUX")
    is_windows = WINDOWS.fullmatch(family) is not None
    if given.get("pidMode") and (given["pidMode"] != "task" or is_windows):
        yield f"Tasks using the Fargate launch type do not support pidMode '{given['pidMode']}'. The supported value for pidMode is 'task'."
    if given.get("inferenceAccelerators"):
        yield "Unsupported field 'inferenceAccelerators'"
    if family != "LINUX" and not is_windows:
        yield f"Fargate does not support the operating system family {family}"
    if is_windows and platform.get("cpuArchitecture") == "ARM64":
        yield "The ARM64 architecture is not supported with Windows on Fargate"
    if is_windows and (_cpu(given) or 0) < 1024:
        yield "No Fargate configuration exists for given values."
    yield from _fargate_rest(given)


def _fargate_rest(given: Given) -> Iterator[str]:
    storage = (given.get("ephemeralStorage") or {}).get("sizeInGiB")
    if storage is not None and storage < 21:
        yield "EphemeralStorage size should be at least 21"
    if storage is not None and storage > 200:
        yield "EphemeralStorage size should be at most 200"
    proxy = given.get("proxyConfiguration") or {}
    names = [container.get("name") for container in given.get("containerDefinitions") or []]
    if proxy and proxy.get("containerName") not in names:
        yield f"Proxy container [{proxy.get('containerName')}] does not exist"


def _fargate_container(container: Given) -> Iterator[str]:
    said = "Fargate compatible task definitions do not support "
    linux = container.get("linuxParameters") or {}
    if container.get("privileged"):
        yield "Fargate requires that the 'privileged' setting be 'false'"
    if container.get("dockerSecurityOptions"):
        yield said + "dockerSecurityOptions"
    for key in NOT_ON_FARGATE_LINUX:
        if linux.get(key) is not None and linux.get(key) != []:
            yield said + key
    for name in (linux.get("capabilities") or {}).get("add") or []:
        if name != "SYS_PTRACE":
            yield f"{name} is not allowed on Fargate."
    if any(r.get("type") == "GPU" for r in container.get("resourceRequirements") or []):
        yield "Tasks using the Fargate launch type do not support GPU resource requirements"
    yield from _timeouts(container)
    yield from _fargate_log(container.get("logConfiguration") or {})


def _timeouts(container: Given) -> Iterator[str]:
    for key in ("startTimeout", "stopTimeout"):
        value, word = container.get(key), key.replace("Timeout", " timeout")
        if value is not None and value > 120:
            yield f"Tasks using the Fargate launch type must have a container {word} of less than 120 seconds."
        if value is not None and value < 2:
            yield f"Tasks using the Fargate launch type must have a container {word} of at least 2 seconds."


def _fargate_log(log: Given) -> Iterator[str]:
    driver = log.get("logDriver")
    if driver and driver not in LOG_DRIVERS:
        yield f"{driver} is not a valid log driver. Must be one of [{', '.join(LOG_DRIVERS)}]"
    if driver == "awslogs" and not (log.get("options") or {}).get("awslogs-stream-prefix"):
        yield "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs."


def _volumes(given: Given, containers: list[Given]) -> Iterator[str]:
    volumes = given.get("volumes") or []
    names = [volume.get("name") for volume in volumes]
    if len(set(names)) < len(names):
        yield "Volume names must be unique within a task definition"
    for volume in volumes:
        yield from _volume(volume, is_on_fargate=is_fargate(given))
    for container in containers:
        for point in container.get("mountPoints") or []:
            if point.get("sourceVolume") not in names:
                yield f"Unknown volume '{point.get('sourceVolume')}'."
            if not point.get("containerPath"):
                yield f"A mount point of container '{container.get('name')}' has no containerPath"
        for other in container.get("volumesFrom") or []:
            if other.get("sourceContainer") not in [c.get("name") for c in containers]:
                yield f"Unknown source container '{other.get('sourceContainer')}' in volumesFrom."


def _volume(volume: Given, *, is_on_fargate: bool) -> Iterator[str]:
    if not NAME.fullmatch(str(volume.get("name", ""))):
        yield f"Volume name '{volume.get('name')}' may contain only letters, numbers, underscores and hyphens, up to 255."
    said = "Fargate compatible task definitions do not support "
    if is_on_fargate:
        if volume.get("dockerVolumeConfiguration"):
            yield said + "dockerVolumeConfiguration"
        if (volume.get("host") or {}).get("sourcePath"):
            yield said + "sourcePath"
        if volume.get("fsxWindowsFileServerVolumeConfiguration"):
            yield said + "fsxWindowsFileServerVolumeConfiguration"
    efs = volume.get("efsVolumeConfiguration") or {}
    access = efs.get("authorizationConfig") or {}
    is_encrypted = efs.get("transitEncryption") == "ENABLED"
    if access.get("iam") == "ENABLED" and not is_encrypted:
        yield "EFS IAM authorization requires TransitEncryption to be enabled"
    if access.get("accessPointId") and not is_encrypted:
        yield "EFS Access Points requires TransitEncryption to be enabled"
    if access.get("accessPointId") and efs.get("rootDirectory", "/") not in {"/", ""}:
        yield "EFS rootDirectory must be omitted or / when an access point is specified"
    if efs.get("transitEncryptionPort") and not is_encrypted:
        yield "EFS transitEncryptionPort requires TransitEncryption to be enabled"


def _firelens(containers: list[Given]) -> Iterator[str]:
    routers = [c for c in containers if c.get("firelensConfiguration")]
    users = [c for c in containers if (c.get("logConfiguration") or {}).get("logDriver") == "awsfirelens"]
    if routers and not users:
        yield "When a firelensConfiguration object is specified, at least one container has to be configured with the awsfirelens log driver"
    if users and not routers:
        yield "When a container is configured with the awsfirelens log driver, one container must have a firelensConfiguration"
    if len(routers) > 1:
        yield "Only one container of a task definition can have a firelensConfiguration"
