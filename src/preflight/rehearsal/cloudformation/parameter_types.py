"""Parameter types whose values must exist in the account: resources by id, and Systems Manager parameters.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from preflight.model import JsonObject
from preflight.rehearsal import protocol
from preflight.rehearsal.account import Account
from preflight.rehearsal.cloudformation import public_parameters
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.protocol import Refusal
from preflight.templates import parameters
from preflight.templates.functions import ResolveError

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
# https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html: every template of the CDK requires this version.
_BOOTSTRAP = re.compile(r"/cdk-bootstrap/[a-z0-9]+/version")
BOOTSTRAP_VERSION = "30"
_ZONE = "AWS::Route53::HostedZone::Id"
_IMAGE = "AWS::EC2::Image::Id"  # which images exist is unknown here
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
        self._note = ledger.note
        self._trouble = ledger.trouble

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
                if value and not self._exists(inner, str(value), name):
                    msg = (
                        f"Parameter validation failed: parameter value {value} for parameter name {name} does not exist"
                    )
                    raise ResolveError(msg, ("Parameters", name))
        return resolved

    def _value(self, name: str, kind: str, value: Any) -> Any:
        ssm_name = ",".join(value) if isinstance(value, list) else str(value)
        try:
            response = self._account.client("ssm", self._region).get_parameter(Name=ssm_name)
        except ClientError as error:
            _check_denied(error, name)
            if _BOOTSTRAP.fullmatch(ssm_name):
                self._note(f"assumed: the account is bootstrapped for the CDK ({ssm_name})")
                return BOOTSTRAP_VERSION
            public = public_parameters.value(ssm_name, self._region)
            if public is not None:
                self._note(f"assumed: the public parameter {ssm_name} is {public}")
                return public
            if ssm_name.startswith(public_parameters.PREFIX):
                msg = f"the value of the public parameter {ssm_name} is not known here, so the stack cannot be rehearsed"
                self._trouble(f"{msg}. Next: create a parameter of that name by a step before, or pass its value")
                raise Refusal("InternalFailure", msg, status=500) from None
            msg = f"Parameter {name} should either have input value or default value"
            raise ResolveError(msg, ("Parameters", name)) from None
        text = response["Parameter"]["Value"]
        return [part.strip() for part in text.split(",")] if parameters.LIST_TYPES.match(kind) else text

    def _exists(self, kind: str, value: str, name: str) -> bool:
        try:
            if kind == _ZONE:
                return bool(self._account.client("route53", self._region).get_hosted_zone(Id=value))
            if kind == _SSM_NAME:
                return bool(self._account.client("ssm", self._region).get_parameter(Name=value))
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
