"""Every resource type that is modelled, with its handler."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.rehearsal.cloudformation.resources import (
    acm,
    application_autoscaling,
    awslambda,
    cloudwatch,
    developer_tools,
    dynamodb,
    ec2_addresses,
    ec2_dhcp,
    ec2_gateways,
    ec2_interfaces,
    ec2_key_pairs,
    ec2_network,
    ec2_security,
    ecr,
    ecs,
    efs,
    elbv2,
    events,
    iam_policies,
    iam_roles,
    kms,
    logs,
    route53,
    s3,
    secretsmanager,
    servicediscovery,
    sns,
    sqs,
    ssm,
)
from preflight.rehearsal.cloudformation.resources.handler import Handler

FILES = (
    *(s3, ec2_network, ec2_addresses, ec2_dhcp, ec2_interfaces, ec2_key_pairs, ec2_security, ec2_gateways, ecr, ecs, elbv2, efs, dynamodb, awslambda),
    *(iam_roles, iam_policies, kms, acm, logs, sns, sqs, events, route53, servicediscovery),
    *(application_autoscaling, cloudwatch, ssm, secretsmanager, developer_tools),
)


def types() -> Mapping[str, Handler]:
    """Returns the handlers by resource type, without that of nested stacks."""
    return {kind: handler for file in FILES for kind, handler in file.TYPES.items()}
