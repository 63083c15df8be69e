"""Queues of SQS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.declarative import tagged
from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
)

_QUEUE = {
    "ContentBasedDeduplication",
    "DelaySeconds",
    "FifoQueue",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
}


def _create_queue(place: HandlerContext, given: Properties) -> CreatedResource:
    tail = ".fifo" if given.get("FifoQueue") else ""
    name = given.get("QueueName") or place.name(most=75) + tail
    asked = {"QueueName": name, "Attributes": _attributes(place, given, _QUEUE), "Tags": given.get("Tags")}
    url = place.ask("sqs", "CreateQueue", **_lower(tagged(place, "sqs", "CreateQueue", asked)))["QueueUrl"]
    for key in given:
        place.note(key, "stored" if key in {"QueueName", "Tags", *_QUEUE} else "ignored")
    return _queue(place, url)


def _lower(asked: dict[str, Any]) -> dict[str, Any]:
    """SQS spells the tags of CreateQueue in lower case."""
    return {{"Tags": "tags"}.get(key, key): value for key, value in asked.items()}


def _queue(place: HandlerContext, url: str) -> CreatedResource:
    arn = place.ask("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return CreatedResource(url, {"Arn": arn, "QueueName": arn.rpartition(":")[2], "QueueUrl": url})


def _update_queue(place: HandlerContext, url: str, _old: Properties, new: Properties) -> CreatedResource:
    attributes = _attributes(place, new, _QUEUE - {"FifoQueue"})
    if attributes:
        place.ask("sqs", "SetQueueAttributes", QueueUrl=url, Attributes=attributes)
    return _queue(place, url)


def _delete_queue(place: HandlerContext, url: str, _given: Properties) -> None:
    place.ask("sqs", "DeleteQueue", QueueUrl=url)


def _read_queue(place: HandlerContext, url: str, _given: Properties) -> dict[str, Any]:
    kept = place.ask("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])["Attributes"]
    tags = place.ask("sqs", "ListQueueTags", QueueUrl=url).get("Tags", {})
    return {**kept, "QueueName": url.rpartition("/")[2], "Tags": tags}


def _attributes(place: HandlerContext, given: Properties, names: set[str]) -> dict[str, str]:
    for name in names & set(given):
        place.note(name, "stored")
    return {name: _text(given[name]) for name in sorted(names & set(given))}


def _text(value: Any) -> str:
    return json.dumps(value, default=str) if isinstance(value, dict | list | bool) else str(value)


TYPES: Mapping[str, Handler] = {
    "AWS::SQS::Queue": Handler(
        _create_queue,
        _delete_queue,
        _update_queue,
        _read_queue,
    ),
}
