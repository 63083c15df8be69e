"""What to run for a task definition: dicts of the ECS API in, container specs out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

STOP_TIMEOUT = 30.0
START_TIMEOUT = 180.0
STOP_CAP = 3.0  # seconds until SIGKILL here: AWS waits for up to 120, and nothing depends on how long


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
    """A volume that lies on EFS: `access_point` and `has_iam` (IAM authorization) as the volume configures them.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_EFSVolumeConfiguration.html.
    """

    id: str
    root: str
    access_point: str | None
    has_iam: bool


@dataclass(frozen=True)
class Restart:
    """When a container that ended is started again: it ran for `period` seconds, and its code is not ignored.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-restart-policy.html.
    """

    period: float
    ignored: tuple[int, ...]

    def applies(self, *, code: int, ran: float) -> bool:
        """Whether a container that ran for `ran` seconds and ended with `code` is started again."""
        return code not in self.ignored and ran >= self.period


@dataclass(frozen=True)
class ContainerSpec:
    """One container of a task, as it is to be run. Memory in MiB, times in seconds."""

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
    log: Mapping[str, Any] | None
    ports: tuple[tuple[int, str], ...]
    is_stub: bool = False


@dataclass(frozen=True)
class TaskSpec:
    """A task: its containers in the order of the definition, and its ceilings."""

    family: str
    revision: int
    cpu: float
    memory: int
    shares_processes: bool
    file_systems: Mapping[str, FileSystem]
    containers: tuple[ContainerSpec, ...]


def from_task_definition(definition: Mapping[str, Any], overrides: Mapping[str, Any] | None = None) -> TaskSpec:
    """The spec for a registered task definition with RunTask's overrides.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
    """
    said = overrides or {}
    changed = {o["name"]: o for o in said.get("containerOverrides", [])}
    given = {container["name"]: container for container in definition["containerDefinitions"]}
    return TaskSpec(
        family=definition["family"],
        revision=int(definition["revision"]),
        cpu=int(said.get("cpu") or definition.get("cpu") or 0) / 1024,
        memory=int(said.get("memory") or definition.get("memory") or 0),
        shares_processes=definition.get("pidMode") == "task",
        file_systems=dict(_file_systems(definition.get("volumes") or [])),
        containers=tuple(_container(container, changed.get(name, {}), given) for name, container in given.items()),
    )


def _file_systems(volumes: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, FileSystem]]:
    for volume in volumes:
        efs = volume.get("efsVolumeConfiguration")
        if efs:
            access = efs.get("authorizationConfig") or {}
            point, has_iam = access.get("accessPointId"), access.get("iam") == "ENABLED"
            yield volume["name"], FileSystem(efs["fileSystemId"], efs.get("rootDirectory") or "/", point, has_iam)


def _container(
    given: Mapping[str, Any], override: Mapping[str, Any], siblings: Mapping[str, Mapping[str, Any]]
) -> ContainerSpec:
    environment = {e["name"]: e.get("value", "") for e in given.get("environment", [])}
    environment |= {e["name"]: e.get("value", "") for e in override.get("environment", [])}
    command = override.get("command") or given.get("command")
    files = override.get("environmentFiles") or given.get("environmentFiles") or []
    return ContainerSpec(
        name=given["name"],
        image=given["image"],
        is_essential=given.get("essential", True),
        command=tuple(command) if command else None,
        entry_point=tuple(given["entryPoint"]) if given.get("entryPoint") else None,
        environment=environment,
        environment_files=tuple(f["value"] for f in files),
        secrets={s["name"]: s["valueFrom"] for s in given.get("secrets", [])},
        registry_secret=(given.get("repositoryCredentials") or {}).get("credentialsParameter"),
        options=tuple(_options(given)),
        system_controls={c["namespace"]: str(c["value"]) for c in given.get("systemControls") or []},
        mounts=tuple(_mounts(given, siblings)),
        depends_on=tuple((d["containerName"], d["condition"]) for d in given.get("dependsOn", [])),
        health=_health(given.get("healthCheck")),
        memory=override.get("memory") or given.get("memory"),
        stop_timeout=float(given.get("stopTimeout") or STOP_TIMEOUT),
        start_timeout=float(given.get("startTimeout") or START_TIMEOUT),
        restart=_restart(given.get("restartPolicy")),
        log=given.get("logConfiguration"),
        ports=tuple(
            (int(m["containerPort"]), m.get("protocol", "tcp"))
            for m in given.get("portMappings", [])
            if m.get("containerPort")
        ),
    )


def _mounts(given: Mapping[str, Any], siblings: Mapping[str, Mapping[str, Any]]) -> Iterator[Mount]:
    """Its own mounts, and those it takes from other containers of the task."""
    for point in given.get("mountPoints") or []:
        yield Mount(point["sourceVolume"], point["containerPath"], bool(point.get("readOnly")))
    for taken in given.get("volumesFrom") or []:
        for point in siblings[taken["sourceContainer"]].get("mountPoints") or []:
            is_read_only = bool(point.get("readOnly")) or bool(taken.get("readOnly"))
            yield Mount(point["sourceVolume"], point["containerPath"], is_read_only)


def _restart(policy: Mapping[str, Any] | None) -> Restart | None:
    if not policy or not policy.get("enabled"):
        return None
    return Restart(float(policy.get("restartAttemptPeriod") or 300), tuple(policy.get("ignoredExitCodes") or ()))


def _health(check: Mapping[str, Any] | None) -> Health | None:
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


def _options(given: Mapping[str, Any]) -> list[str]:
    """Options that podman and docker spell alike."""
    linux = given.get("linuxParameters", {})
    options = []
    if given.get("readonlyRootFilesystem"):
        options.append("--read-only")
    for key, option in (("user", "--user"), ("workingDirectory", "--workdir")):
        if given.get(key):
            options.append(f"{option}={given[key]}")
    for key, option in (("pseudoTerminal", "--tty"), ("interactive", "--interactive")):
        if given.get(key):
            options.append(option)
    if linux.get("initProcessEnabled"):
        options.append("--init")
    capabilities = linux.get("capabilities", {})
    options += [f"--cap-add={name}" for name in capabilities.get("add", [])]
    options += [f"--cap-drop={name}" for name in capabilities.get("drop", [])]
    options += [_tmpfs(tmpfs) for tmpfs in linux.get("tmpfs", [])]
    options += [f"--ulimit={u['name']}={u['softLimit']}:{u['hardLimit']}" for u in given.get("ulimits") or []]
    if given.get("cpu"):
        options.append(f"--cpu-shares={max(2, int(given['cpu']))}")
    if given.get("memoryReservation"):
        options.append(f"--memory-reservation={given['memoryReservation']}m")
    return options


def _tmpfs(tmpfs: Mapping[str, Any]) -> str:
    settings = [f"size={tmpfs['size']}m", *tmpfs.get("mountOptions", [])]
    return f"--tmpfs={tmpfs['containerPath']}:{','.join(settings)}"
