"""EBS volumes that a service or task configures at launch. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceManagedEBSVolumeConfiguration.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ebs-volumes.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.rehearsal.ecs.validation import Request, runtime_platform

INVALID = "ECS managed EBS volume configuration was invalid: "
SIZES = {
    "gp2": (1, 16384),
    "gp3": (1, 16384),
    "io1": (4, 16384),
    "io2": (4, 16384),
    "st1": (125, 16384),
    "sc1": (125, 16384),
    "standard": (1, 1024),
}
IOPS = {"gp3": (3000, 16000), "io1": (100, 64000), "io2": (100, 256000)}
MAX_THROUGHPUT = 1000
ON_LINUX = ("ext3", "ext4", "xfs")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")


def refusals(request: Request, definition: Request, *, is_on_fargate: bool) -> Iterator[str]:
    """What is wrong between the volumes of a request and those of its task definition."""
    names = [volume.get("name") for volume in definition.get("volumes") or [] if volume.get("configuredAtLaunch")]
    configured = request.get("volumeConfigurations") or []
    if len(configured) > 1:
        yield "volume configurations can have at most 1 items."
    for volume in configured:
        if volume.get("name") not in names:
            yield f"The volume name '{volume.get('name')}' in your request does not have a matching volume in your Task Definition"
        disk = volume.get("managedEBSVolume")
        if disk is None:
            yield f"{INVALID}managedEBSVolume must be specified for the volume '{volume.get('name')}'"
        else:
            yield from _disk(disk, definition, is_on_fargate=is_on_fargate)
    for name in names:
        if name not in [volume.get("name") for volume in configured]:
            yield f"The volume '{name}' of the task definition is configured at launch; specify it in volumeConfigurations"


def _disk(disk: Request, definition: Request, *, is_on_fargate: bool) -> Iterator[str]:
    kind, size = disk.get("volumeType") or "gp3", disk.get("sizeInGiB")
    if not _ROLE.fullmatch(str(disk.get("roleArn"))):
        yield f"{INVALID}roleArn is not the ARN of a role"
    if size is None and not disk.get("snapshotId"):
        yield f"{INVALID}either sizeInGiB or snapshotId must be specified"
    if kind not in SIZES:
        yield f"{INVALID}{kind} is not a volume type"
        return
    low, high = SIZES[kind]
    if size is not None and not low <= size <= high:
        yield f"{INVALID}the size of a {kind} volume must be between {low} and {high} GiB"
    if kind == "standard" and is_on_fargate:
        yield f"{INVALID}the magnetic volume type is not supported on Fargate"
    if disk.get("volumeInitializationRate") and not disk.get("snapshotId"):
        yield f"{INVALID}volumeInitializationRate can be specified only with a snapshotId"
    if not runtime_platform.is_windows(definition) and (disk.get("filesystemType") or "xfs") not in ON_LINUX:
        yield f"{INVALID}the file system types for Linux are {', '.join(ON_LINUX)}"
    yield from _speed(disk, kind)


def _speed(disk: Request, kind: str) -> Iterator[str]:
    iops, throughput = disk.get("iops"), disk.get("throughput")
    if iops is None and kind in {"io1", "io2"}:
        yield f"{INVALID}iops must be specified for {kind}"
    if iops is not None and kind not in IOPS:
        yield f"{INVALID}iops cannot be specified for {kind}"
    elif iops is not None and not IOPS[kind][0] <= iops <= IOPS[kind][1]:
        yield f"{INVALID}the iops of a {kind} volume must be between {IOPS[kind][0]} and {IOPS[kind][1]}"
    if throughput is not None and kind != "gp3":
        yield f"{INVALID}throughput can be specified for gp3 only"
    if throughput is not None and throughput > MAX_THROUGHPUT:
        yield f"{INVALID}the throughput must be at most {MAX_THROUGHPUT} MiB/s"
