"""Alarms of CloudWatch."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.rehearsal.cloudformation.resources.declarative import ReadSpec, ResourceSpec, by_id, call, handler
from preflight.rehearsal.cloudformation.resources.handler import Handler

_ALARM = ResourceSpec(
    "cloudwatch",
    create="PutMetricAlarm",
    physical_id="AlarmName",
    delete=(call("DeleteAlarms", by_id("AlarmNames", is_list=True)),),
    reads=(ReadSpec("DescribeAlarms", by_id("AlarmNames", is_list=True), "MetricAlarms[0]"),),
    update=("PutMetricAlarm",),
    name="AlarmName",
    max_length=255,
    attributes={"Arn": "AlarmArn"},
)


TYPES: Mapping[str, Handler] = {"AWS::CloudWatch::Alarm": handler(_ALARM)}
