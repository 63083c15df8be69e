"""What CloudWatch Logs refuses of filters, by the log group that they are for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[[str], Any]
METRIC = {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}


@pytest.fixture
def logs(client: Client) -> Any:
    return client("logs")


def put_metric_filter(logs: Any, group: str) -> None:
    logs.put_metric_filter(logGroupName=group, filterName="f", filterPattern="x", metricTransformations=[METRIC])


@pytest.fixture
def subscribe(client: Client, logs: Any) -> Callable[..., None]:
    """Add a subscription filter of a name to the log group /a, with a destination in a region."""
    for name in ("a", "b", "c"):
        client("kinesis").create_stream(StreamName=name, ShardCount=1)
    logs.create_log_group(logGroupName="/a")

    def put(name: str, region: str = "") -> None:
        arn = f"arn:aws:kinesis:{region or logs.meta.region_name}:123456789012:stream/{name}"
        given = {"logGroupName": "/a", "filterName": name, "filterPattern": "", "destinationArn": arn}
        logs.put_subscription_filter(roleArn="arn:aws:iam::123456789012:role/a", **given)

    return put


def test_a_metric_filter_is_for_a_log_group_that_there_is(logs: Any) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        put_metric_filter(logs, "/none")


def test_a_metric_filter_is_for_log_groups_of_the_standard_class(logs: Any) -> None:
    logs.create_log_group(logGroupName="/rare", logGroupClass="INFREQUENT_ACCESS")
    logs.create_log_group(logGroupName="/a")

    with pytest.raises(ClientError, match="only supported on the Standard log class"):
        put_metric_filter(logs, "/rare")

    put_metric_filter(logs, "/a")


def test_the_destination_of_a_subscription_is_in_the_region_of_the_log_group(subscribe: Callable[..., None]) -> None:
    with pytest.raises(ClientError, match="is not in the region of the log group"):
        subscribe("a", "eu-north-1")


def test_a_log_group_has_two_subscriptions(subscribe: Callable[..., None]) -> None:
    subscribe("a")
    subscribe("b")
    subscribe("b")

    with pytest.raises(ClientError, match="LimitExceededException"):
        subscribe("c")
