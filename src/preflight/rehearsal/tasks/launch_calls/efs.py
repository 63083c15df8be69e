"""File systems on EFS that a task mounts.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/efs-volumes.html.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from preflight.aws import describe_network, efs_access, iam_policy_evaluation, reachability
from preflight.aws.efs_access import Folder, Rights
from preflight.aws.iam_policy_evaluation import Policies, Policy, RequestContext
from preflight.aws.network import Interface
from preflight.model import JsonObject
from preflight.rehearsal.containers.task_spec import FileSystem
from preflight.rehearsal.tasks import role_credentials
from preflight.rehearsal.tasks.launch_calls.caller import ExecutionRoleCaller, LaunchFailedError
from preflight.rehearsal.tasks.launch_calls.efs_folders import EfsFolders

NFS = 2049
EFS = "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: "
DENIED = f"{EFS}mount.nfs4: access denied by server while mounting 127.0.0.1:/"
MOUNT, WRITE, ROOT_ACCESS = ACTIONS = tuple(
    f"elasticfilesystem:Client{name}" for name in ("Mount", "Write", "RootAccess")
)


def mount(caller: ExecutionRoleCaller, file_system: FileSystem, folders: EfsFolders) -> FileSystem:
    """Returns the file system with the folder that a task mounts of it, which its access point may create.

    Raises:
        LaunchFailedError: AWS would not mount it.
    """
    efs = caller.client("efs")
    try:
        targets = efs.describe_mount_targets(FileSystemId=file_system.id)["MountTargets"]
        points = efs.describe_access_points(FileSystemId=file_system.id)["AccessPoints"]
    except ClientError:
        raise _unresolved(caller, file_system, "check that your file system ID is correct") from None
    point = next((p for p in points if p["AccessPointId"] == file_system.access_point), None)
    if file_system.access_point and point is None:
        raise LaunchFailedError(f"{DENIED} (access point {file_system.access_point} does not exist)")
    _check_names(caller, file_system)
    _check_network(caller, file_system, targets, efs)
    rights = _rights(caller, file_system, point or {}, efs)
    folder, is_read_only = efs_access.seen(
        _folder(caller, file_system, point, folders), (point or {}).get("PosixUser") or None, rights
    )
    return replace(file_system, folder=folder, is_read_only=is_read_only)


def _folder(
    caller: ExecutionRoleCaller, file_system: FileSystem, point: JsonObject | None, folders: EfsFolders
) -> Folder:
    """Returns the folder that is mounted; an access point with CreationInfo creates it."""
    directory: JsonObject = (point.get("RootDirectory") or {}) if point else {"Path": file_system.root}
    path = efs_access.normal(directory.get("Path"))
    folder = folders.find(file_system.id, path, user=caller.service)
    if folder is None and directory.get("CreationInfo"):
        folder = efs_access.created(path, directory["CreationInfo"])
        folders.add(file_system.id, folder)
    if folder is None and point is None:
        reason = f"mounting 127.0.0.1:{path} failed, reason given by server: No such file or directory"
        raise LaunchFailedError(f"{EFS}mount.nfs4: {reason} (the file system has no folder {path})")
    if folder is None:
        reason = f"the file system has no folder {path}, and access point {file_system.access_point} no CreationInfo"
        raise LaunchFailedError(f"{DENIED} ({reason})")
    return folder


def _check_names(caller: ExecutionRoleCaller, file_system: FileSystem) -> None:
    """Check that the VPC resolves the DNS name of the file system.

    Source: https://docs.aws.amazon.com/efs/latest/ug/mounting-fs-mount-cmd-dns-name.html.
    """
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        if not describe_network.has_attribute(caller.client("ec2"), caller.interface.vpc, attribute):
            raise _unresolved(caller, file_system, f"{attribute} of the VPC is off")


def _check_network(caller: ExecutionRoleCaller, file_system: FileSystem, targets: list[JsonObject], efs: Any) -> None:
    """Check that a mount target is in the task's zone, and that its security group admits NFS from the task."""
    zones = {s["SubnetId"]: s["AvailabilityZone"] for s in caller.network.subnets}
    zone = zones.get(caller.interface.subnet)
    target = next((target for target in targets if zones.get(target["SubnetId"]) == zone), None)
    if target is None:
        reason = f"the file system has no mount target in the Availability Zone of the task ({zone})"
        raise _unresolved(caller, file_system, reason)
    response = efs.describe_mount_target_security_groups(MountTargetId=target["MountTargetId"])
    groups = tuple(response.get("SecurityGroups") or _default_groups(caller))
    address = target.get("IpAddress") or _address(caller, target["SubnetId"])
    interface = Interface(caller.interface.vpc, target["SubnetId"], address, groups, has_public_address=False)
    blocker = reachability.between(caller.network, caller.interface, interface, NFS)
    if blocker is not None:
        msg = f"{EFS}mount.nfs4: Connection timed out: {blocker.message}"
        raise LaunchFailedError(msg)


def _unresolved(caller: ExecutionRoleCaller, file_system: FileSystem, reason: str) -> LaunchFailedError:
    host = f"{file_system.id}.efs.{caller.task.region}.{caller.suffix}"
    return LaunchFailedError(f'{EFS}Failed to resolve "{host}" - {reason}')


def _default_groups(caller: ExecutionRoleCaller) -> list[str]:
    """Returns the default security group of the VPC, which a mount target without groups has."""
    return [g["GroupId"] for g in caller.network.security_groups if g.get("GroupName") == "default"]


def _address(caller: ExecutionRoleCaller, subnet: str) -> str:
    block = next(s["CidrBlock"] for s in caller.network.subnets if s["SubnetId"] == subnet)
    return str(ipaddress.ip_network(block)[10])


def _rights(caller: ExecutionRoleCaller, file_system: FileSystem, point: JsonObject, efs: Any) -> Rights:
    """Returns what the task may do by the policy of the file system and, with IAM authorization, by its task role's.

    Source: https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html.

    Raises:
        LaunchFailedError: it may not mount.
    """
    try:
        policy = iam_policy_evaluation.document(efs.describe_file_system_policy(FileSystemId=file_system.id)["Policy"])
    except ClientError:
        return Rights()  # without a policy, every client that reaches a mount target has full access
    allowed = {action for action in ACTIONS if _is_allowed(caller, file_system, point, policy or {}, action)}
    if MOUNT not in allowed:
        raise LaunchFailedError(f"{DENIED} (the policy of the file system does not allow {MOUNT})")
    return Rights(can_write=WRITE in allowed, is_root=ROOT_ACCESS in allowed)


def _is_allowed(
    caller: ExecutionRoleCaller, file_system: FileSystem, point: JsonObject, policy: Policy, action: str
) -> bool:
    role = role_credentials.role_of(caller.task) if file_system.has_iam else None
    arn = f"arn:{caller.partition}:elasticfilesystem:{caller.task.region}:{caller.account.id}:file-system/{file_system.id}"
    context = {
        "aws:securetransport": "true" if file_system.is_encrypted else "false",
        "elasticfilesystem:accessedviamounttarget": "true",
        "elasticfilesystem:accesspointarn": str(point.get("AccessPointArn") or ""),
    }
    request = RequestContext(action, arn, {key: value for key, value in context.items() if value})
    names = {role, caller.account.id} if role else {""}
    role_policies = caller.roles.policies(role, caller.task.region) if role else Policies()
    is_allowed = iam_policy_evaluation.grants(policy, names, request) or iam_policy_evaluation.allows(role_policies, request)
    return is_allowed and not iam_policy_evaluation.denies(policy, names, request)
