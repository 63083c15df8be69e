"""Environment files of a task, which are objects in S3.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/use-environment-file.html.
"""

from __future__ import annotations

from botocore.exceptions import ClientError

from preflight.rehearsal.containers.task_spec import ContainerSpec
from preflight.rehearsal.tasks.launch_calls.caller import ExecutionRoleCaller, LaunchFailedError

ENVIRONMENT = (
    "ResourceInitializationError: failed to download env files: file download command: non empty error stream: "
)


def environment(caller: ExecutionRoleCaller, container: ContainerSpec) -> dict[str, str]:
    """Returns the variables in the environment files of a container; the first file that has a variable counts.

    Raises:
        LaunchFailedError: a file cannot be read.
    """
    values: dict[str, str] = {}
    for arn in container.environment_files:
        values = {**variables(_text(caller, arn)), **values}
    return values


def _text(caller: ExecutionRoleCaller, arn: str) -> str:
    bucket, _, key = arn.partition(":::")[2].partition("/")
    if caller.blocker_to("s3"):
        raise LaunchFailedError(
            f"{ENVIRONMENT}RequestCanceled: request context canceled caused by: context deadline exceeded"
        )
    for action, resource in (("s3:GetBucketLocation", arn.partition("/")[0]), ("s3:GetObject", arn)):
        denied = caller.denial(action, resource)
        if denied:
            raise LaunchFailedError(f"{ENVIRONMENT}AccessDenied: {denied} status code: 403")
    try:
        body = caller.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        raise LaunchFailedError(f"{ENVIRONMENT}{error.response['Error']['Code']}: {arn} status code: 404") from None
    return bytes(body).decode(errors="replace")


def variables(text: str) -> dict[str, str]:
    """Returns the variables of one environment file; spaces and quotes belong to names and values.

    As in the ECS agent, a line with nothing before or after its equals sign is ignored, and of two lines the last counts.
    """
    lines = [line.removesuffix("\r").partition("=") for line in text.split("\n") if not line.startswith("#")]
    return {name: value for name, _, value in lines if name and value}
