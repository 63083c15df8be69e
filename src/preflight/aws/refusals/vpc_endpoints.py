"""What EC2 refuses of VPC endpoints, by their kind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws import spelling, unresolved
from preflight.aws.constraints import (
    Constraint,
    Fault,
    Object,
    Predicate,
    Test,
    count,
    equal,
    items,
    lacks,
    matches,
    needs,
    no,
    one_of,
    unequal,
    value,
)
from preflight.aws.refusals import json_documents
from preflight.aws.refusals.iam_policy_conditions import CONDITION_RULES
from preflight.aws.refusals.iam_policy_documents import SYNTAX_RULES
from preflight.aws.refusals.iam_policy_principals import PRINCIPAL_RULES

SERVICE = "ec2"
_ENDPOINT = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html"
_POLICIES = "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html"
_SERVICES = "https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html"
_REGION = r"[a-z]{2}(-[a-z]+)+-\d"
_SERVICE_NAME = (
    rf"(cn\.)?com\.amazonaws\.({_REGION}|vpce\.{_REGION}|s3-global)(\.[\w-]+)+"
    rf"|com\.amazonaws\.(?!{_REGION}$)[a-z0-9-]+"  # of a global service
    rf"|(aws\.[a-z-]+|api\.aws)\.{_REGION}(\.[\w-]+)+"
)
# No other service has a name that differs by one letter from one of these.
_FREQUENT = (
    *("dynamodb", "ec2messages", "ecr.api", "ecr.dkr", "ecs-agent", "ecs-telemetry", "elasticfilesystem", "elasticloadbalancing"),
    *("events", "execute-api", "logs", "monitoring", "scheduler", "secretsmanager", "servicediscovery", "ssmmessages", "states"),
)
_IS_GATEWAY = equal("VpcEndpointType", "Gateway", default="Gateway")
_IS_NO_GATEWAY = unequal("VpcEndpointType", "Gateway", default="Gateway", example="Interface")
_IS_INTERFACE = equal("VpcEndpointType", "Interface")
_IS_NO_INTERFACE = unequal("VpcEndpointType", "Interface", default="Gateway", example="Gateway")
_IS_BALANCER = equal("VpcEndpointType", "GatewayLoadBalancer")
_NO_SERVICE = "InvalidServiceName"
_OF_SERVICES = ("Gateway", "Interface", "GatewayLoadBalancer")


def _is_there(item: Any) -> bool:
    """Whether an item of a list is there: a value, or a reference, which is no AWS::NoValue."""
    return not unresolved.is_function(item) or not isinstance(item, dict) or ("Fn::If" not in item and item.get("Ref") != "AWS::NoValue")


def _empty(name: str) -> Test:
    def faults(part: Object) -> Iterator[Fault]:
        if any(map(_is_there, items(part, name))):
            yield Fault((name,))

    return Test(faults, ({}, {name: []}, {name: [{"Ref": "AWS::NoValue"}]}), ({name: ["a"]}, {name: [{"Ref": "A"}]}))


_ENDPOINT_ROWS = (
    *(
        Constraint(
            needs("ServiceName"),
            "MissingParameter",
            "The request must contain the parameter ServiceName",
            _ENDPOINT,
            when=equal("VpcEndpointType", kind, default="Gateway"),
        )
        for kind in _OF_SERVICES
    ),
    Constraint(
        value(
            "ServiceName",
            matches(
                _SERVICE_NAME,
                taken=(
                    "com.amazonaws.eu-west-1.ecr.api", "com.amazonaws.us-gov-west-1.s3",
                    "com.amazonaws.vpce.eu-west-1.vpce-svc-0e123abc123198abc", "com.amazonaws.s3-global.accesspoint",
                    "com.amazonaws.iam", "cn.com.amazonaws.cn-north-1.ecr.dkr", "aws.api.us-east-1.qbusiness",
                    "aws.sagemaker.eu-west-1.notebook", "api.aws.us-east-1.cassandra-streams",
                ),
                refused=("ecr.api", "com.amazon.eu-west-1.s3", "com.amazonaws.ecr.api.eu-west-1", "com.amazonaws.eu-west-1", "com.amazonaws.eu-west.logs"),
            ),
        ),
        _NO_SERVICE,
        "The Vpc Endpoint Service '{value}' does not exist",
        _SERVICES,
        cure="Name it as the page lists it, such as com.amazonaws.eu-west-1.logs.",
    ),
    Constraint(
        value(
            "ServiceName",
            Predicate(
                lambda name: not spelling.is_misspelt(re.sub(rf"^(cn\.)?com\.amazonaws\.{_REGION}\.", "", str(name)), _FREQUENT),
                ("com.amazonaws.eu-west-1.logs", "com.amazonaws.eu-west-1.events"),
                ("com.amazonaws.eu-west-1.log", "com.amazonaws.eu-west-1.ecs-agents", "com.amazonaws.eu-west-1.secretmanager"),
            ),
        ),
        _NO_SERVICE,
        "The Vpc Endpoint Service '{value}' does not exist",
        _SERVICES,
        cure="Name it as the page lists it.",
    ),
    Constraint(
        value(
            "ServiceName",
            no(matches(rf"(cn\.)?com\.amazonaws\.{_REGION}\.ecr", taken=("com.amazonaws.eu-west-1.ecr",), refused=("com.amazonaws.eu-west-1.ecr.api",))),
        ),
        _NO_SERVICE,
        "The Vpc Endpoint Service '{value}' does not exist",
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html",
        cure="ECR has two, which a task on Fargate needs both: ecr.api and ecr.dkr.",
    ),
    Constraint(
        needs("ResourceConfigurationArn"),
        "MissingParameter",
        "The request must contain the parameter ResourceConfigurationArn",
        _ENDPOINT,
        when=equal("VpcEndpointType", "Resource"),
    ),
    Constraint(
        needs("ServiceNetworkArn"),
        "MissingParameter",
        "The request must contain the parameter ServiceNetworkArn",
        _ENDPOINT,
        when=equal("VpcEndpointType", "ServiceNetwork"),
    ),
    Constraint(
        value("ServiceName", matches(r".*\.(s3|dynamodb|s3express)", taken=("com.amazonaws.eu-west-1.s3",), refused=("com.amazonaws.eu-west-1.ecr.api",))),
        "InvalidParameter",
        "Vpc Endpoint type (Gateway) does not match available service types ([Interface]) of {value}.",
        _ENDPOINT,
        when=_IS_GATEWAY,
        cure="Set VpcEndpointType to Interface.",
    ),
    Constraint(
        _empty("SubnetIds"),
        "InvalidParameter",
        "Subnet IDs are only supported for Interface and GatewayLoadBalancer type VPC Endpoints.",
        _ENDPOINT,
        when=_IS_GATEWAY,
        cure="Remove SubnetIds, or set VpcEndpointType to Interface.",
    ),
    *(
        Constraint(
            _empty("SecurityGroupIds"),
            "InvalidParameter",
            "Security group IDs are only supported for Interface type VPC Endpoint.",
            _ENDPOINT,
            when=condition,
            cure="Remove SecurityGroupIds, or set VpcEndpointType to Interface.",
        )
        for condition in (_IS_GATEWAY, _IS_BALANCER)
    ),
    Constraint(
        _empty("RouteTableIds"),
        "InvalidParameter",
        "Route table IDs are only supported for Gateway type VPC Endpoint.",
        _ENDPOINT,
        when=_IS_NO_GATEWAY,
        cure="Remove RouteTableIds, or set VpcEndpointType to Gateway.",
    ),
    *(
        Constraint(
            value("PrivateDnsEnabled", no(one_of("true"))),
            "InvalidParameter",
            "Private DNS is only supported for Interface type VPC Endpoint.",
            _ENDPOINT,
            when=condition,
            cure="Remove PrivateDnsEnabled.",
        )
        for condition in (_IS_GATEWAY, _IS_BALANCER)
    ),
    Constraint(
        count("SubnetIds", 0, 1),
        "InvalidParameter",
        "A Gateway Load Balancer endpoint has one subnet only.",
        _ENDPOINT,
        when=_IS_BALANCER,
    ),
    Constraint(
        lacks("PolicyDocument"),
        "InvalidParameter",
        "Endpoint policies are not supported for GatewayLoadBalancer type VPC Endpoint.",
        _POLICIES,
        when=_IS_BALANCER,
    ),
    Constraint(
        lacks("ServiceRegion"),
        "InvalidParameter",
        "Cross-region connectivity is only supported for Interface type VPC endpoints.",
        _ENDPOINT,
        when=_IS_NO_INTERFACE,
    ),
    Constraint(
        json_documents.text_of_json("PolicyDocument"), "InvalidPolicyDocument", "This policy contains invalid Json", _ENDPOINT
    ),
    *json_documents.rows(
        (*SYNTAX_RULES, *CONDITION_RULES, *PRINCIPAL_RULES),
        "PolicyDocument",
        code="InvalidPolicyDocument",
        sentence="Invalid policy document. Please check the policy syntax and ensure that Principals are valid.",
    ),
    Constraint(
        value("IpAddressType", one_of("ipv4", "dualstack", "ipv6", "not-specified")),
        "InvalidParameter",
        "Value ({value}) for parameter IpAddressType is invalid.",
        _ENDPOINT,
    ),
    Constraint(
        value("DnsOptions.DnsRecordIpType", one_of("ipv4", "dualstack", "ipv6", "service-defined", "not-specified")),
        "InvalidParameter",
        "Value ({value}) for parameter DnsRecordIpType is invalid.",
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DnsOptionsSpecification.html",
        when=_IS_INTERFACE,
    ),
)

TYPES: Mapping[str, tuple[Constraint, ...]] = {"AWS::EC2::VPCEndpoint": _ENDPOINT_ROWS}
OPERATIONS: Mapping[str, str] = {"CreateVpcEndpoint": "AWS::EC2::VPCEndpoint"}
