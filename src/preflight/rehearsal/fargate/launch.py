"""What to run for a task definition: dicts of the ECS API in, container plans out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

STOP_TIMEOUT = 30.0
START_TIMEOUT = 180.0


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
class ContainerPlan:
    """One container of a task, as it is to be run. Memory in MiB, times in seconds."""

    name: str
    image: str
    is_essential: bool
    command: tuple[str, ...] | None
    entry_point: tuple[str, ...] | None
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    options: tuple[str, ...]
    mounts: tuple[Mount, ...]
    depends_on: tuple[tuple[str, str], ...]
    health: Health | None
    memory: int | None
    stop_timeout: float
    start_timeout: float
    log: Mapping[str, Any] | None
    ports: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class TaskPlan:
    """A task: its containers in the order of the definition, and its ceilings."""

    family: str
    revision: int
    cpu: float
    memory: int
    volumes: tuple[str, ...]
    containers: tuple[ContainerPlan, ...]


def plan_of(definition: Mapping[str, Any], overrides: Mapping[str, Any] | None = None) -> TaskPlan:
    """The plan for a registered task definition with RunTask's overrides.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
    """
    changed = {o["name"]: o for o in (overrides or {}).get("containerOverrides", [])}
    return TaskPlan(
        family=definition["family"],
        revision=int(definition["revision"]),
        cpu=int(definition.get("cpu") or 0) / 1024,
        memory=int(definition.get("memory") or 0),
        volumes=tuple(volume["name"] for volume in definition.get("volumes", [])),
        containers=tuple(
            _container(container, changed.get(container["name"], {}))
            for container in definition["containerDefinitions"]
        ),
    )


def _container(given: Mapping[str, Any], override: Mapping[str, Any]) -> ContainerPlan:
    environment = {e["name"]: e.get("value", "") for e in given.get("environment", [])}
    environment |= {e["name"]: e.get("value", "") for e in override.get("environment", [])}
    command = override.get("command") or given.get("command")
    return ContainerPlan(
        name=given["name"],
        image=given["image"],
        is_essential=given.get("essential", True),
        command=tuple(command) if command else None,
        entry_point=tuple(given["entryPoint"]) if given.get("entryPoint") else None,
        environment=environment,
        secrets={s["name"]: s["valueFrom"] for s in given.get("secrets", [])},
        options=tuple(_options(given)),
        mounts=tuple(_mount(point) for point in given.get("mountPoints", [])),
        depends_on=tuple((d["containerName"], d["condition"]) for d in given.get("dependsOn", [])),
        health=_health(given.get("healthCheck")),
        memory=override.get("memory") or given.get("memory"),
        stop_timeout=float(given.get("stopTimeout") or STOP_TIMEOUT),
        start_timeout=float(given.get("startTimeout") or START_TIMEOUT),
        log=given.get("logConfiguration"),
        ports=tuple(
            (int(m["containerPort"]), m.get("protocol", "tcp"))
            for m in given.get("portMappings", [])
            if m.get("containerPort")
        ),
    )


def _mount(point: Mapping[str, Any]) -> Mount:
    return Mount(point["sourceVolume"], point["containerPath"], bool(point.get("readOnly")))


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
    if given.get("cpu"):
        options.append(f"--cpu-shares={max(2, int(given['cpu']))}")
    if given.get("memoryReservation"):
        options.append(f"--memory-reservation={given['memoryReservation']}m")
    return options


def _tmpfs(tmpfs: Mapping[str, Any]) -> str:
    settings = [f"size={tmpfs['size']}m", *tmpfs.get("mountOptions", [])]
    return f"--tmpfs={tmpfs['containerPath']}:{','.join(settings)}"
