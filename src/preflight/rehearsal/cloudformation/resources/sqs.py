"""Queues of SQS: stored, no message is delivered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Request, Response
from preflight.rehearsal.cloudformation.resources.declarative import (
    CallSpec,
    Change,
    ReadSpec,
    ResourceSpec,
    after_last,
    as_text,
    by_id,
    call,
    handler,
    texts,
)
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler

_TEXTS = (
    "ContentBasedDeduplication", "DelaySeconds", "FifoQueue", "KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId",
    "MaximumMessageSize", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds", "RedrivePolicy",
    "SqsManagedSseEnabled", "VisibilityTimeout",
)
_CHANGEABLE = tuple(name for name in _TEXTS if name != "FifoQueue")


# What an attribute goes back to when a template no longer sets it:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html.
_DEFAULTS = {
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "VisibilityTimeout": "30",
}


def _set_attributes(change: Change) -> Iterator[Request]:
    removed = {name: _DEFAULTS[name] for name in _DEFAULTS.keys() & change.old.keys() - change.new.keys()}
    attributes = {**removed, **texts(change.new, _CHANGEABLE)}
    if attributes:
        yield {"QueueUrl": change.physical_id, "Attributes": attributes}


_QUEUE = ResourceSpec(
    "sqs",
    create="CreateQueue",
    physical_id="QueueUrl",
    delete=(call("DeleteQueue", by_id("QueueUrl")),),
    reads=(
        ReadSpec(
            "GetQueueAttributes",
            lambda url, _properties: {"QueueUrl": url, "AttributeNames": ["All"]},
            "Attributes",
            {"QueueName": after_last("/")},
        ),
        ReadSpec("ListQueueTags", by_id("QueueUrl"), "{Tags: Tags}"),
    ),
    update=(CallSpec("SetQueueAttributes", _set_attributes, _CHANGEABLE),),
    name="QueueName",
    max_length=75,
    name_suffix=lambda properties: ".fifo" if properties.get("FifoQueue") else "",
    texts=_TEXTS,
    attributes={"Arn": "QueueArn", "QueueName": after_last("/"), "QueueUrl": str},
    stored=("QueueName", "Tags", *_TEXTS),
)


def _put_policy(context: HandlerContext, properties: Properties) -> CreatedResource:
    policy = as_text(properties["PolicyDocument"])
    for url in properties["Queues"]:
        context.call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": policy})
    context.record_stored(properties)
    return CreatedResource(context.generate_name(), {"Id": context.logical_id})


def _update_policy(context: HandlerContext, physical_id: str, old: Properties, new: Properties) -> CreatedResource:
    _remove_policy(context, {"Queues": [url for url in old["Queues"] if url not in new["Queues"]]})
    return CreatedResource(physical_id, _put_policy(context, new).attributes)


def _remove_policy(context: HandlerContext, properties: Properties) -> None:
    for url in properties["Queues"]:
        context.call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": ""})


def _read_policy(context: HandlerContext, _id: str, properties: Properties) -> Response:
    policies = [
        context.call("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["Policy"]).get("Attributes") or {}
        for url in properties["Queues"]
    ]
    return {"Queues": properties["Queues"], "PolicyDocument": policies[0].get("Policy") if policies else None}


TYPES: Mapping[str, Handler] = {
    "AWS::SQS::Queue": handler(_QUEUE),
    "AWS::SQS::QueuePolicy": Handler(
        _put_policy, lambda context, _id, properties: _remove_policy(context, properties), _update_policy, _read_policy
    ),
}
