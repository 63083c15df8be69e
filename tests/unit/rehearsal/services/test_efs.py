"""File systems, mount targets and access points that EFS refuses where moto takes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[[str], Any]


def code_of(call: Callable[[], Any]) -> str:
    """The code that the service answers; empty if it takes the call."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


class Files:
    """EFS beside a VPC with a subnet in each of two zones."""

    def __init__(self, client: Client) -> None:
        self.efs, self.ec2 = client("efs"), client("ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [self.subnet(f"10.0.{number}.0/24", zone) for number, zone in enumerate("ac")]

    def subnet(self, block: str, zone: str) -> str:
        request = {"VpcId": self.vpc, "CidrBlock": block, "AvailabilityZone": f"ap-northeast-1{zone}"}
        return str(self.ec2.create_subnet(**request)["Subnet"]["SubnetId"])

    def group(self, vpc: str) -> str:
        return str(self.ec2.create_security_group(GroupName="files", Description="files", VpcId=vpc)["GroupId"])

    def system(self, **given: Any) -> str:
        return str(self.efs.create_file_system(**given)["FileSystemId"])


@pytest.fixture
def files(client: Client) -> Files:
    return Files(client)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        pytest.param({"ThroughputMode": "elastic"}, "", id="elastic"),
        pytest.param({"ThroughputMode": "elastic", "PerformanceMode": "maxIO"}, "BadRequest", id="elastic with max I/O"),
        pytest.param({"ThroughputMode": "provisioned"}, "BadRequest", id="provisioned without a throughput"),
        pytest.param({"AvailabilityZoneName": "ap-northeast-1a"}, "", id="One Zone"),
        pytest.param({"AvailabilityZoneName": "eu-west-1a"}, "BadRequest", id="a zone of another region"),
    ],
)
def test_a_file_system_is_checked(files: Files, given: dict[str, Any], code: str) -> None:
    assert code_of(lambda: files.system(**given)) == code


@pytest.mark.parametrize(
    ("address", "code"),
    [
        pytest.param("10.0.0.20", "", id="free"),
        pytest.param("10.0.1.20", "BadRequest", id="of another subnet"),
        pytest.param("10.0.0.3", "BadRequest", id="reserved"),
        pytest.param("10.0.0.9", "IpAddressInUse", id="in use"),
    ],
)
def test_a_mount_target_has_a_free_address_of_its_subnet(files: Files, address: str, code: str) -> None:
    files.ec2.create_network_interface(SubnetId=files.subnets[0], PrivateIpAddress="10.0.0.9")
    system = files.system()

    def create() -> None:
        files.efs.create_mount_target(FileSystemId=system, SubnetId=files.subnets[0], IpAddress=address)

    assert code_of(create) == code


def test_a_mount_target_has_security_groups_of_its_vpc(files: Files) -> None:
    other = files.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    system = files.system()

    def create(group: str) -> str:
        request = {"FileSystemId": system, "SubnetId": files.subnets[0], "SecurityGroups": [group]}
        return code_of(lambda: files.efs.create_mount_target(**request))

    assert create(files.group(other)) == "SecurityGroupNotFound"
    assert create(files.group(files.vpc)) == ""


def test_a_one_zone_file_system_has_a_mount_target_in_its_zone(files: Files) -> None:
    system = files.system(AvailabilityZoneName="ap-northeast-1a")

    def create(subnet: str) -> str:
        return code_of(lambda: files.efs.create_mount_target(FileSystemId=system, SubnetId=subnet))

    assert create(files.subnets[1]) == "AvailabilityZonesMismatch"
    assert create(files.subnets[0]) == ""


def test_files_are_archived_on_elastic_file_systems(files: Files) -> None:
    policies = [{"TransitionToIA": "AFTER_30_DAYS"}, {"TransitionToArchive": "AFTER_90_DAYS"}]

    def put(system: str) -> str:
        return code_of(lambda: files.efs.put_lifecycle_configuration(FileSystemId=system, LifecyclePolicies=policies))

    assert put(files.system()) == "BadRequest"
    assert put(files.system(ThroughputMode="elastic")) == ""


@pytest.mark.parametrize(
    ("action", "code"),
    [
        pytest.param("elasticfilesystem:ClientMount", "", id="an action of EFS"),
        pytest.param("s3:GetObject", "InvalidPolicyException", id="an action of S3"),
    ],
)
def test_a_policy_is_checked_by_the_table(files: Files, action: str, code: str) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": action}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    system = files.system()

    assert code_of(lambda: files.efs.put_file_system_policy(FileSystemId=system, Policy=policy)) == code


@pytest.mark.parametrize(
    ("path", "code"),
    [pytest.param("/a/b/c/d", "", id="four folders"), pytest.param("/a/b/c/d/e", "ValidationException", id="five folders")],
)
def test_an_access_point_is_checked_by_the_table(files: Files, path: str, code: str) -> None:
    system = files.system()

    assert code_of(lambda: files.efs.create_access_point(FileSystemId=system, RootDirectory={"Path": path})) == code
