"""Topics of SNS."""

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
}
