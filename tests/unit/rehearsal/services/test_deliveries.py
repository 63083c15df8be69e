"""Functions and HTTP endpoints that subscribe: stored, and never run or asked."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

Client = Callable[[str], Any]


@pytest.fixture
def function(client: Client) -> str:
    """The ARN of a function."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    document = json.dumps({"Version": "2012-10-17", **trust})
    role = client("iam").create_role(RoleName="f", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("index.py", "def handler(event, context): return 1")
    request = {"FunctionName": "f", "Runtime": "python3.13", "Role": role, "Handler": "index.handler"}
    return str(client("lambda").create_function(**request, Code={"ZipFile": archive.getvalue()})["FunctionArn"])


def test_a_log_group_with_a_subscribed_function_takes_events(client: Client, function: str) -> None:
    logs = client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    logs.put_subscription_filter(logGroupName="g", filterName="f", filterPattern="", destinationArn=function)

    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": int(time.time() * 1000), "message": "m"}])

    assert logs.describe_subscription_filters(logGroupName="g")["subscriptionFilters"][0]["destinationArn"] == function
    assert [event["message"] for event in logs.get_log_events(logGroupName="g", logStreamName="s")["events"]] == ["m"]


@pytest.mark.parametrize(
    ("protocol", "endpoint"),
    [
        pytest.param("http", "http://127.0.0.1:9/", id="an HTTP endpoint"),
        pytest.param("lambda", "arn:aws:lambda:ap-northeast-1:123456789012:function:f", id="a function"),
    ],
)
def test_a_topic_takes_messages_for_subscribers_outside(client: Client, protocol: str, endpoint: str) -> None:
    topic = client("sns").create_topic(Name="t")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)

    assert client("sns").publish(TopicArn=topic, Message="m")["MessageId"]


def test_a_queue_receives_what_its_topic_gets(client: Client) -> None:
    topic = client("sns").create_topic(Name="t")["TopicArn"]
    queue = client("sqs").create_queue(QueueName="q")["QueueUrl"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:ap-northeast-1:123456789012:q")

    client("sns").publish(TopicArn=topic, Message="m")

    assert len(client("sqs").receive_message(QueueUrl=queue)["Messages"]) == 1


@pytest.mark.parametrize(
    "arn",
    [
        pytest.param("arn:aws:lambda:ap-northeast-1:123456789012:function:f", id="a function"),
        pytest.param("arn:aws:states:ap-northeast-1:123456789012:stateMachine:m", id="a state machine"),
        pytest.param("arn:aws:events:ap-northeast-1:123456789012:api-destination/d/1", id="an API destination"),
    ],
)
def test_a_bus_takes_events_for_targets_outside_and_delivers_to_queues(client: Client, arn: str) -> None:
    queue = client("sqs").create_queue(QueueName="q")["QueueUrl"]
    client("events").put_rule(Name="r", EventPattern=json.dumps({"source": ["a"]}))
    targets = [{"Id": "1", "Arn": arn}, {"Id": "2", "Arn": "arn:aws:sqs:ap-northeast-1:123456789012:q"}]
    client("events").put_targets(Rule="r", Targets=targets)

    answer = client("events").put_events(Entries=[{"Source": "a", "DetailType": "b", "Detail": "{}"}])

    assert answer["FailedEntryCount"] == 0
    assert len(client("sqs").receive_message(QueueUrl=queue)["Messages"]) == 1
