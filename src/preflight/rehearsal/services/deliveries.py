"""Events and messages that moto would deliver itself: none is, because functions and endpoints are only stored.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Subscriptions.html and
https://docs.aws.amazon.com/sns/latest/dg/sns-event-destinations.html: neither PutLogEvents nor Publish fails with its
destination. moto/awslambda/models.py starts a container, moto/sns/models.py sends a request.
"""

from __future__ import annotations

from typing import Any

from moto.awslambda.models import LambdaFunction
from moto.sns.models import Subscription

_OUTSIDE = frozenset({"http", "https", "lambda"})


def keep_inside() -> None:
    """Let no service of moto run a function, or send a message to an HTTP endpoint."""
    publish = Subscription.publish

    def publish_inside(subscription: Any, *args: Any, **options: Any) -> None:
        if subscription.protocol not in _OUTSIDE:
            publish(subscription, *args, **options)

    LambdaFunction.invoke = _invoke
    if publish.__name__ != publish_inside.__name__:
        Subscription.publish = publish_inside


def _invoke(_function: Any, _body: str, _request_headers: Any, _response_headers: Any) -> bytes:
    return b"null"
