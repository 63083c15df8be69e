"""Parameter types whose values must exist in the account: resources by id, and Systems Manager parameters.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from preflight.aws.unresolved import STANDIN
from preflight.model import JsonObject
from preflight.rehearsal import protocol
from preflight.rehearsal.account import Account
from preflight.rehearsal.cloudformation import parameter_store
from preflight.rehearsal.cloudformation.parameter_store import UnknownValueError
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.protocol import Refusal
from preflight.templates import parameters
from preflight.templates.intrinsic_functions import ResolveError

_EXISTING: Mapping[str, tuple[str, str, str, str]] = {
    # type: service, operation, parameter, member of the response
    "AWS::EC2::AvailabilityZone::Name": ("ec2", "describe_availability_zones", "ZoneNames", "AvailabilityZones"),
    "AWS::EC2::Instance::Id": ("ec2", "describe_instances", "InstanceIds", "Reservations"),
    "AWS::EC2::KeyPair::KeyName": ("ec2", "describe_key_pairs", "KeyNames", "KeyPairs"),
    "AWS::EC2::SecurityGroup::GroupName": ("ec2", "describe_security_groups", "GroupNames", "SecurityGroups"),
    "AWS::EC2::SecurityGroup::Id": ("ec2", "describe_security_groups", "GroupIds", "SecurityGroups"),
    "AWS::EC2::Subnet::Id": ("ec2", "describe_subnets", "SubnetIds", "Subnets"),
    "AWS::EC2::Volume::Id": ("ec2", "describe_volumes", "VolumeIds", "Volumes"),
    "AWS::EC2::VPC::Id": ("ec2", "describe_vpcs", "VpcIds", "Vpcs"),
}
_ZONE = "AWS::Route53::HostedZone::Id"
_IMAGE = "AWS::EC2::Image::Id"  # which images exist is unknown here, but not the form of their ids
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html: eight digits before 2016, seventeen since.
_IMAGE_ID = re.compile(r"ami-([0-9a-f]{8}|[0-9a-f]{17})")
_SSM_NAME = "AWS::SSM::Parameter::Name"
_SSM_VALUE = "AWS::SSM::Parameter::Value<"
_PLAIN = frozenset({"String", "Number", "CommaDelimitedList", "List<Number>", "List<String>"})
KINDS = frozenset({*_EXISTING, _ZONE, _IMAGE, _SSM_NAME})


def is_type(kind: str) -> bool:
    """Whether there is such a parameter type."""
    if kind in _PLAIN or kind in KINDS:
        return True
    if kind.startswith(_SSM_VALUE) and kind.endswith(">"):
        return is_type(kind.removeprefix(_SSM_VALUE).removesuffix(">"))
    return kind.startswith("List<") and kind.endswith(">") and kind.removeprefix("List<").removesuffix(">") in KINDS


class ParameterLookup:
    """Looks parameter values up in one account and region; the ledger receives what is assumed or unknown."""

    def __init__(self, account: Account, region: str, ledger: Ledger) -> None:
        self._account = account
        self._region = region
        self._ledger = ledger

    def resolve(self, definitions: Mapping[str, Mapping[str, Any]], values: Mapping[str, Any]) -> JsonObject:
        """Returns `values` with names of Systems Manager parameters replaced by their values.

        Raises:
            ResolveError: a value names something that does not exist.
            Refusal: the value of a public parameter is not known here.
        """
        resolved = dict(values)
        for name, parameter in definitions.items():
            kind = str(parameter.get("Type", "String"))
            if kind.startswith(_SSM_VALUE):
                resolved[name] = self._value(name, kind, values[name])
                kind = kind.removeprefix(_SSM_VALUE).removesuffix(">")
            inner = kind.removeprefix("List<").removesuffix(">")
            for value in resolved[name] if isinstance(resolved[name], list) else [resolved[name]]:
                is_stand_in = STANDIN in str(value)  # for a resource whose type is not modelled
                if value and not is_stand_in and not self._exists(inner, str(value), name):
                    msg = (
                        f"Parameter validation failed: parameter value {value} for parameter name {name} does not exist"
                    )
                    raise ResolveError(msg, ("Parameters", name))
        return resolved

    def _value(self, name: str, kind: str, value: Any) -> Any:
        text = self._stored(",".join(value) if isinstance(value, list) else str(value), name)
        if text is None:
            msg = f"Parameter {name} should either have input value or default value"
            raise ResolveError(msg, ("Parameters", name))
        return [part.strip() for part in text.split(",")] if parameters.LIST_TYPES.match(kind) else text

    def _stored(self, ssm_name: str, name: str) -> str | None:
        """Returns the value of a parameter of Systems Manager that the template's parameter `name` names, or None."""
        try:
            return parameter_store.value(ssm_name, self._account, self._region, self._ledger)
        except UnknownValueError as error:
            raise Refusal("InternalFailure", error.message, status=500) from None
        except ClientError as error:
            _check_denied(error, name)
            return None

    def _exists(self, kind: str, value: str, name: str) -> bool:
        try:
            if kind == _ZONE:
                return bool(self._account.client("route53", self._region).get_hosted_zone(Id=value))
            if kind == _SSM_NAME:
                return self._stored(value, name) is not None
            if kind == _IMAGE:
                return _IMAGE_ID.fullmatch(value) is not None
            if kind not in _EXISTING:
                return True
            service, operation, parameter, member = _EXISTING[kind]
            response = getattr(self._account.client(service, self._region), operation)(**{parameter: [value]})
            return bool(response[member])
        except ClientError as error:
            _check_denied(error, name)
            return False


def _check_denied(error: ClientError, name: str) -> None:
    """Checks that the caller was allowed to look the value up.

    Raises:
        ResolveError: the caller was not.
    """
    denied = protocol.denial(error)
    if denied is not None:
        raise ResolveError(f"Parameter validation failed: {denied}", ("Parameters", name)) from None
