"""File systems on EFS that a task mounts.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/efs-volumes.html.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from botocore.exceptions import ClientError

from preflight.aws import iam_policy, reachability
from preflight.aws.iam_policy import Policies, RequestContext
from preflight.aws.reachability import Interface
from preflight.model import JsonObject
from preflight.rehearsal.containers.task_spec import FileSystem
from preflight.rehearsal.tasks import role_credentials
from preflight.rehearsal.tasks.launch_calls.caller import ExecutionRoleCaller, LaunchFailedError

NFS = 2049
EFS = "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: "


def mount(caller: ExecutionRoleCaller, file_system: FileSystem) -> None:
    """Check that the file system exists, that the task reaches a mount target, and that it may mount.

    Raises:
        LaunchFailedError: AWS would not mount it.
    """
    efs = caller.client("efs")
    try:
        targets = efs.describe_mount_targets(FileSystemId=file_system.id)["MountTargets"]
        points = efs.describe_access_points(FileSystemId=file_system.id)["AccessPoints"]
    except ClientError:
        raise _unresolved(caller, file_system, "check that your file system ID is correct") from None
    if file_system.access_point and file_system.access_point not in [p["AccessPointId"] for p in points]:
        raise LaunchFailedError(
            f"{EFS}mount.nfs4: access denied by server while mounting 127.0.0.1:/ (access point {file_system.access_point} does not exist)"
        )
    _check_network(caller, file_system, targets, efs)
    _check_permission(caller, file_system, efs)


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


def _check_permission(caller: ExecutionRoleCaller, file_system: FileSystem, efs: Any) -> None:
    """Check that the task role may mount, if the file system has a policy.

    Source: https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html.
    """
    try:
        policy = iam_policy.document(efs.describe_file_system_policy(FileSystemId=file_system.id)["Policy"])
    except ClientError:
        return  # without a policy, every client that reaches a mount target may mount
    role = role_credentials.role_of(caller.task) if file_system.has_iam else None
    arn = f"arn:{caller.partition}:elasticfilesystem:{caller.task.region}:{caller.account.id}:file-system/{file_system.id}"
    request = RequestContext(
        "elasticfilesystem:ClientMount",
        arn,
        {"aws:securetransport": "true", "elasticfilesystem:accessedviamounttarget": "true"},
    )
    names = {role, caller.account.id} if role else {""}
    role_policies = caller.roles.policies(role, caller.task.region) if role else Policies()
    is_allowed = (
        policy is None or iam_policy.grants(policy, names, request) or iam_policy.allows(role_policies, request)
    )
    if not is_allowed or (policy is not None and iam_policy.denies(policy, names, request)):
        raise LaunchFailedError(f"{EFS}mount.nfs4: access denied by server while mounting 127.0.0.1:/")
