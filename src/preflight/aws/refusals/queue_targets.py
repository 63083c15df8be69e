"""Queues of SQS as the target of an EventBridge rule or of a schedule."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.aws.constraints import Fault, Object, Test, get, known

QUEUE = "arn:aws:sqs:eu-west-1:123456789012:q"  # of examples


def needs_group(shown: str) -> Test:
    """A FIFO queue gets messages of a group; sentences show another property of the target, such as its Id."""

    def faults(part: Object) -> Iterator[Fault]:
        arn = str(known(part, "Arn"))
        if arn.split(":")[2:3] == ["sqs"] and arn.endswith(".fifo") and get(part, "SqsParameters.MessageGroupId") is None:
            yield Fault(("SqsParameters",), known(part, shown))

    return Test(
        faults,
        taken=({"Arn": QUEUE}, {"Arn": f"{QUEUE}.fifo", "SqsParameters": {"MessageGroupId": "a"}}),
        refused=({"Arn": f"{QUEUE}.fifo"},),
    )
