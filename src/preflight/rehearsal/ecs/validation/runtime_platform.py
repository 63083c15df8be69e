"""The platform that a task definition asks Fargate for, and what Windows has not. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/windows-considerations.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html, and the sentence "not supported
for Windows containers" in https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from preflight.aws import fargate_sizes
from preflight.rehearsal.ecs.validation import Request

WINDOWS = re.compile(r"WINDOWS_SERVER_(2019|2022|2025)_(FULL|CORE)")
NOT_IN_WINDOWS = (
    "linuxParameters", "readonlyRootFilesystem", "ulimits", "systemControls", "environmentFiles",
    "firelensConfiguration", "credentialSpecs",
)
NOT_FOR_WINDOWS = ("pidMode", "proxyConfiguration")  # of ephemeralStorage AWS's pages say different things
NOT_ON_WINDOWS = ("efsVolumeConfiguration", "s3filesVolumeConfiguration", "configuredAtLaunch")


def family_of(request: Request) -> str:
    """The operating system family of a task definition."""
    return str((request.get("runtimePlatform") or {}).get("operatingSystemFamily") or "LINUX")


def wanted(request: Request) -> str:
    """The platform of a task definition as images name it: `linux/amd64`, `linux/arm64`, `windows/amd64`."""
    platform = request.get("runtimePlatform") or {}
    system = "windows" if is_windows(request) else "linux"
    return f"{system}/{'arm64' if platform.get('cpuArchitecture') == 'ARM64' else 'amd64'}"


def is_windows(request: Request) -> bool:
    """Whether its containers are Windows containers."""
    return family_of(request).startswith("WINDOWS")


def refusals(request: Request, containers: Sequence[Request]) -> Iterator[str]:
    """What is wrong with the platform, and with what is asked of it."""
    family = family_of(request)
    if family != "LINUX" and not WINDOWS.fullmatch(family):
        yield f"Fargate does not support the operating system family {family}"
    mode = request.get("pidMode")
    if mode and mode != "task":
        yield f"Tasks using the Fargate launch type do not support pidMode '{mode}'. The supported value for pidMode is 'task'."
    if is_windows(request):
        yield from _windows(request, containers)


def _windows(request: Request, containers: Sequence[Request]) -> Iterator[str]:
    if (request.get("runtimePlatform") or {}).get("cpuArchitecture") == "ARM64":
        yield "The ARM64 architecture is not supported with Windows on Fargate"
    yield from fargate_sizes.on_windows(request)
    for key in (key for key in NOT_FOR_WINDOWS if request.get(key)):
        yield f"Windows tasks on Fargate do not support {key}"
    for volume in request.get("volumes") or []:
        for key in (key for key in NOT_ON_WINDOWS if volume.get(key)):
            yield f"Windows tasks on Fargate do not support volumes with {key}"
    for container in containers:
        for key in (key for key in NOT_IN_WINDOWS if container.get(key)):
            yield f"Windows containers on Fargate do not support {key}"
        if (container.get("restartPolicy") or {}).get("enabled"):
            yield "Windows containers on Fargate do not support restartPolicy"
