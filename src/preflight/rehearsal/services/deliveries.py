"""Events and messages that moto would deliver itself: none is, because functions and endpoints are only stored.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Subscriptions.html and
https://docs.aws.amazon.com/sns/latest/dg/sns-event-destinations.html: neither PutLogEvents nor Publish fails with its
destination. moto/awslambda/models.py starts a container, moto/sns/models.py sends a request. Neither does PutEvents
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html): moto/events/models.py breaks at
a target that it does not know, or sends a request.
"""

from __future__ import annotations

import copy
from typing import Any

from moto.awslambda.models import LambdaFunction
from moto.events.models import Rule
from moto.sns.models import Subscription

_OUTSIDE = frozenset({"http", "https", "lambda"})


def keep_inside() -> None:
    """Let no service of moto run a function, or send a message to an HTTP endpoint."""
    publish = Subscription.publish

    def publish_inside(subscription: Any, *args: Any, **options: Any) -> None:
        if subscription.protocol not in _OUTSIDE:
            publish(subscription, *args, **options)

    send = Rule.send_to_targets

    def send_inside(rule: Any, *args: Any, **options: Any) -> None:
        within = copy.copy(rule)
        within.targets = [target for target in rule.targets if _is_inside(target["Arn"])]
        send(within, *args, **options)

    LambdaFunction.invoke = _invoke
    if send.__name__ != send_inside.__name__:
        Rule.send_to_targets = send_inside
    if publish.__name__ != publish_inside.__name__:
        Subscription.publish = publish_inside


def _invoke(_function: Any, _body: str, _request_headers: Any, _response_headers: Any) -> bytes:
    return b"null"


def _is_inside(arn: str) -> bool:
    """Whether moto delivers events to a target without a request: a queue, a log group, a bus or an archive."""
    service, resource = (*arn.split(":", 5), "", "", "", "", "")[2:6:3]
    return service in {"sqs", "logs"} or (service == "events" and not resource.startswith("api-destination"))
