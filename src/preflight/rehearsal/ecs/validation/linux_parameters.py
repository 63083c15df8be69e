"""What a container asks of the Linux kernel: capabilities, devices, limits, parameters. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinuxParameters.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_KernelCapabilities.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tmpfs.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_SystemControl.html and
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Ulimit.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.rehearsal.ecs.validation import Request

NOT_ON_FARGATE = ("devices", "maxSwap", "swappiness", "sharedMemorySize")
UNLIMITED = -1
IPC_CONTROL = re.compile(r"kernel\.(msg(max|mnb|mni)|sem|shm(all|max|mni|_rmid_forced))|fs\.mqueue\..+")
CAPABILITY = re.compile(
    "ALL|AUDIT_(CONTROL|WRITE)|BLOCK_SUSPEND|CHOWN|DAC_(OVERRIDE|READ_SEARCH)|FOWNER|FSETID|IPC_(LOCK|OWNER)|KILL|LEASE|"
    "LINUX_IMMUTABLE|MAC_(ADMIN|OVERRIDE)|MKNOD|NET_(ADMIN|BIND_SERVICE|BROADCAST|RAW)|SETFCAP|SETGID|SETPCAP|SETUID|"
    "SYS_(ADMIN|BOOT|CHROOT|MODULE|NICE|PACCT|PTRACE|RAWIO|RESOURCE|TIME|TTY_CONFIG)|SYSLOG|WAKE_ALARM"
)
MOUNT_OPTION = re.compile(
    "defaults|ro|rw|(no)?suid|(no)?dev|(no)?exec|a?sync|dirsync|remount|(no)?mand|(no)?atime|(no)?diratime|r?bind|"
    "(un|run)bindable|r?(private|shared|slave)|(no)?(relatime|strictatime)|(mode|uid|gid|nr_inodes|nr_blocks|mpol)(=.*)?"
)


def refusals(request: Request, container: Request) -> Iterator[str]:
    """What is wrong with one container's demands, wherever it is to run."""
    parameters = container.get("linuxParameters") or {}
    yield from _capabilities(parameters.get("capabilities") or {})
    for mount in parameters.get("tmpfs") or []:
        yield from _tmpfs(mount)
    if not 0 <= (parameters.get("swappiness") or 0) <= 100:
        yield "The swappiness must be between 0 and 100."
    if (parameters.get("maxSwap") or 0) < 0:
        yield "The maxSwap must be 0 or more."
    yield from _limits(container)
    for control in container.get("systemControls") or []:
        yield from _control(str(control.get("namespace")), request)


def on_fargate(container: Request) -> Iterator[str]:
    """What Fargate does not give a container."""
    beginning = "Fargate compatible task definitions do not support "
    parameters = container.get("linuxParameters") or {}
    if container.get("privileged"):
        yield "Fargate requires that the 'privileged' setting be 'false'"
    if container.get("dockerSecurityOptions"):
        yield beginning + "dockerSecurityOptions"
    for key in NOT_ON_FARGATE:
        if parameters.get(key) is not None and parameters.get(key) != []:
            yield beginning + key
    for name in (parameters.get("capabilities") or {}).get("add") or []:
        if name != "SYS_PTRACE":
            yield f"{name} is not allowed on Fargate."
    for resource in container.get("resourceRequirements") or []:
        kind = resource.get("type")
        yield f"Tasks using the Fargate launch type do not support {kind} resource requirements"


def _capabilities(request: Request) -> Iterator[str]:
    for key in ("add", "drop"):
        for name in request.get(key) or []:
            if not CAPABILITY.fullmatch(name):
                yield f"{name} is not a kernel capability that can be given to {key}."


def _tmpfs(mount: Request) -> Iterator[str]:
    if not str(mount.get("containerPath") or "").startswith("/"):
        yield "The containerPath of a tmpfs must be an absolute path."
    if (mount.get("size") or 0) <= 0:
        yield "The size of a tmpfs must be greater than 0 MiB."
    for option in mount.get("mountOptions") or []:
        if not MOUNT_OPTION.fullmatch(option):
            yield f"{option} is not a tmpfs mount option."


def _limits(container: Request) -> Iterator[str]:
    limits = container.get("ulimits") or []
    if len({limit.get("name") for limit in limits}) < len(limits):
        yield f"Container '{container.get('name')}' sets a ulimit more than once."
    for limit in limits:
        soft, hard = limit.get("softLimit") or 0, limit.get("hardLimit") or 0
        if hard != UNLIMITED and (soft > hard or soft == UNLIMITED):
            yield f"The soft limit of the ulimit {limit.get('name')} must not be greater than its hard limit."


def _control(name: str, request: Request) -> Iterator[str]:
    is_ipc = IPC_CONTROL.fullmatch(name) is not None
    if not is_ipc and not name.startswith("net."):
        yield f"{name} is not a namespaced kernel parameter that systemControls can set."
    if name.startswith("net.") and request.get("networkMode") == "host":
        yield f"The network systemControls parameter {name} is not supported when networkMode=host"
    if is_ipc and request.get("ipcMode") == "host":
        yield f"The IPC systemControls parameter {name} is not supported when ipcMode=host"
