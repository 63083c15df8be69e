"""Topics of SNS: stored, no message is sent."""

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

_TOPIC_TEXTS = ("ContentBasedDeduplication", "DisplayName", "FifoTopic", "KmsMasterKeyId", "SignatureVersion")
_SUBSCRIPTION_TEXTS = ("DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy")
_CHANGEABLE = tuple(name for name in _TOPIC_TEXTS if name != "FifoTopic")


def _set_topic(change: Change) -> Iterator[Request]:
    for name, value in texts(change.new, _CHANGEABLE).items():
        yield {"TopicArn": change.physical_id, "AttributeName": name, "AttributeValue": value}


def _set_subscription(change: Change) -> Iterator[Request]:
    for name, value in texts(change.new, _SUBSCRIPTION_TEXTS).items():
        yield {"SubscriptionArn": change.physical_id, "AttributeName": name, "AttributeValue": value}


def _subscribe(change: Change) -> Iterator[Request]:
    former = change.old.get("Subscription") or []
    for subscription in [s for s in change.new.get("Subscription") or [] if s not in former]:
        yield {"TopicArn": change.physical_id, **subscription}


def _unsubscribe(change: Change) -> Iterator[Request]:
    response = change.context.call("sns", "ListSubscriptionsByTopic", TopicArn=change.physical_id)
    for subscription in response["Subscriptions"]:
        yield {"SubscriptionArn": subscription["SubscriptionArn"]}


def _unsubscribe_removed(change: Change) -> Iterator[Request]:
    kept = change.new.get("Subscription") or []
    removed = [(s["Protocol"], s["Endpoint"]) for s in change.old.get("Subscription") or [] if s not in kept]
    response = change.context.call("sns", "ListSubscriptionsByTopic", TopicArn=change.physical_id)
    for subscription in response["Subscriptions"]:
        if (subscription["Protocol"], subscription["Endpoint"]) in removed:
            yield {"SubscriptionArn": subscription["SubscriptionArn"]}


_TOPIC = ResourceSpec(
    "sns",
    create="CreateTopic",
    physical_id="TopicArn",
    delete=(CallSpec("Unsubscribe", _unsubscribe), call("DeleteTopic", by_id("TopicArn"))),
    reads=(
        ReadSpec("GetTopicAttributes", by_id("TopicArn"), "Attributes", {"TopicName": after_last(":")}),
        ReadSpec("ListSubscriptionsByTopic", by_id("TopicArn"), "{Subscription: Subscriptions}"),
        ReadSpec("ListTagsForResource", by_id("ResourceArn"), "{Tags: Tags}"),
    ),
    update=(
        CallSpec("SetTopicAttributes", _set_topic, _CHANGEABLE),
        CallSpec("Unsubscribe", _unsubscribe_removed),
        CallSpec("Subscribe", _subscribe),
    ),
    after_create=(CallSpec("Subscribe", _subscribe),),
    name="TopicName",
    max_length=200,
    name_suffix=lambda properties: ".fifo" if properties.get("FifoTopic") else "",
    renames={"TopicName": "Name"},
    texts=_TOPIC_TEXTS,
    attributes={"TopicArn": str, "TopicName": after_last(":")},
    dropped={"Subscription": "it has calls of its own"},
    stored=("TopicName", "Subscription", "Tags", *_TOPIC_TEXTS),
)
_SUBSCRIPTION = ResourceSpec(
    "sns",
    create="Subscribe",
    physical_id="SubscriptionArn",
    delete=(call("Unsubscribe", by_id("SubscriptionArn")),),
    reads=(ReadSpec("GetSubscriptionAttributes", by_id("SubscriptionArn"), "Attributes"),),
    update=(CallSpec("SetSubscriptionAttributes", _set_subscription, _SUBSCRIPTION_TEXTS),),
    prepare=lambda properties: {**properties, "ReturnSubscriptionArn": True},
    texts=_SUBSCRIPTION_TEXTS,
    attributes={"Arn": str},
    stored=("TopicArn", "Protocol", "Endpoint", *_SUBSCRIPTION_TEXTS),
)


def _put_policy(context: HandlerContext, properties: Properties) -> CreatedResource:
    policy = as_text(properties["PolicyDocument"])
    for arn in properties["Topics"]:
        context.call("sns", "SetTopicAttributes", TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    context.record_stored(properties)
    return CreatedResource(context.generate_name(), {"Id": context.logical_id})


def _read_policy(context: HandlerContext, _id: str, properties: Properties) -> Response:
    topics = [context.call("sns", "GetTopicAttributes", TopicArn=arn)["Attributes"] for arn in properties["Topics"]]
    return {"Topics": [topic["TopicArn"] for topic in topics], "PolicyDocument": topics[0].get("Policy") if topics else None}


TYPES: Mapping[str, Handler] = {
    "AWS::SNS::Topic": handler(_TOPIC),
    "AWS::SNS::TopicPolicy": Handler(
        create=_put_policy,
        delete=lambda _context, _id, _properties: None,  # the default policy comes back only with a new topic
        update=lambda context, _id, _old, new: _put_policy(context, new),
        read=_read_policy,
    ),
    "AWS::SNS::Subscription": handler(_SUBSCRIPTION),
}
