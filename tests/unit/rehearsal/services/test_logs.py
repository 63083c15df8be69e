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


def test_a_metric_filter_is_for_a_log_group_that_there_is(logs: Any) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        put_metric_filter(logs, "/none")


def test_a_metric_filter_is_for_log_groups_of_the_standard_class(logs: Any) -> None:
    logs.create_log_group(logGroupName="/rare", logGroupClass="INFREQUENT_ACCESS")
    logs.create_log_group(logGroupName="/a")

    with pytest.raises(ClientError, match="only supported on the Standard log class"):
        put_metric_filter(logs, "/rare")

    put_metric_filter(logs, "/a")


def test_the_destination_of_a_subscription_is_in_the_region_of_the_log_group(logs: Any) -> None:
    logs.create_log_group(logGroupName="/a")
    request = {"filterName": "f", "filterPattern": "", "destinationArn": "arn:aws:lambda:eu-north-1:123456789012:function:f"}

    with pytest.raises(ClientError, match="is not in the region of the log group"):
        logs.put_subscription_filter(logGroupName="/a", **request)


def test_a_destination_of_a_subscription_is_an_arn(logs: Any) -> None:
    logs.create_log_group(logGroupName="/a")

    with pytest.raises(ClientError, match="is not a valid ARN"):
        logs.put_subscription_filter(logGroupName="/a", filterName="f", filterPattern="", destinationArn="arn:a")
