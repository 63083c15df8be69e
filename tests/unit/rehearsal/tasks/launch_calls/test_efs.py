from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from preflight.aws import describe_network
from preflight.aws.efs_access import Folder
from preflight.aws.iam_policy_evaluation import Policies
from preflight.aws.network import Interface
from preflight.rehearsal.cloudformation.programs import Programs
from preflight.rehearsal.containers.task_spec import FileSystem
from preflight.rehearsal.ecs.state import Cluster, Definition, Task
from preflight.rehearsal.iam.roles import Roles
from preflight.rehearsal.server import Server
from preflight.rehearsal.tasks.launch_calls import efs
from preflight.rehearsal.tasks.launch_calls.caller import ExecutionRoleCaller, LaunchFailedError
from preflight.rehearsal.tasks.launch_calls.efs_folders import EfsFolders
from tests.unit.conftest import REGION

ACTIONS = ("Mount", "Write", "RootAccess")
CREATION = {"OwnerUid": 1000, "OwnerGid": 1001, "Permissions": "0750"}
Client = Callable[..., Any]
Mount = Callable[..., FileSystem]


@pytest.fixture
def subnet(client: Client) -> dict[str, Any]:
    """A subnet of the default VPC, which has DNS hostnames."""
    return dict(client("ec2").describe_subnets()["Subnets"][0])


@pytest.fixture
def system(client: Client, subnet: dict[str, Any]) -> str:
    """A file system with a mount target in the subnet."""
    group = client("ec2").create_security_group(GroupName="nfs", Description="NFS", VpcId=subnet["VpcId"])["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    created: str = client("efs").create_file_system(CreationToken="x")["FileSystemId"]
    client("efs").create_mount_target(FileSystemId=created, SubnetId=subnet["SubnetId"], SecurityGroups=[group])
    return created


@pytest.fixture
def mount(account: Server, client: Client, subnet: dict[str, Any], system: str) -> Mount:
    """Mounts a folder of the file system by a task in the subnet."""
    cluster, definition = Cluster("c", "c", {}), Definition("f:1", {"status": "ACTIVE", "family": "f"}, [])
    task = Task("t", f"arn:aws:ecs:{REGION}:123456789012:task/c/t", REGION, cluster, definition, {"overrides": {}}, {})
    groups = client("ec2").describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])
    interface = Interface(
        subnet["VpcId"],
        subnet["SubnetId"],
        subnet["CidrBlock"].partition("/")[0],
        (groups["SecurityGroups"][0]["GroupId"],),
        has_public_address=True,
    )
    folders = EfsFolders(Programs(account.parts.cloudformation.stacks))

    def mount(root: str = "/", point: str | None = None, *, is_encrypted: bool = True, notes: bool = True) -> FileSystem:
        network = describe_network.describe_network(client("ec2"), subnet["VpcId"])
        caller = ExecutionRoleCaller(account.account, Roles(account.account), task, interface, network, Policies())
        mounted = efs.mount(caller, FileSystem(system, root, point, has_iam=False, is_encrypted=is_encrypted), folders)
        folders.mounted([mounted] if notes else [])
        return mounted

    return mount


@pytest.fixture
def create_point(client: Client, system: str) -> Callable[..., str]:
    def create(path: str, **creation: Any) -> str:
        directory = {"Path": path, **({"CreationInfo": creation} if creation else {})}
        response = client("efs").create_access_point(
            FileSystemId=system, ClientToken=path, PosixUser={"Uid": 1000, "Gid": 1001}, RootDirectory=directory
        )
        return str(response["AccessPointId"])

    return create


def allow(client: Client, system: str, *names: str, **statement: Any) -> None:
    actions = [f"elasticfilesystem:Client{name}" for name in names]
    policy = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": actions, **statement}]}
    client("efs").put_file_system_policy(FileSystemId=system, Policy=json.dumps(policy))


def test_a_new_file_system_has_its_root(mount: Mount) -> None:
    assert mount("/").folder == Folder("/", 0, 0, 0o755)


def test_a_new_file_system_has_no_other_folder(mount: Mount) -> None:
    with pytest.raises(LaunchFailedError, match=r"No such file or directory.*no folder /site"):
        mount("/site")


def test_a_folder_may_be_there_once_a_task_could_write_to_the_one_above(mount: Mount) -> None:
    mount("/")

    assert mount("/site").folder.path == "/site"


def test_volumes_of_one_task_create_no_folders_for_each_other(mount: Mount) -> None:
    mount("/", notes=False)

    with pytest.raises(LaunchFailedError, match="no folder /site"):
        mount("/site", notes=False)


def test_an_access_point_creates_its_folder(mount: Mount, create_point: Callable[..., str]) -> None:
    mounted = mount(point=create_point("/site", **CREATION))

    assert mounted.folder.uid == 1000
    assert mounted.folder.gid == 1001
    assert not mounted.is_read_only


def test_the_folder_of_an_access_point_is_there_without_it(mount: Mount, create_point: Callable[..., str]) -> None:
    mount(point=create_point("/site", **CREATION), notes=False)

    assert mount("/site").folder == Folder("/site", 1000, 1001, 0o750)


def test_an_access_point_without_creation_info_creates_no_folder(
    mount: Mount, create_point: Callable[..., str]
) -> None:
    with pytest.raises(LaunchFailedError, match=r"access denied by server.*no folder /site"):
        mount(point=create_point("/site"))


def test_the_user_of_an_access_point_may_not_write_to_the_root(mount: Mount, create_point: Callable[..., str]) -> None:
    assert mount(point=create_point("/")).is_read_only


@pytest.mark.parametrize("attribute", ["EnableDnsHostnames", "EnableDnsSupport"])
def test_a_file_system_has_no_name_in_a_vpc_without_dns(
    mount: Mount, client: Client, subnet: dict[str, Any], attribute: str
) -> None:
    client("ec2").modify_vpc_attribute(VpcId=subnet["VpcId"], **{attribute: {"Value": False}})

    with pytest.raises(LaunchFailedError, match=f"Failed to resolve.*{attribute[1:]} of the VPC is off"):
        mount()


def test_a_policy_has_to_allow_mounting(mount: Mount, client: Client, system: str) -> None:
    allow(client, system, "Write", "RootAccess")

    with pytest.raises(LaunchFailedError, match=r"access denied by server.*does not allow elasticfilesystem:ClientMount"):
        mount()


def test_a_policy_that_does_not_allow_writing_makes_the_file_system_read_only(
    mount: Mount, client: Client, system: str
) -> None:
    allow(client, system, "Mount", "RootAccess")

    assert mount().is_read_only


def test_a_policy_that_allows_everything_makes_nothing_read_only(mount: Mount, client: Client, system: str) -> None:
    allow(client, system, *ACTIONS)

    assert not mount().is_read_only


@pytest.mark.parametrize("is_encrypted", [True, False])
def test_a_policy_may_ask_for_encryption_in_transit(
    mount: Mount, client: Client, system: str, *, is_encrypted: bool
) -> None:
    allow(client, system, *ACTIONS, Condition={"Bool": {"aws:SecureTransport": "true"}})

    if is_encrypted:
        mount(is_encrypted=True)
    else:
        with pytest.raises(LaunchFailedError, match="access denied by server"):
            mount(is_encrypted=False)


def test_a_policy_may_name_an_access_point(
    mount: Mount, client: Client, system: str, create_point: Callable[..., str]
) -> None:
    point = create_point("/")
    arn = f"arn:aws:elasticfilesystem:{REGION}:123456789012:access-point/{point}"
    allow(client, system, *ACTIONS, Condition={"StringEquals": {"elasticfilesystem:AccessPointArn": arn}})

    assert mount(point=point).access_point == point
    with pytest.raises(LaunchFailedError, match="access denied by server"):
        mount()
