"""The log stream of a container, created before it starts.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html.
"""

from __future__ import annotations

import uuid

from botocore.exceptions import ClientError

from preflight.model import JsonObject
from preflight.rehearsal.tasks.launch_calls import caller as callers
from preflight.rehearsal.tasks.launch_calls.caller import ExecutionRoleCaller, LaunchFailedError


def open_stream(caller: ExecutionRoleCaller, name: str, log: JsonObject) -> None:
    """Create the stream of a container that logs to CloudWatch Logs.

    Raises:
        LaunchFailedError: it cannot be created.
    """
    if log.get("logDriver") != "awslogs":
        return
    options = log["options"]
    group, region = options["awslogs-group"], options["awslogs-region"]
    if caller.blocker_to("logs"):
        raise LaunchFailedError(
            f"{callers.LOGGER}The task cannot find the Amazon CloudWatch log group defined in the task "
            "definition. There is a connection issue between the task and Amazon CloudWatch. Check "
            "your network configuration. : signal: killed"
        )
    arn = f"arn:{caller.partition}:logs:{region}:{caller.task.arn.split(':')[4]}:log-group:{group}"
    if options.get("awslogs-create-group") == "true":
        _check_permission(caller, "logs:CreateLogGroup", arn, "failed to create Cloudwatch log group")
        _create_group(caller, group, region)
    stream = f"{options.get('awslogs-stream-prefix', 'ecs')}/{name}/{caller.task.id}"
    _check_permission(
        caller, "logs:CreateLogStream", f"{arn}:log-stream:{stream}", "failed to create Cloudwatch log stream"
    )
    _create_stream(caller, group, stream, region)


def _check_permission(caller: ExecutionRoleCaller, action: str, resource: str, words: str) -> None:
    denied = caller.denial(action, resource)
    if denied:
        raise LaunchFailedError(
            f"{callers.LOGGER}create stream has been retried 1 times: {words}: AccessDeniedException: {denied}"
        )


def _create_group(caller: ExecutionRoleCaller, group: str, region: str) -> None:
    try:
        caller.client("logs", region).create_log_group(logGroupName=group)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise


def _create_stream(caller: ExecutionRoleCaller, group: str, stream: str, region: str) -> None:
    try:
        caller.client("logs", region).create_log_stream(logGroupName=group, logStreamName=stream)
    except ClientError as error:
        raise LaunchFailedError(
            f"{callers.LOGGER}create stream has been retried 1 times: failed to create Cloudwatch log stream: "
            "operation error CloudWatch Logs: CreateLogStream, https response error StatusCode: 400, "
            f"RequestID: {uuid.uuid4()}, {error.response['Error']['Code']}: "
            f"{error.response['Error']['Message']} : exit status 1"
        ) from None
