"""Alarms of CloudWatch."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.rehearsal.cloudformation.resources.declarative import ReadSpec, ResourceSpec, by, handler
from preflight.rehearsal.cloudformation.resources.handler import (
    Handler,
)

_ALARM = ResourceSpec(
    "cloudwatch",
    create="PutMetricAlarm",
    identify="AlarmName",
    delete="DeleteAlarms",
    gone=by("AlarmNames", is_list=True),
    read=ReadSpec("DescribeAlarms", by("AlarmNames", is_list=True), "MetricAlarms[0]"),
    update="PutMetricAlarm",
    named="AlarmName",
    most=255,
    attributes={"Arn": "AlarmArn"},
)


TYPES: Mapping[str, Handler] = {
    "AWS::CloudWatch::Alarm": handler(_ALARM),
}
