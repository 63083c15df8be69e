"""What EFS refuses of file systems, mount targets and access points."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.aws.constraints import (
    Constraint,
    between,
    count,
    each,
    equal,
    has,
    lacks,
    length,
    matches,
    needs,
    no,
    one_of,
    unequal,
    unique,
    value,
)
from preflight.aws.refusals import efs_lifecycle, json_documents
from preflight.aws.refusals.iam_policy_conditions import CONDITION_RULES
from preflight.aws.refusals.iam_policy_documents import SYNTAX_RULES, of_statements, wrong_texts
from preflight.aws.refusals.iam_policy_principals import PRINCIPAL_RULES

SERVICE = "elasticfilesystem"
_GUIDE = "https://docs.aws.amazon.com/efs/latest/ug"
_CREATE = f"{_GUIDE}/API_CreateFileSystem.html"
_TARGET = f"{_GUIDE}/API_CreateMountTarget.html"
_POINT = f"{_GUIDE}/API_CreateAccessPoint.html"
_USER = f"{_GUIDE}/API_PosixUser.html"
_ROOT = f"{_GUIDE}/API_RootDirectory.html"
_CREATION = f"{_GUIDE}/API_CreationInfo.html"
_POLICY = f"{_GUIDE}/API_PutFileSystemPolicy.html"
_IDS = between(0, 4294967295)
_INVALID = "Value '{value}' at '%s' failed to satisfy constraint: %s"
_RANGE = "Member must have value from 0 to 4294967295"
_IS_MAX_IO = equal("PerformanceMode", "maxIO")
_ACTIONS = of_statements(
    wrong_texts(lambda text: text == "*" or text.lower().startswith("elasticfilesystem:"), "Action", "NotAction"),
    "Policy is invalid",
    f"{_GUIDE}/iam-access-control-nfs-efs.html",
    right=({"Action": ["elasticfilesystem:ClientMount", "*"]},),
    wrong=({"Action": "s3:GetObject"},),
)

_FILE_SYSTEM_ROWS = (
    Constraint(
        value("PerformanceMode", one_of("generalPurpose", "maxIO")),
        "ValidationException",
        _INVALID % ("performanceMode", "Member must satisfy enum value set: [generalPurpose, maxIO]"),
        _CREATE,
    ),
    Constraint(
        value("ThroughputMode", one_of("bursting", "provisioned", "elastic")),
        "ValidationException",
        _INVALID % ("throughputMode", "Member must satisfy enum value set: [bursting, provisioned, elastic]"),
        _CREATE,
    ),
    Constraint(
        needs("ProvisionedThroughputInMibps"),
        "BadRequest",
        "You must specify the ProvisionedThroughputInMibps parameter when ThroughputMode is provisioned",
        _CREATE,
        when=equal("ThroughputMode", "provisioned"),
    ),
    Constraint(
        lacks("ProvisionedThroughputInMibps"),
        "BadRequest",
        "Provisioned throughput can only be set when ThroughputMode is provisioned",
        _CREATE,
        when=unequal("ThroughputMode", "provisioned", default="bursting"),
        cure="Set ThroughputMode to provisioned, or remove ProvisionedThroughputInMibps.",
    ),
    Constraint(
        value("ProvisionedThroughputInMibps", between(1, 10**6)),
        "ValidationException",
        _INVALID % ("provisionedThroughputInMibps", "Member must have value greater than or equal to 1"),
        _CREATE,
    ),
    Constraint(
        value("ThroughputMode", no(one_of("elastic"))),
        "BadRequest",
        "Elastic throughput is not supported for the Max I/O performance mode",
        f"{_GUIDE}/performance.html",
        where=_IS_MAX_IO,
        cure="Remove PerformanceMode, or choose another ThroughputMode.",
    ),
    Constraint(
        lacks("AvailabilityZoneName"),
        "BadRequest",
        "The maxIO performance mode is not supported on One Zone file systems",
        _CREATE,
        when=_IS_MAX_IO,
    ),
    Constraint(
        lacks("KmsKeyId"),
        "BadRequest",
        "If KmsKeyId is specified, Encrypted must be true",
        _CREATE,
        when=unequal("Encrypted", "true", default="false", example="false"),
        cure="Set Encrypted to true, or remove KmsKeyId.",
    ),
    Constraint(
        value("BackupPolicy.Status", one_of("ENABLED", "DISABLED", "ENABLING", "DISABLING")),
        "ValidationException",
        _INVALID % ("backupPolicy.status", "Member must satisfy enum value set: [ENABLED, DISABLED]"),
        f"{_GUIDE}/API_BackupPolicy.html",
    ),
    *efs_lifecycle.ROWS,
    Constraint(
        json_documents.text_of_json("FileSystemPolicy"), "InvalidPolicyException", "Policy is not valid JSON", _POLICY
    ),
    *json_documents.rows(
        (*SYNTAX_RULES, _ACTIONS, *CONDITION_RULES, *PRINCIPAL_RULES), "FileSystemPolicy", code="InvalidPolicyException"
    ),
)
_TARGET_ROWS = (
    Constraint(
        count("SecurityGroups", 0, 100),
        "SecurityGroupLimitExceeded",
        "The maximum number of security groups per interface has been reached.",
        _TARGET,
    ),
    Constraint(unique("SecurityGroups"), "BadRequest", "The security group {value} is specified more than once", _TARGET),
    Constraint(
        value("IpAddressType", one_of("IPV4_ONLY", "IPV6_ONLY", "DUAL_STACK")),
        "ValidationException",
        _INVALID % ("ipAddressType", "Member must satisfy enum value set: [IPV4_ONLY, IPV6_ONLY, DUAL_STACK]"),
        _TARGET,
    ),
    Constraint(
        lacks("IpAddress"),
        "BadRequest",
        "An IPv4 address cannot be specified for a mount target with IPv6 only",
        _TARGET,
        when=equal("IpAddressType", "IPV6_ONLY"),
    ),
    Constraint(
        lacks("Ipv6Address"),
        "BadRequest",
        "An IPv6 address cannot be specified for a mount target with IPv4 only",
        _TARGET,
        when=equal("IpAddressType", "IPV4_ONLY", default="IPV4_ONLY"),
        cure="Set IpAddressType to DUAL_STACK or IPV6_ONLY, or remove Ipv6Address.",
    ),
    Constraint(
        value("IpAddress", matches(r"\d{1,3}(\.\d{1,3}){3}", taken=("10.0.0.9",), refused=("10.0.0.0/24", "::1"))),
        "ValidationException",
        _INVALID % ("ipAddress", "Member must be an IPv4 address"),
        _TARGET,
    ),
)
_PATH = r"/|(/(?!\.)[^$#<>;`|&?{}^*/\n]+){1,4}"
_POINT_ROWS = (
    *(
        Constraint(value(name, _IDS), "ValidationException", _INVALID % (name, _RANGE), page)
        for names, page in (
            (("PosixUser.Uid", "PosixUser.Gid"), _USER),
            (("RootDirectory.CreationInfo.OwnerUid", "RootDirectory.CreationInfo.OwnerGid"), _CREATION),
        )
        for name in names
    ),
    Constraint(
        needs("PosixUser.Uid", "PosixUser.Gid"),
        "ValidationException",
        "A PosixUser needs both Uid and Gid",
        _USER,
        when=has("PosixUser"),
    ),
    Constraint(each("PosixUser.SecondaryGids", _IDS), "ValidationException", _INVALID % ("posixUser.secondaryGids", _RANGE), _USER),
    Constraint(
        count("PosixUser.SecondaryGids", 0, 16),
        "ValidationException",
        "Value at 'posixUser.secondaryGids' failed to satisfy constraint: Member must have length less than or equal to 16",
        _USER,
    ),
    Constraint(
        needs(*(f"RootDirectory.CreationInfo.{name}" for name in ("OwnerUid", "OwnerGid", "Permissions"))),
        "ValidationException",
        "CreationInfo needs OwnerUid, OwnerGid and Permissions",
        _CREATION,
        when=has("RootDirectory.CreationInfo"),
    ),
    Constraint(
        value("RootDirectory.CreationInfo.Permissions", matches("[0-7]{3,4}", taken=("755", "0755"), refused=("rwx", "0789", "75", "00755"))),
        "ValidationException",
        _INVALID % ("rootDirectory.creationInfo.permissions", "Member must satisfy regular expression pattern: ^[0-7]{3,4}$"),
        _CREATION,
    ),
    Constraint(
        value("RootDirectory.Path", length(1, 100)),
        "ValidationException",
        _INVALID % ("rootDirectory.path", "Member must have length from 1 to 100"),
        _ROOT,
    ),
    Constraint(
        value(
            "RootDirectory.Path",
            matches(_PATH, taken=("/", "/a/b/c/d", "/a b"), refused=("a", "/a/b/c/d/e", "/a/", "/a//b", "/.a", "/a*", "/${a}")),
        ),
        "ValidationException",
        _INVALID % ("rootDirectory.path", "Member must be a path of up to four folders, none of which has a character of $#<>;`|&?{}^*"),
        _ROOT,
    ),
    Constraint(
        value("ClientToken", length(1, 64)),
        "ValidationException",
        _INVALID % ("clientToken", "Member must have length from 1 to 64"),
        _POINT,
    ),
)

TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::EFS::FileSystem": _FILE_SYSTEM_ROWS,
    "AWS::EFS::MountTarget": _TARGET_ROWS,
    "AWS::EFS::AccessPoint": _POINT_ROWS,
}
OPERATIONS: Mapping[str, str] = {
    "CreateFileSystem": "AWS::EFS::FileSystem",
    "CreateMountTarget": "AWS::EFS::MountTarget",
    "CreateAccessPoint": "AWS::EFS::AccessPoint",
}
