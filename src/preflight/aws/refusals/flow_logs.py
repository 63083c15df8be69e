"""What EC2 refuses of flow logs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from preflight.aws.constraints import (
    Constraint,
    Predicate,
    equal,
    every,
    has,
    lacks,
    listed_or_misspelt,
    matches,
    needs,
    no,
    not_misspelt,
    one_of,
    unequal,
    value,
    without,
)

SERVICE = "ec2"
_LOG = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html"
_RECORDS = "https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html"
_TRANSIT = ("TransitGateway", "TransitGatewayAttachment")
_OF_VPC = ("VPC", "Subnet", "NetworkInterface")
_FIELDS = (
    *("version", "account-id", "interface-id", "interface-type", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets"),
    *("bytes", "start", "end", "action", "log-status", "vpc-id", "subnet-id", "instance-id", "tcp-flags", "type", "region", "az-id"),
    *("sublocation-type", "sublocation-id", "flow-direction", "traffic-path", "reject-reason", "resource-id", "encryption-status"),
)
_FIELD = re.compile(r"\$\{([^${}]*)\}")
_FAMILIES = re.compile(r"(ecs|pkt|next-hop)-[a-z-]+|(instance|interface|asg)-tag(-\d+)?")


def _of_format(predicate: Predicate) -> Predicate:
    """Every field of a format is of a family, or as the predicate says; the examples are fields."""

    def fits(text: Any) -> bool:
        return all(_FAMILIES.fullmatch(field) or predicate.fits(field) for field in _FIELD.findall(str(text)))

    def written(fields: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"${{ecs-task-arn}}${{{field}}}" for field in fields)

    return Predicate(fits, (*written(predicate.taken), "no field"), written(predicate.refused))


_TO_LOGS = equal("LogDestinationType", "cloud-watch-logs", default="cloud-watch-logs")
_ARNS = (("s3", "s3"), ("cloud-watch-logs", "logs"), ("kinesis-data-firehose", "firehose"))

_LOG_ROWS = (
    Constraint(
        value("MaxAggregationInterval", one_of(60, 600)),
        "InvalidParameter",
        "Invalid Flow Log Max Aggregation Interval",
        _LOG,
        cure="Set MaxAggregationInterval to 60 or 600.",
    ),
    Constraint(
        value("MaxAggregationInterval", one_of(60)),
        "InvalidParameter",
        "The aggregation interval of a transit gateway's flow log must be 60 seconds.",
        _LOG,
        where=equal("ResourceType", *_TRANSIT),
    ),
    Constraint(
        value("LogDestinationType", one_of(*(kind for kind, _service in _ARNS))),
        "InvalidParameter",
        "Value ({value}) for parameter LogDestinationType is invalid.",
        _LOG,
    ),
    Constraint(
        needs("LogDestination"),
        "InvalidParameter",
        "LogDestination can't be empty if LogGroupName is not provided.",
        _LOG,
        when=without("LogGroupName"),
    ),
    Constraint(
        lacks("LogGroupName"),
        "InvalidParameter",
        "LogDestinationType must be cloud-watch-logs if LogGroupName is provided.",
        _LOG,
        when=unequal("LogDestinationType", "cloud-watch-logs", default="cloud-watch-logs", example="s3"),
    ),
    Constraint(
        lacks("LogDestination"),
        "InvalidParameter",
        "Please only provide LogGroupName or only provide LogDestination.",
        _LOG,
        when=every(has("LogGroupName"), _TO_LOGS),
    ),
    Constraint(
        needs("DeliverLogsPermissionArn"),
        "InvalidParameter",
        "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs.",
        _LOG,
        when=_TO_LOGS,
    ),
    Constraint(
        lacks("DeliverLogsPermissionArn"),
        "InvalidParameter",
        "DeliverLogsPermissionArn is not applicable for s3 delivery.",
        _LOG,
        when=equal("LogDestinationType", "s3"),
    ),
    *(
        Constraint(
            value(
                "LogDestination",
                matches(rf"arn:[a-z-]+:{service}:.+", taken=(f"arn:aws:{service}:::x",), refused=("x", "arn:aws:sns:::x")),
            ),
            "InvalidParameter",
            f"LogDestination must be the ARN of {service} if LogDestinationType is {kind}.",
            _LOG,
            when=equal("LogDestinationType", kind, default="cloud-watch-logs"),
        )
        for kind, service in _ARNS
    ),
    Constraint(
        value("LogDestination", no(matches(r".+?/AWSLogs(/.*)?", taken=("arn:aws:s3:::a/AWSLogs/",), refused=("arn:aws:s3:::a/b/",)))),
        "InvalidParameter",
        "LogDestination cannot contain AWSLogs as a subfolder, which is a reserved term.",
        _LOG,
        when=equal("LogDestinationType", "s3"),
    ),
    Constraint(
        needs("TrafficType"),
        "MissingParameter",
        "The request must contain the parameter TrafficType",
        _LOG,
        when=equal("ResourceType", *_OF_VPC),
    ),
    Constraint(
        lacks("TrafficType"),
        "InvalidParameter",
        "TrafficType is not supported for transit gateways.",
        _LOG,
        when=equal("ResourceType", *_TRANSIT),
    ),
    Constraint(
        value("TrafficType", one_of("ACCEPT", "ALL", "REJECT")),
        "InvalidParameter",
        "Value ({value}) for parameter TrafficType is invalid.",
        _LOG,
    ),
    Constraint(
        value("LogFormat", matches(r"\s*\$\{[a-z0-9-]+\}(\s+\$\{[a-z0-9-]+\})*\s*", taken=("${srcaddr} ${dstaddr}",), refused=("", "srcaddr"))),
        "InvalidParameter",
        "The log format lists fields as ${field-id}, separated by spaces.",
        _LOG,
    ),
    Constraint(
        value("LogFormat", _of_format(not_misspelt(*_FIELDS))),
        "InvalidParameter",
        "Unknown fields provided in the log format: {value}",
        _RECORDS,
        when=equal("ResourceType", *_OF_VPC),
    ),
    Constraint(
        value("LogFormat", _of_format(listed_or_misspelt(*_FIELDS))),
        "InvalidParameter",
        "The log format has fields that are not on the page: {value}",
        _RECORDS,
        when=equal("ResourceType", *_OF_VPC),
        is_certain=False,
    ),
    Constraint(
        value("DestinationOptions.FileFormat", one_of("plain-text", "parquet")),
        "InvalidParameter",
        "Value ({value}) for parameter FileFormat is invalid.",
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DestinationOptionsRequest.html",
    ),
)

TYPES: Mapping[str, tuple[Constraint, ...]] = {"AWS::EC2::FlowLog": _LOG_ROWS}
OPERATIONS: Mapping[str, str] = {"CreateFlowLogs": "AWS::EC2::FlowLog"}
