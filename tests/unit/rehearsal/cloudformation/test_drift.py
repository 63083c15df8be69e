"""Drift detection: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[[str], Any]
BODY = json.dumps(
    {
        "Resources": {
            "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "g", "RetentionInDays": 7}},
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 30}},
        }
    }
)


def detect(client: Client) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Detects drift, and returns the status of the detection and the drift of each resource."""
    stacks = client("cloudformation")
    detection = stacks.detect_stack_drift(StackName="s")["StackDriftDetectionId"]
    status = stacks.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
    drifts = stacks.describe_stack_resource_drifts(StackName="s")["StackResourceDrifts"]
    return status, {drift["LogicalResourceId"]: drift for drift in drifts}


def test_a_stack_that_nothing_else_changed_is_in_sync(deploy: Any, client: Client) -> None:
    body = (Path(__file__).parent / "every_type.yaml").read_text()
    deploy(body, Capabilities=["CAPABILITY_NAMED_IAM"])

    status, drifts = detect(client)

    assert {name: d["PropertyDifferences"] for name, d in drifts.items() if d["StackResourceDriftStatus"] != "IN_SYNC"} == {}
    assert status["DetectionStatus"] == "DETECTION_COMPLETE"
    assert status["StackDriftStatus"] == "IN_SYNC"


def test_a_property_that_was_changed_beside_the_stack_is_drift(deploy: Any, client: Client) -> None:
    deploy(BODY)
    client("logs").put_retention_policy(logGroupName="g", retentionInDays=14)

    status, drifts = detect(client)

    assert status["StackDriftStatus"] == "DRIFTED"
    assert status["DriftedStackResourceCount"] == 1
    assert drifts["Logs"]["PropertyDifferences"] == [
        {"PropertyPath": "/RetentionInDays", "ExpectedValue": "7", "ActualValue": "14", "DifferenceType": "NOT_EQUAL"}
    ]


def test_a_resource_that_was_deleted_beside_the_stack_is_deleted(deploy: Any, client: Client) -> None:
    deploy(BODY)
    client("logs").delete_log_group(logGroupName="g")

    _, drifts = detect(client)

    assert drifts["Logs"]["StackResourceDriftStatus"] == "DELETED"
    assert drifts["Queue"]["StackResourceDriftStatus"] == "IN_SYNC"


def test_a_stack_shows_its_drift(deploy: Any, client: Client) -> None:
    deploy(BODY)
    before = client("cloudformation").describe_stacks(StackName="s")["Stacks"][0]["DriftInformation"]
    client("logs").delete_log_group(logGroupName="g")

    detect(client)

    after = client("cloudformation").describe_stacks(StackName="s")["Stacks"][0]["DriftInformation"]
    assert before["StackDriftStatus"] == "NOT_CHECKED"
    assert after["StackDriftStatus"] == "DRIFTED"


def test_drift_of_a_stack_that_does_not_exist_is_refused(client: Client) -> None:
    with pytest.raises(ClientError, match="does not exist"):
        client("cloudformation").detect_stack_drift(StackName="s")
