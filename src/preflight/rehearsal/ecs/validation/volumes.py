"""Volumes of a task definition, and where its containers mount them. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Volume.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_EFSVolumeConfiguration.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_S3FilesVolumeConfiguration.html and
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_MountPoint.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from preflight.rehearsal.ecs.validation import Request, names

NOT_ON_FARGATE = ("dockerVolumeConfiguration", "fsxWindowsFileServerVolumeConfiguration")
KINDS = (
    "dockerVolumeConfiguration",
    "efsVolumeConfiguration",
    "s3filesVolumeConfiguration",
    "fsxWindowsFileServerVolumeConfiguration",
)


def refusals(request: Request, containers: Sequence[Request], *, is_on_fargate: bool) -> Iterator[str]:
    """What is wrong with the volumes and with what mounts them."""
    volumes = request.get("volumes") or []
    names = [volume.get("name") for volume in volumes]
    if len(set(names)) < len(names):
        yield "Volume names must be unique within a task definition"
    for volume in volumes:
        yield from _volume(volume, is_on_fargate=is_on_fargate)
    if sum(1 for volume in volumes if volume.get("configuredAtLaunch")) > 1:
        yield "Only one volume configured at launch is supported in a task definition."
    mounted = {mount.get("sourceVolume") for container in containers for mount in container.get("mountPoints") or []}
    unused = [str(v.get("name")) for v in volumes if v.get("configuredAtLaunch") and v.get("name") not in mounted]
    if unused:
        yield f"Volumes [{', '.join(unused)}] are not referenced by any of the containers"
    for container in containers:
        yield from _mounts(container, names, [other.get("name") for other in containers])


def _volume(volume: Request, *, is_on_fargate: bool) -> Iterator[str]:
    if not names.NAME.fullmatch(str(volume.get("name") or "")):
        yield f"Volume name '{volume.get('name')}' {names.SAID_OF_NAMES}"
    if is_on_fargate:
        yield from _not_on_fargate(volume)
    kinds = [kind for kind in KINDS if volume.get(kind) is not None]
    if _host_path(volume):
        kinds.append("host")
    if volume.get("configuredAtLaunch"):
        kinds.append("configuredAtLaunch")
    if len(kinds) > 1:
        yield f"Only one volume configuration can be specified for the volume '{volume.get('name')}': {', '.join(kinds)}"
    yield from _efs(volume.get("efsVolumeConfiguration") or {})
    yield from _s3_files(volume.get("s3filesVolumeConfiguration") or {})


def _host_path(volume: Request) -> Any:
    return (volume.get("host") or {}).get("sourcePath")


def _not_on_fargate(volume: Request) -> Iterator[str]:
    beginning = "Fargate compatible task definitions do not support "
    yield from (beginning + kind for kind in NOT_ON_FARGATE if volume.get(kind))
    if _host_path(volume):
        yield beginning + "sourcePath"


def _efs(efs: Request) -> Iterator[str]:
    access, is_encrypted = efs.get("authorizationConfig") or {}, efs.get("transitEncryption") == "ENABLED"
    if access.get("iam") == "ENABLED" and not is_encrypted:
        yield "EFS IAM authorization requires TransitEncryption to be enabled"
    if access.get("accessPointId") and not is_encrypted:
        yield "EFS Access Points requires TransitEncryption to be enabled"
    if access.get("accessPointId") and efs.get("rootDirectory", "/") not in {"/", ""}:
        yield "EFS rootDirectory must be omitted or / when an access point is specified"
    if efs.get("transitEncryptionPort") and not is_encrypted:
        yield "EFS transitEncryptionPort requires TransitEncryption to be enabled"


def _s3_files(request: Request) -> Iterator[str]:
    if request.get("accessPointArn") and request.get("rootDirectory", "/") not in {"/", ""}:
        yield "S3 Files rootDirectory must be omitted or / when an access point is specified"


def _mounts(container: Request, volumes: Sequence[Any], containers: Sequence[Any]) -> Iterator[str]:
    paths = []
    for point in container.get("mountPoints") or []:
        if point.get("sourceVolume") not in volumes:
            yield f"Unknown volume '{point.get('sourceVolume')}'."
        if not point.get("containerPath"):
            yield f"A mount point of container '{container.get('name')}' has no containerPath"
        paths.append(point.get("containerPath"))
    if len(set(paths)) < len(paths):
        yield f"Container '{container.get('name')}' mounts two volumes at one containerPath."
    for other in container.get("volumesFrom") or []:
        if other.get("sourceContainer") not in containers:
            yield f"Unknown source container '{other.get('sourceContainer')}' in volumesFrom."
        if other.get("sourceContainer") == container.get("name"):
            yield f"Container '{container.get('name')}' cannot mount volumes from itself."
