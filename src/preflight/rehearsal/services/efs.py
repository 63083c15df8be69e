"""What EFS refuses because of what the account has, and moto does not.

https://docs.aws.amazon.com/efs/latest/ug/API_CreateMountTarget.html,
https://docs.aws.amazon.com/efs/latest/ug/API_CreateFileSystem.html and
https://docs.aws.amazon.com/efs/latest/ug/API_PutLifecycleConfiguration.html; moto/efs/models.py.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from preflight.aws.refusals import catalog
from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Refusal
from preflight.rehearsal.services import ServiceEmulation

_RESERVED = 4  # addresses at the beginning of a subnet, with the network's own; the last one is reserved as well


def _file_system(account: Account, call: Call) -> None:
    """A One Zone file system is in a zone of its region."""
    zone = call.parameters.get("AvailabilityZoneName")
    ec2: Any = account.client("ec2", call.region)
    zones = [description["ZoneName"] for description in ec2.describe_availability_zones()["AvailabilityZones"]]
    if zone and zone not in zones:
        raise Refusal("BadRequest", f"Availability Zone {zone} is not one of {call.region}: {', '.join(zones)}")


def _mount_target(account: Account, call: Call) -> None:
    """A mount target is in the zone of its file system, with security groups of its VPC and a free address of its subnet."""
    ec2: Any = account.client("ec2", call.region)
    subnet = ec2.describe_subnets(SubnetIds=[call.parameters["SubnetId"]])["Subnets"][0]
    efs: Any = account.client("efs", call.region)
    system = efs.describe_file_systems(FileSystemId=call.parameters["FileSystemId"])["FileSystems"][0]
    zone = system.get("AvailabilityZoneName")
    if zone and zone != subnet["AvailabilityZone"]:
        msg = f"Availability Zone {subnet['AvailabilityZone']} of the subnet differs from {zone}, in which the file system is"
        raise Refusal("AvailabilityZonesMismatch", msg)
    if zone and efs.describe_mount_targets(FileSystemId=system["FileSystemId"])["MountTargets"]:
        raise Refusal("MountTargetConflict", "a One Zone file system has one mount target", status=409)
    for group in call.parameters.get("SecurityGroups") or []:
        filters = [{"Name": "group-id", "Values": [group]}, {"Name": "vpc-id", "Values": [subnet["VpcId"]]}]
        if not ec2.describe_security_groups(Filters=filters)["SecurityGroups"]:
            raise Refusal("SecurityGroupNotFound", f"The security group '{group}' does not exist in VPC {subnet['VpcId']}")
    if call.parameters.get("IpAddress"):
        _check_address(ec2, subnet, call.parameters["IpAddress"])


def _check_address(ec2: Any, subnet: dict[str, Any], address: str) -> None:
    block = ipaddress.IPv4Network(subnet["CidrBlock"], strict=False)
    try:
        host = ipaddress.IPv4Address(address)
    except ValueError:
        raise Refusal("BadRequest", f"Address {address} is invalid") from None
    if host not in block:
        raise Refusal("BadRequest", "Address does not fall within the subnet's address range")
    if int(host) - int(block[0]) < _RESERVED or host == block[-1]:
        raise Refusal("BadRequest", f"Address {address} is in subnet's reserved address range")
    filters = [{"Name": "subnet-id", "Values": [subnet["SubnetId"]]}]
    for interface in ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]:
        if address in {item["PrivateIpAddress"] for item in interface.get("PrivateIpAddresses") or []}:
            raise Refusal("IpAddressInUse", f"Address {address} is already in use", status=409)


def _lifecycle(account: Account, call: Call) -> None:
    """Policies of a file system suit how it was made."""
    efs: Any = account.client("efs", call.region)
    system = efs.describe_file_systems(FileSystemId=call.parameters["FileSystemId"])["FileSystems"][0]
    settings = {name: system[name] for name in ("ThroughputMode", "PerformanceMode", "ProvisionedThroughputInMibps") if name in system}
    properties = {**settings, "LifecyclePolicies": call.parameters.get("LifecyclePolicies") or []}
    _check("AWS::EFS::FileSystem", properties)


def _policy(_account: Account, call: Call) -> None:
    _check("AWS::EFS::FileSystem", {"FileSystemPolicy": call.parameters.get("Policy")})


def _check(kind: str, properties: dict[str, Any]) -> None:
    refused = next(catalog.of_resource(kind, properties), None)
    if refused is not None:
        raise Refusal(refused.constraint.code, refused.message)


SERVICE = ServiceEmulation(
    "elasticfilesystem",
    checks={
        "CreateFileSystem": _file_system,
        "CreateMountTarget": _mount_target,
        "PutFileSystemPolicy": _policy,
        "PutLifecycleConfiguration": _lifecycle,
    },
)
