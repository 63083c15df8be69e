"""Container Insights: the log group that ECS fills for a cluster, which no stack owns and none deletes.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cloudwatch-container-insights.html
"""

from __future__ import annotations

from botocore.exceptions import ClientError

from preflight.rehearsal.ecs.state import State, Task

ON = {"enabled", "enhanced"}
GROUP = "/aws/ecs/containerinsights/{}/performance"
DAYS = 1  # that AWS keeps it


def create_log_group(state: State, task: Task) -> None:
    """Make the log group of the cluster that a task runs in, where the cluster is measured and has none yet."""
    values = {setting.get("name"): setting.get("value") for setting in task.cluster.request.get("settings") or []}
    if values.get("containerInsights") not in ON:
        return
    logs, name = state.account.client("logs", task.region), GROUP.format(task.cluster.name)
    try:
        logs.create_log_group(logGroupName=name)
        logs.put_retention_policy(logGroupName=name, retentionInDays=DAYS)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise
