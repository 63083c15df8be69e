"""What a task definition says to run: from dicts of the ECS API to specs of containers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from preflight.aws import efs_access
from preflight.aws.efs_access import Folder
from preflight.model import JsonObject

STOP_TIMEOUT = 30.0
START_TIMEOUT = 180.0
MAX_STOP_TIMEOUT = 3.0  # seconds until SIGKILL without requests in flight: AWS waits for up to 120, and nothing depends on how long


@dataclass(frozen=True)
class Health:
    """A container health check; seconds."""

    command: tuple[str, ...]
    interval: float
    timeout: float
    retries: int
    start_period: float


@dataclass(frozen=True)
class Mount:
    """A volume of the task at a path of a container."""

    volume: str
    path: str
    is_read_only: bool


@dataclass(frozen=True)
class FileSystem:
    """A volume on EFS, with its access point, and whether it uses IAM authorization and encryption in transit.

    `folder` is what is mounted of it, known once the task has mounted it.
    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_EFSVolumeConfiguration.html.
    """

    id: str
    root: str
    access_point: str | None
    has_iam: bool
    is_encrypted: bool = False
    folder: Folder = efs_access.ROOT
    is_read_only: bool = False


@dataclass(frozen=True)
class Restart:
    """Restarts a container that ran for `period` seconds and whose exit code is not ignored.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-restart-policy.html.
    """

    period: float
    ignored: tuple[int, ...]

    def applies(self, *, code: int, ran: float) -> bool:
        """Whether to restart a container that ran for `ran` seconds and ended with `code`."""
        return code not in self.ignored and ran >= self.period


@dataclass(frozen=True)
class ContainerSpec:
    """How to run one container of a task. Memory is in MiB, times are in seconds."""

    name: str
    image: str
    is_essential: bool
    command: tuple[str, ...] | None
    entry_point: tuple[str, ...] | None
    environment: Mapping[str, str]
    environment_files: tuple[str, ...]
    secrets: Mapping[str, str]
    registry_secret: str | None
    options: tuple[str, ...]
    system_controls: Mapping[str, str]
    mounts: tuple[Mount, ...]
    depends_on: tuple[tuple[str, str], ...]
    health: Health | None
    memory: int | None
    stop_timeout: float
    start_timeout: float
    restart: Restart | None
    log: JsonObject | None
    ports: tuple[tuple[int, str], ...]
    is_stub: bool = False


@dataclass(frozen=True)
class TaskSpec:
    """How to run a task: its containers in the order of the definition, and its limits."""

    family: str
    revision: int
    cpu: float
    memory: int
    shares_processes: bool
    file_systems: Mapping[str, FileSystem]
    containers: tuple[ContainerSpec, ...]


def from_task_definition(definition: JsonObject, overrides: JsonObject | None = None) -> TaskSpec:
    """Returns the spec of a registered task definition with RunTask's overrides.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
    """
    overrides = overrides or {}
    container_overrides = {override["name"]: override for override in overrides.get("containerOverrides", [])}
    containers = {container["name"]: container for container in definition["containerDefinitions"]}
    return TaskSpec(
        family=definition["family"],
        revision=int(definition["revision"]),
        cpu=int(overrides.get("cpu") or definition.get("cpu") or 0) / 1024,
        memory=int(overrides.get("memory") or definition.get("memory") or 0),
        shares_processes=definition.get("pidMode") == "task",
        file_systems=dict(_file_systems(definition.get("volumes") or [])),
        containers=tuple(
            _container(container, container_overrides.get(name, {}), containers)
            for name, container in containers.items()
        ),
    )


def _file_systems(volumes: Iterable[JsonObject]) -> Iterator[tuple[str, FileSystem]]:
    for volume in volumes:
        efs = volume.get("efsVolumeConfiguration")
        if efs:
            access = efs.get("authorizationConfig") or {}
            yield volume["name"], FileSystem(
                efs["fileSystemId"],
                efs.get("rootDirectory") or "/",
                access.get("accessPointId"),
                has_iam=access.get("iam") == "ENABLED",
                is_encrypted=efs.get("transitEncryption") == "ENABLED",
            )


def _container(definition: JsonObject, override: JsonObject, siblings: Mapping[str, JsonObject]) -> ContainerSpec:
    environment = {e["name"]: e.get("value", "") for e in definition.get("environment", [])}
    environment |= {e["name"]: e.get("value", "") for e in override.get("environment", [])}
    command = override.get("command") or definition.get("command")
    files = override.get("environmentFiles") or definition.get("environmentFiles") or []
    return ContainerSpec(
        name=definition["name"],
        image=definition["image"],
        is_essential=definition.get("essential", True),
        command=tuple(command) if command else None,
        entry_point=tuple(definition["entryPoint"]) if definition.get("entryPoint") else None,
        environment=environment,
        environment_files=tuple(f["value"] for f in files),
        secrets={s["name"]: s["valueFrom"] for s in definition.get("secrets", [])},
        registry_secret=(definition.get("repositoryCredentials") or {}).get("credentialsParameter"),
        options=tuple(_options(definition)),
        system_controls={c["namespace"]: str(c["value"]) for c in definition.get("systemControls") or []},
        mounts=tuple(_mounts(definition, siblings)),
        depends_on=tuple((d["containerName"], d["condition"]) for d in definition.get("dependsOn", [])),
        health=_health(definition.get("healthCheck")),
        memory=override.get("memory") or definition.get("memory"),
        stop_timeout=float(definition.get("stopTimeout") or STOP_TIMEOUT),
        start_timeout=float(definition.get("startTimeout") or START_TIMEOUT),
        restart=_restart(definition.get("restartPolicy")),
        log=definition.get("logConfiguration"),
        ports=tuple(
            (int(m["containerPort"]), m.get("protocol", "tcp"))
            for m in definition.get("portMappings", [])
            if m.get("containerPort")
        ),
    )


def _mounts(definition: JsonObject, siblings: Mapping[str, JsonObject]) -> Iterator[Mount]:
    """Returns the mounts of a container, and those that it takes from other containers of the task."""
    for point in definition.get("mountPoints") or []:
        yield Mount(point["sourceVolume"], point["containerPath"], bool(point.get("readOnly")))
    for volume in definition.get("volumesFrom") or []:
        for point in siblings[volume["sourceContainer"]].get("mountPoints") or []:
            is_read_only = bool(point.get("readOnly")) or bool(volume.get("readOnly"))
            yield Mount(point["sourceVolume"], point["containerPath"], is_read_only)


def _restart(policy: JsonObject | None) -> Restart | None:
    if not policy or not policy.get("enabled"):
        return None
    return Restart(float(policy.get("restartAttemptPeriod") or 300), tuple(policy.get("ignoredExitCodes") or ()))


def _health(check: JsonObject | None) -> Health | None:
    """Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html."""
    if not check or not check.get("command") or check["command"][0] == "NONE":
        return None
    return Health(
        command=tuple(check["command"]),
        interval=float(check.get("interval") or 30),
        timeout=float(check.get("timeout") or 5),
        retries=int(check.get("retries") or 3),
        start_period=float(check.get("startPeriod") or 0),
    )


def _options(definition: JsonObject) -> list[str]:
    """Returns the options that podman and docker have in common."""
    linux = definition.get("linuxParameters", {})
    options = []
    if definition.get("readonlyRootFilesystem"):
        options.append("--read-only")
    for key, option in (("user", "--user"), ("workingDirectory", "--workdir")):
        if definition.get(key):
            options.append(f"{option}={definition[key]}")
    for key, option in (("pseudoTerminal", "--tty"), ("interactive", "--interactive")):
        if definition.get(key):
            options.append(option)
    if linux.get("initProcessEnabled"):
        options.append("--init")
    capabilities = linux.get("capabilities", {})
    options += [f"--cap-add={name}" for name in capabilities.get("add", [])]
    options += [f"--cap-drop={name}" for name in capabilities.get("drop", [])]
    options += [_tmpfs(tmpfs) for tmpfs in linux.get("tmpfs", [])]
    options += [f"--ulimit={u['name']}={u['softLimit']}:{u['hardLimit']}" for u in definition.get("ulimits") or []]
    if definition.get("cpu"):
        options.append(f"--cpu-shares={max(2, int(definition['cpu']))}")
    if definition.get("memoryReservation"):
        options.append(f"--memory-reservation={definition['memoryReservation']}m")
    return options


def _tmpfs(tmpfs: JsonObject) -> str:
    settings = [f"size={tmpfs['size']}m", *tmpfs.get("mountOptions", [])]
    return f"--tmpfs={tmpfs['containerPath']}:{','.join(settings)}"
