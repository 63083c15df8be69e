"""Topics, queues and event rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.declarative import ReadSpec, ResourceSpec, by, handler, tagged
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler, HandlerContext, Properties

_TOPIC = {"DisplayName", "KmsMasterKeyId", "FifoTopic", "ContentBasedDeduplication", "SignatureVersion"}


def _create_topic(place: HandlerContext, given: Properties) -> CreatedResource:
    tail = ".fifo" if given.get("FifoTopic") else ""
    name = given.get("TopicName") or place.name(most=200) + tail
    attributes = _attributes(place, given, _TOPIC)
    asked = tagged(place, "sns", "CreateTopic", {"Name": name, "Attributes": attributes, "Tags": given.get("Tags")})
    arn = place.ask("sns", "CreateTopic", **asked)["TopicArn"]
    place.identify(arn)
    for subscription in given.get("Subscription") or []:
        place.call("sns", "Subscribe", {"TopicArn": arn, **subscription})
    for key in given:
        place.note(key, "stored" if key in {"TopicName", "Subscription", "Tags", *_TOPIC} else "ignored")
    return CreatedResource(arn, {"TopicArn": arn, "TopicName": name})


def _attributes(place: HandlerContext, given: Properties, names: set[str]) -> dict[str, str]:
    for name in names & set(given):
        place.note(name, "stored")
    return {name: _text(given[name]) for name in sorted(names & set(given))}


def _text(value: Any) -> str:
    return json.dumps(value, default=str) if isinstance(value, dict | list | bool) else str(value)


def _update_topic(place: HandlerContext, arn: str, _old: Properties, new: Properties) -> CreatedResource:
    for name, value in _attributes(place, new, _TOPIC - {"FifoTopic"}).items():
        place.ask("sns", "SetTopicAttributes", TopicArn=arn, AttributeName=name, AttributeValue=value)
    return CreatedResource(arn, {"TopicArn": arn, "TopicName": arn.rpartition(":")[2]})


def _delete_topic(place: HandlerContext, arn: str, _given: Properties) -> None:
    for found in place.ask("sns", "ListSubscriptionsByTopic", TopicArn=arn)["Subscriptions"]:
        place.ask("sns", "Unsubscribe", SubscriptionArn=found["SubscriptionArn"])
    place.ask("sns", "DeleteTopic", TopicArn=arn)


def _read_topic(place: HandlerContext, arn: str, _given: Properties) -> dict[str, Any]:
    subscriptions = place.ask("sns", "ListSubscriptionsByTopic", TopicArn=arn)["Subscriptions"]
    return {
        **place.ask("sns", "GetTopicAttributes", TopicArn=arn)["Attributes"],
        "TopicName": arn.rpartition(":")[2],
        "Subscription": subscriptions,
        "Tags": place.ask("sns", "ListTagsForResource", ResourceArn=arn)["Tags"],
    }


def _put_topic_policy(place: HandlerContext, given: Properties) -> CreatedResource:
    for arn in given["Topics"]:
        policy = _text(given["PolicyDocument"])
        place.ask("sns", "SetTopicAttributes", TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    for key in given:
        place.note(key, "stored")
    return CreatedResource(place.name(), {"Id": place.logical})


def _read_topic_policy(place: HandlerContext, _id: str, given: Properties) -> dict[str, Any]:
    kept = [place.ask("sns", "GetTopicAttributes", TopicArn=arn)["Attributes"] for arn in given["Topics"]]
    return {"Topics": [topic["TopicArn"] for topic in kept], "PolicyDocument": kept[0].get("Policy")}


_SUBSCRIPTION = {"FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy", "DeliveryPolicy"}


def _subscribe(place: HandlerContext, given: Properties) -> CreatedResource:
    asked = {key: given[key] for key in ("TopicArn", "Protocol", "Endpoint") if key in given}
    attributes = _attributes(place, given, _SUBSCRIPTION)
    made = place.call("sns", "Subscribe", {**asked, "Attributes": attributes, "ReturnSubscriptionArn": True})
    return CreatedResource(made["SubscriptionArn"], {"Arn": made["SubscriptionArn"]})


def _update_subscription(place: HandlerContext, arn: str, _old: Properties, new: Properties) -> CreatedResource:
    for name, value in _attributes(place, new, _SUBSCRIPTION).items():
        place.ask("sns", "SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName=name, AttributeValue=value)
    return CreatedResource(arn, {"Arn": arn})


def _unsubscribe(place: HandlerContext, arn: str, _given: Properties) -> None:
    place.ask("sns", "Unsubscribe", SubscriptionArn=arn)


_EVENT_RULE = ResourceSpec(
    "events",
    create="PutRule",
    identify="Name",
    delete="DeleteRule",
    gone=by("Name"),
    read=ReadSpec("DescribeRule", by("Name"), "@"),
    update="PutRule",
    named="Name",
    attributes={"Arn": "Arn"},
    dropped=frozenset({"Targets"}),
)


def _put_rule(place: HandlerContext, given: Properties) -> CreatedResource:
    return _targeted(place, handler(_EVENT_RULE).create(place, given), given)


def _targeted(place: HandlerContext, made: CreatedResource, given: Properties) -> CreatedResource:
    if given.get("Targets"):
        place.call("events", "PutTargets", {"Rule": made.id, "Targets": given["Targets"]})
        place.note("Targets", "stored", "the rule is kept; no event is sent")
    return made


def _update_rule(place: HandlerContext, name: str, old: Properties, new: Properties) -> CreatedResource:
    _drop_targets(place, name, old)
    update = handler(_EVENT_RULE).update
    return _targeted(place, update(place, name, old, new) if update else CreatedResource(name), new)


def _drop_targets(place: HandlerContext, name: str, given: Properties) -> None:
    ids = [target["Id"] for target in given.get("Targets") or []]
    if ids:
        place.ask("events", "RemoveTargets", Rule=name, Ids=ids)


def _delete_rule(place: HandlerContext, name: str, given: Properties) -> None:
    _drop_targets(place, name, given)
    place.ask("events", "DeleteRule", Name=name)


def _read_rule(place: HandlerContext, name: str, _given: Properties) -> dict[str, Any]:
    targets = place.ask("events", "ListTargetsByRule", Rule=name)["Targets"]
    return {**place.ask("events", "DescribeRule", Name=name), "Targets": targets}


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


TYPES: Mapping[str, Handler] = {
    "AWS::SNS::Topic": Handler(_create_topic, _delete_topic, _update_topic, _read_topic),
    "AWS::SNS::TopicPolicy": Handler(
        _put_topic_policy,
        lambda _place, _id, _given: None,  # the default policy comes back only with a new topic
        lambda place, _id, _old, new: _put_topic_policy(place, new),
        _read_topic_policy,
    ),
    "AWS::SNS::Subscription": Handler(
        _subscribe,
        _unsubscribe,
        _update_subscription,
        lambda place, arn, _given: place.ask("sns", "GetSubscriptionAttributes", SubscriptionArn=arn)["Attributes"],
    ),
    "AWS::Events::Rule": Handler(_put_rule, _delete_rule, _update_rule, _read_rule),
    "AWS::SQS::Queue": Handler(
        _create_queue,
        _delete_queue,
        _update_queue,
        _read_queue,
    ),
}
